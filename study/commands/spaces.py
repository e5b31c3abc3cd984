"""Finds a search space: by its name in search_spaces/, or in a file of one's own."""

from __future__ import annotations

import importlib.util
import pkgutil
from pathlib import Path

import search_spaces
from study.config import SearchSpace


def names() -> list[str]:
    """The search spaces that come with the project; what these share begins with an underscore."""
    found = (module.name for module in pkgutil.iter_modules(search_spaces.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def find(text: str) -> SearchSpace:
    """The SPACE that the module `text` defines.

    Raises:
        ValueError: no such name or file, or it defines no SPACE.
    """
    path = Path(text)
    if path.suffix != ".py":
        if text not in names():
            raise ValueError(
                f"space = {text!r}: no such search space; there are {', '.join(names())}, or give"
                " the path of a .py file that defines SPACE"
            )
        path = Path(search_spaces.__path__[0]) / f"{text}.py"
    if not path.is_file():
        raise ValueError(f"space = {text!r}: there is no such file")
    spec = importlib.util.spec_from_file_location(f"search_space_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    space = getattr(module, "SPACE", None)
    if not isinstance(space, SearchSpace):
        raise ValueError(f"space = {text!r}: the file defines no SPACE: study.config.SearchSpace")
    return space
