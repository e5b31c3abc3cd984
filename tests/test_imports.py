"""Imports point one way: who may know whom is read off the source, nothing is run."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The product from the top down: a module imports what is in a layer below its own, or in its own.
LAYERS = (
    ("study.sweep", "study.train", "study.prepare", "study.predict", "study.export"),
    ("study.cluster",),
    ("study.commands", "study.recipes"),
    ("study.trained",),
    ("study.planning", "study.training"),
    ("study.models", "study.data"),
    ("study.storage", "study.config", "study.randomness"),
)
LAYER = {group: depth for depth, groups in enumerate(LAYERS) for group in groups}


def modules() -> dict[str, Path]:
    """Every module of the three packages, by its dotted name."""
    found = {}
    for package in ("study", "search_spaces", "analysis"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, module: str) -> set[str]:
    """All modules imported anywhere in the file, inside functions too."""
    found = set()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, node.module or ""] if node.level else [node.module or ""])
            names = {f"{base}.{alias.name}".strip(".") for alias in node.names}
            found |= {name if name in MODULES else base.strip(".") for name in names}
    return found


@functools.cache
def imports_of_all() -> dict[str, set[str]]:
    """What each of them imports; not read where no test of this file runs."""
    return {module: imports(path, module) for module, path in MODULES.items()}


def group(module: str) -> str:
    """The part of the product that a module belongs to: `study.storage`, for one."""
    return ".".join(module.split(".")[:2])


def reached(module: str) -> set[str]:
    """Everything that importing `module` may import, through modules of ours."""
    seen, todo = set(), [module]
    while todo:
        for name in imports_of_all().get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def imported(within: str, *names: str) -> set[tuple[str, str]]:
    """Which modules of a package import one of these packages, or something in them."""
    return {
        (module, name)
        for module, found in imports_of_all().items()
        for name in found
        if f"{module}.".startswith(f"{within}.") and f"{name}.".startswith(tuple(names))
    }


@pytest.mark.slow
def test_imports_of_the_product_point_down():
    upward = {
        (module, name)
        for module, found in imports_of_all().items()
        for name in found
        if {group(module), group(name)} <= LAYER.keys()
        and LAYER[group(name)] < LAYER[group(module)]
    }
    assert not upward
    assert not imported("study", "analysis.")


def test_every_module_of_the_product_is_in_a_layer():
    assert {group(module) for module in MODULES if module.startswith("study.")} == LAYER.keys()


def test_ray_is_imported_under_study_cluster_only():
    assert {module for module, _ in imported("study", "ray.")} > {"study.cluster.launch"}
    assert all(
        module.startswith("study.cluster.")
        for package in ("study", "search_spaces", "analysis")
        for module, _ in imported(package, "ray.")
    )


def test_torchvision_is_imported_at_one_place_which_leaves_the_compiler_out():
    assert {module for module, _ in imported("study", "torchvision.")} == {"study.models.vision"}


def test_analysis_needs_neither_torch_nor_ray_nor_optuna():
    heavy = {
        (module, name)
        for module in MODULES
        if module.startswith("analysis")
        for name in reached(module)
        if name.split(".")[0] in ("torch", "ray", "optuna")
    }
    assert not heavy


def test_search_spaces_know_only_the_configuration():
    ours = {name for _, name in imported("search_spaces", "study.", "analysis.")}
    assert ours == {"study.config"}
