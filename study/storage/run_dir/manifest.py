"""What study.json must hold for others to read it: kinds of fields, checked where it is read.

A value that is none is refused there in one line, whoever reads it: a command that is no list, a
budget of text. A field that is not there is one that an older version did not write.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

from study.config import Budget, ModelConfig, Nuisance, ScheduleConfig, from_dict
from study.config.printable import brief, is_text
from study.storage.run_dir.json_text import Damaged

REMEDY = "bring it back from a copy of the folder"
MOST = 2**53  # of a whole number: what every reader of JSON keeps

Check = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """A finite number; not a whole one that is too large to be computed with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= MOST if isinstance(value, int) else math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return is_number(value) and isinstance(value, int)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_text, value))


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _object_of(check: Check) -> Check:
    return lambda value: _is_object(value) and all(map(check, value.values()))


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value > 0


def _is_search(value: Any) -> bool:
    """The names of the strategies and the points of a grid; in the first version one text."""
    if not isinstance(value, dict):
        return is_text(value)
    named = is_text(value.get("first")) and _or_null(is_text)(value.get("then"))
    return named and _or_null(_is_count)(value.get("points"))


def _has_texts(*names: str) -> Check:
    return lambda value: _is_object(value) and all(is_text(value[n]) for n in names if n in value)


FIELDS: dict[str, tuple[Check, str]] = {
    "command": (_list_of(is_text), "a list of words"),
    "created": (_or_null(is_text), "text"),
    "completed": (is_text, "the time at which it was, as text"),
    "chance": (_or_null(_object_of(is_number)), "null, or an object of numbers by split"),
    "per_image": (
        _or_null(_object_of(_or_null(_object_of(_or_null(is_number))))),
        "null, or an object of numbers by size and what is counted",
    ),
    "report_images": (_or_null(is_text), "null, or the folder of the images as text"),
    "versions": (_or_null(_object_of(_or_null(is_text))), "null, or an object of texts by name"),
    "budget": (_is_object, "an object"),
    "budget.max_hours": (_or_null(is_number), "null, or a number"),
    "question.space": (is_text, "text"),
    "question.sizes": (_list_of(_is_count), "a list of whole numbers from 1 on"),
    "question.seed": (lambda value: type(value) is int, "a whole number"),
    "question.search": (
        _is_search,
        "an object with `first` and `then`, names of strategies, and `points`",
    ),
    "question.schedule": (is_text, "text"),
    "question.tails": (_or_null(is_text), "text"),
    "question.stopping": (_or_null(_has_texts("rule", "by")), "null, or an object"),
    "question.nuisance": (_is_object, "an object"),
    "question.nuisance.ranges": (_object_of(_is_object), "an object of ranges by name"),
    "question.fixed": (_is_object, "an object"),
    "question.fixed.model": (_is_object, "an object"),
    "question.fixed.optim": (_is_object, "an object"),
    "question.fixed.optim.batch_size": (_is_count, "a whole number from 1 on"),
    "question.fixed.schedule": (_is_object, "an object"),
    "question.data": (_or_null(_object_of(is_text)), "null, or an object of digests by name"),
}
"""By dotted name: whether a value is one, and what it must be."""
ASKED = (
    *("question.space", "question.arms", "question.sizes", "question.search"),
    *("question.schedule", "question.nuisance.ranges", "budget"),
)
"""Fields without which nobody can tell how the study stands."""


def require_kinds(content: dict[str, Any], file: str) -> None:
    """Refuse values of other kinds than a study writes; `question` is there, and is an object.

    Raises:
        Damaged: names file, field, value, and what it must be.
    """
    for name, (is_sound, rule) in FIELDS.items():
        value = _at(content, name)
        if value is not ... and not is_sound(value):
            raise Damaged(f"{file}: {name} = {brief(value)}: must be {rule}; {REMEDY}")
    arms = content["question"].get("arms") or {}
    if not isinstance(arms, (dict, list)) or not all(map(is_text, arms)):
        rule = "each has a name, of letters, digits, _ and ."
        raise Damaged(f"{file}: question.arms = {brief(arms)}: {rule}; {REMEDY}")
    budget_of(content, file)


def require_configured(content: dict[str, Any], file: str) -> None:
    """Refuse what was searched and what was fixed, as this version names it, if it is no such.

    Raises:
        Damaged: names file, field, value and rule.
    """
    nuisance, model = (_at(content, f"question.{one}") for one in ("nuisance", "fixed.model"))
    ladder = _at(content, "question.fixed.schedule")
    if nuisance is not ...:
        found = _structured(Nuisance, nuisance, f"{file}: question.nuisance")
        if ladder is not ...:  # of the lengths that are searched
            ladder = ladder | {"lengths": found.lengths, "factors": found.factors}
    if ladder is not ...:
        _structured(ScheduleConfig, ladder, f"{file}: question.fixed.schedule")
    if model is not ...:
        _structured(ModelConfig, model, f"{file}: question.fixed.model")


def require_fields(content: dict[str, Any], file: str, names: Iterable[str]) -> None:
    """Refuse a study that does not say what a reader must know.

    Raises:
        Damaged: names file and field.
    """
    for name in names:
        if _at(content, name) is ...:
            raise Damaged(f"{file}: has no {name}; {REMEDY}")


def budget_of(content: dict[str, Any], file: str) -> Budget:
    """What the study may spend; fields that its version did not know have their defaults.

    Raises:
        Damaged: names file, field, value and rule.
    """
    known = {field.name for field in dataclasses.fields(Budget)}
    recorded = content.get("budget") or {}
    given = {name: recorded[name] for name in known & recorded.keys()}
    return _structured(Budget, given, f"{file}: budget")


def _structured(kind: type[Any], values: dict[str, Any], where: str) -> Any:
    try:
        return from_dict(kind, values)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise Damaged(f"{where}: {first}; {REMEDY}") from error


def _at(content: dict[str, Any], name: str) -> Any:
    """The value of a dotted name; `...` where there is none."""
    value: Any = content
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return ...
        value = value[part]
    return value
