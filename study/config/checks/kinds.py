"""Whether the fields of a configuration hold what their annotations say.

A search space is written by hand: `trials="8"` or `sizes=64` is said to be wrong where it is
written, not where something is computed with it hours later.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin

from study.config.checks.require import require

SIMPLE: dict[Any, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number, not nan and not infinite"),
    str: (str, "a text in quotes"),
    type(None): (type(None), "None"),
}


def require_kinds(config: Any, prefix: str = "") -> None:
    """Raise ValueError with the field, its value and the rule where one is of another kind.

    Args:
        config: a dataclass.
        prefix: what its fields are called by, before their names: "optim.".
    """
    for name, hint in _hints(type(config)).items():
        value = getattr(config, name)
        if type(value) is hint and hint is not float:  # most are, and a study makes many of these
            continue
        if not fits(value, hint):
            require(False, f"{prefix}{name}", value, f"must be {called(hint)}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is what an annotation says; numbers must be finite."""
    if hint in SIMPLE:
        kind = SIMPLE[hint][0]
        if hint is not bool and isinstance(value, bool):
            return False
        return isinstance(value, kind) and (hint is not float or math.isfinite(value))
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin is tuple:
        if not isinstance(value, (tuple, list)):
            return False
        if inner[-1] is Ellipsis:
            return all(fits(one, inner[0]) for one in value)
        return len(value) == len(inner) and all(map(fits, value, inner))
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, inner[0]) and fits(one, inner[1]) for key, one in value.items()
        )
    return not isinstance(hint, type) or isinstance(value, hint)


def called(hint: Any) -> str:
    """An annotation for people."""
    if hint in SIMPLE:
        return SIMPLE[hint][1]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(called(one) for one in inner)
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if origin is tuple and inner[-1] is Ellipsis:
        return f"a tuple, in parentheses with a comma after each: {called(inner[0])}"
    if origin is tuple:
        return f"a tuple of {len(inner)}: {called(inner[0])}"
    if origin is dict:
        return f"a dictionary: {called(inner[0])}: {called(inner[1])}"
    return f"a {getattr(hint, '__name__', hint)}(…)"


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    found = typing.get_type_hints(cls)
    return {one.name: found[one.name] for one in dataclasses.fields(cls)}
