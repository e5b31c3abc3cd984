"""The layers that depend on the classes, row by row: a class keeps its rows if its name is there.

Names are compared without regard to case, and `traffic_light` is `traffic light`. The background
is a class of every detector.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from study.models.weights.whole.categories import NONE
from study.models.weights.whole.checkpoint import SCORE, Whole

BACKGROUND = ""
"""Stands for it among names of classes."""
LAYERS = re.compile(
    r"roi_heads\.(?:later\.\d+\.)?"
    r"(?:box_predictor\.(?:cls_score|(bbox_pred))|mask_predictor\.mask_fcn_logits)\.(?:weight|bias)"
)
"""Names of their tensors; those with a group have four rows for each class."""

Slots = tuple[str | None, ...]
"""Whose each of a layer's rows is, the background's with `BACKGROUND`; None: not known."""


@dataclass(frozen=True)
class Taken:
    """Tensors with rows of a file's."""

    tensors: dict[str, Tensor]
    values: dict[str, int]  # how many of each are the file's
    classes: tuple[str, ...]  # whose rows are the file's, in our order


def taken(own: Mapping[str, Tensor], whole: Whole, classes: Sequence[str] | None) -> Taken:
    """The class-dependent tensors with the rows that the file has.

    Args:
        own: the detector's tensors by name, as they are at first.
        whole: the file's detector, whose other layers fit.
        classes: the detector's, in order from class 1 on; None: not known.
    """
    count = len(own[f"{SCORE}.weight"]) - 1
    names = (BACKGROUND, *(map(_plain, classes) if classes is not None else (None,) * count))
    tensors: dict[str, Tensor] = {}
    values: dict[str, int] = {}
    for name, ours in own.items():
        match, theirs = LAYERS.fullmatch(name), whole.tensors.get(name)
        if match is None or theirs is None or theirs.shape[1:] != ours.shape[1:]:
            continue
        rows = 4 if match[1] else 1
        if len(ours) == rows:  # one for all classes
            places = {0: 0} if len(theirs) == rows else {}
        else:
            at = {slot: place for place, slot in enumerate(slots(whole, len(theirs) // rows))}
            places = {
                to: at[slot] for to, slot in enumerate(names) if slot in at and slot is not None
            }
        mixed = ours.clone()
        for to, start in places.items():
            mixed[to * rows : (to + 1) * rows] = theirs[start * rows : (start + 1) * rows]
        tensors[name], values[name] = mixed, len(places) * rows * ours[0].numel()
    scored = slots(whole, whole.foreground + 1)
    shared = tuple(own for own in classes or () if _plain(own) in scored)
    return Taken(tensors, values, shared)


def slots(whole: Whole, number: int) -> Slots:
    """Of a layer of the file with rows for so many; none if it has one for all classes."""
    count = whole.foreground
    names: Slots = (None,) * count
    if whole.classes is not None:
        names = tuple(None if own == NONE else _plain(own) for own in whole.classes)
    if number == count:
        return names
    if number != count + 1:
        return ()
    return (BACKGROUND, *names) if whole.background == "first" else (*names, BACKGROUND)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
