"""All cases, by the kind of input that is wrong: the modules beside this one that have CASES."""

from __future__ import annotations

import importlib
import pkgutil

import tests.bad_input
from tests.bad_input.case import Case


def corpus() -> list[tuple[str, Case]]:
    """The kind and the case, in order of the kinds' names."""
    found: list[tuple[str, Case]] = []
    for module in pkgutil.iter_modules(tests.bad_input.__path__):
        if module.name in ("case", "corpus") or module.name.startswith("test_"):
            continue
        cases = getattr(importlib.import_module(f"tests.bad_input.{module.name}"), "CASES", ())
        found += [(module.name, case) for case in cases]
    return found
