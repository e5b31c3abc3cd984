"""Imports point one way: who may know whom is read off the source, nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The product from the top down: a module imports what stands below it, or beside it in its group.
LAYERS: list[set[str]] = [
    {"study.sweep", "study.train", "study.prepare"},
    {"study.cluster"},
    {"study.commands", "study.recipes"},
    {"study.planning", "study.training"},
    {"study.models", "study.data"},
    {"study.storage", "study.config", "study.randomness"},
]


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


IMPORTS = {module: imports(path, module) for module, path in MODULES.items()}


def tops(module: str) -> set[str]:
    return {name.split(".")[0] for name in IMPORTS[module]}


def reached(module: str) -> set[str]:
    """Everything that importing `module` may import, through modules of ours."""
    seen, todo = set(), [module]
    while todo:
        for name in IMPORTS.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def layer(module: str) -> int | None:
    group = ".".join(module.split(".")[:2])
    return next((depth for depth, groups in enumerate(LAYERS) if group in groups), None)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_ray_is_imported_under_study_cluster_only(module: str):
    assert "ray" not in tops(module) or module.startswith("study.cluster")


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("analysis")))
def test_analysis_needs_neither_torch_nor_ray(module: str):
    heavy = {name for name in reached(module) if name.split(".")[0] in ("torch", "ray", "optuna")}
    assert not heavy


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("search_spaces.")))
def test_search_spaces_know_only_the_configuration(module: str):
    ours = {name for name in IMPORTS[module] if name.split(".")[0] in ("study", "analysis")}
    assert ours <= {"study.config"}


@pytest.mark.parametrize("module", sorted(m for m in MODULES if layer(m) is not None))
def test_imports_of_the_product_point_down(module: str):
    own = layer(module)
    assert own is not None
    upward = {
        name for name in IMPORTS[module] if (depth := layer(name)) is not None and depth < own
    }
    assert not upward
    assert "analysis" not in tops(module)


def test_every_module_of_the_product_has_its_place():
    lost = {m for m in MODULES if m.startswith("study.") and layer(m) is None}
    assert not lost, "name it in LAYERS"
