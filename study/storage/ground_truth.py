"""What a study's stored ground truth must hold: a COCO data set whose parts fit one another.

Whatever scores detections by it, or draws its boxes, takes that for granted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from study.config.printable import brief, is_text

MOST_PX = 2**31 - 1
MOST_ID = 2**63 - 1  # that a file of detections can hold

Check = tuple[Callable[[Any], bool], str]
"""Whether a value is one, and what it must be."""


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value) and abs(value) <= MOST_ID


def _is_whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _numbers(count: int | None = None) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        known = isinstance(value, list) and all(map(_is_number, value))
        return known and (count is None or len(value) == count)

    return check


def _is_scale(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"kind", "low", "high"}:
        return False
    ends = value["low"], value["high"]
    return is_text(value["kind"]) and all(map(_is_number, ends)) and ends[0] < ends[1]


def _is_mask(value: Any) -> bool:
    if not isinstance(value, dict) or not is_text(value.get("counts")):
        return False
    sides = value.get("size")
    is_px = _is_whole(1, MOST_PX)
    return isinstance(sides, list) and len(sides) == 2 and all(map(is_px, sides))


ID: Check = (_is_whole(-MOST_ID, MOST_ID), "a whole number")
SIDE: Check = (_is_whole(1, MOST_PX), "a whole number of px from 1 on")
NAME: Check = (lambda value: is_text(value) and "\0" not in value, "text")
NEEDED: dict[str, dict[str, Check]] = {
    "images": {"id": ID, "width": SIDE, "height": SIDE, "file_name": NAME},
    "categories": {"id": ID, "name": NAME},
    "annotations": {
        **{"id": ID, "image_id": ID, "category_id": ID},
        "bbox": (_numbers(4), "four finite numbers"),
        "area": (_is_number, "a finite number"),
        "iscrowd": (_is_whole(0, 1), "0 or 1"),
    },
}
OPTIONAL: dict[str, dict[str, Check]] = {
    "images": {
        "upright": (lambda value: isinstance(value, bool), "true or false"),
        "scale": (_is_scale, "an object of kind, low and high"),
    },
    "categories": {},
    "annotations": {
        "segmentation": (_is_mask, "run lengths, an object of size and counts"),
        "keypoints": (_numbers(), "finite numbers"),
    },
}


def require_whole(truth: Any) -> None:
    """Refuse what is no ground truth.

    Raises:
        ValueError: names the first item and field, the value and the rule, and not the file.
    """
    for wrong in _wrong(truth):
        raise ValueError(wrong)


def _wrong(truth: Any) -> Iterator[str]:
    if not isinstance(truth, dict):
        yield f"a JSON {type(truth).__name__}, not an object"
        return
    ids: dict[str, set[int]] = {}
    for kind, needed in NEEDED.items():
        items = truth.get(kind)
        if not isinstance(items, list):
            yield f"{kind} = {brief(items)}: must be a list"
            return
        yield from _of_items(kind, items, needed, OPTIONAL[kind])
        ids[kind] = {item["id"] for item in items}
    for at, item in enumerate(truth["annotations"]):
        for name, kind in (("image_id", "images"), ("category_id", "categories")):
            if item[name] not in ids[kind]:
                yield f"annotations[{at}]: {name} = {item[name]}: is none of the {kind}"


def _of_items(
    kind: str, items: list[Any], needed: dict[str, Check], optional: dict[str, Check]
) -> Iterator[str]:
    """What is wrong with one of the lists; the caller stops at the first."""
    first: dict[int, int] = {}
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            yield f"{kind}[{at}] = {brief(item)}: must be an object"
            return
        for name, (is_sound, rule) in needed.items():
            if name not in item:
                yield f"{kind}[{at}]: has no {name}"
            elif not is_sound(item[name]):
                yield f"{kind}[{at}]: {name} = {brief(item[name])}: must be {rule}"
        for name in optional.keys() & item.keys():
            is_sound, rule = optional[name]
            if not is_sound(item[name]):
                yield f"{kind}[{at}]: {name} = {brief(item[name])}: must be {rule}"
        if first.setdefault(item["id"], at) != at:
            yield f"{kind}[{at}]: id = {item['id']}: {kind}[{first[item['id']]}] has it too"
