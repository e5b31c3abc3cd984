"""The paper's experiments, one short function each, by table and figure.

A recipe is a run and the numbers that were published for it; most vary another one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from study.config.checks.meant import close
from study.recipes.paper import ablation, fig4, fig5, fig6, fig7, fig8, table1, table3, vgg, voc
from study.recipes.recipe import Published, Recipe
from study.recipes.scaling import reduced

__all__ = ["Published", "Recipe", "all", "find", "reduced"]

MODULES = (table1, fig4, fig5, table3, fig6, vgg, fig7, fig8, voc, ablation)


@cache
def all() -> Mapping[str, Recipe]:
    """Every recipe by its name, in the paper's order.

    Raises:
        ValueError: two of one name.
    """
    found: dict[str, Recipe] = {}
    for module in MODULES:
        for make in module.RECIPES:
            recipe = make()
            if recipe.name in found:
                raise ValueError(f"recipe = {recipe.name!r}: names must differ")
            found[recipe.name] = recipe
    return MappingProxyType(found)


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none; lists near matches.
    """
    recipes = all()
    if name not in recipes:
        near = close(name, recipes) or difflib.get_close_matches(name, recipes, n=4, cutoff=0.5)
        near = near or [other for other in recipes if name and name in other][:4]
        meant = f"did you mean {', '.join(near)}?" if near else "there is none like it;"
        raise ValueError(f"recipe = {name!r}: {meant} --list shows all")
    return recipes[name]
