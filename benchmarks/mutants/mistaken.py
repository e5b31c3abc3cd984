"""Imports a file with a mistake in place of the file."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from benchmarks.mutants.mutations import changed

ROOT = Path(__file__).parents[2]


def install(file: str, number: int) -> None:
    """From here on, this process imports the file with that mistake."""
    sys.meta_path.insert(0, Mistaken(file, number))


class Mistaken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one file with a mistake in it."""

    def __init__(self, file: str, number: int) -> None:
        self._path = ROOT / file
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._name, self._number = name, number

    def find_spec(self, fullname: str, path: object, target: object = None) -> Any:
        if fullname != self._name:
            return None
        is_package = self._path.name == "__init__.py"
        return importlib.util.spec_from_file_location(
            fullname,
            self._path,
            loader=self,
            submodule_search_locations=[str(self._path.parent)] if is_package else None,
        )

    def exec_module(self, module: types.ModuleType) -> None:
        tree = changed(self._path.read_text(), self._number)
        exec(compile(tree, str(self._path), "exec"), module.__dict__)
