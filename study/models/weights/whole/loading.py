"""A whole detector's weights into a detector of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from study.config import ModelConfig
from study.models.weights.pixels import fitted
from study.models.weights.whole import architecture, rows
from study.models.weights.whole.checkpoint import BODY, Whole

PARTS = ("backbone", "rpn", "roi_heads")
BRANCHES = ("roi_heads.mask_", "roi_heads.keypoint_")
"""Heads that a file may lack or have too many: they are then random, or left out."""

Load = Callable[[nn.Module, Mapping[str, Tensor], str], set[str]]
"""Loads all of a module or nothing, and complains with those words: names loaded."""


@dataclass(frozen=True)
class Loaded:
    """What was loaded."""

    names: set[str]  # of tensors that are the file's
    partly: dict[str, int]  # of others: how many values are
    classes: tuple[str, ...]  # whose rows are
    program: str


def load(
    detector: nn.Module,
    whole: Whole,
    model: ModelConfig,
    classes: Sequence[str] | None,
    complete: Load,
) -> Loaded:
    """Load all that fits any classes, and the rows of classes that both have.

    Args:
        detector: of `model`.
        classes: its classes in order from class 1 on; None: not known.
        complete: how a module is loaded that must get all of its tensors.

    Raises:
        ValueError: the model is another one: lists its fields, or the tensors that do not fit.
    """
    what = f"weights {whole.source!r}, a whole detector ({whole.program}'s),"
    architecture.require(architecture.of(whole), model, what)
    given = _on_pixels(whole, model)
    own = detector.state_dict()
    mixed = rows.taken(own, whole, classes)
    for branch in BRANCHES:
        if not (_any(own, branch) and _any(given, branch)):
            given = {name: value for name, value in given.items() if not name.startswith(branch)}
            given |= {name: value for name, value in own.items() if name.startswith(branch)}
    there = {name for name in given if name in whole.tensors and not rows.LAYERS.fullmatch(name)}
    given = {name: value for name, value in given.items() if not rows.LAYERS.fullmatch(name)}
    given |= {name: value for name, value in own.items() if rows.LAYERS.fullmatch(name)}
    names = complete(detector, given | mixed.tensors, f"{what} do not fit")
    partly = {name: count for name, count in mixed.values.items() if count}
    return Loaded(names & there, partly, mixed.classes, whole.program)


def _on_pixels(whole: Whole, model: ModelConfig) -> dict[str, Tensor]:
    """The file's tensors, for the model's pixels."""
    given = dict(whole.tensors)
    if whole.pixels is None:
        return given
    body = {
        name.removeprefix(BODY): value for name, value in given.items() if name.startswith(BODY)
    }
    return given | {
        BODY + name: value for name, value in fitted(body, whole.pixels, model.body).items()
    }


def _any(tensors: Mapping[str, Tensor], start: str) -> bool:
    return any(name.startswith(start) for name in tensors)
