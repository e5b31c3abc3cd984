"""A recipe: one of the paper's experiments as a run, with the numbers that were published for it.

Rates and iterations are written for 16 images an iteration, as the paper writes them;
`study.recipes.scaling` converts a run to another batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from study.config import RunConfig
from study.config.checks.require import require
from study.recipes.scaling import at_batch

IMAGES = 16  # per iteration, of all rates and iterations in this package

Standing = Literal["V", "C", "2", "D"]
"""How a number is known: read in the paper's text (V), in the named code or its documentation
(C), reported by another document (2), derived from such numbers (D)."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published number, by the name of the record's column that it is to be compared with."""

    metric: str  # column of a record, in points 0–100
    value: float
    length: int | None  # iterations of 16 images; None: the best length, or one not stated
    standing: Standing
    source: str

    def __post_init__(self) -> None:
        require(0 < self.value < 100, "value", self.value, "points above 0 and below 100")
        known = get_args(Standing)
        require(self.standing in known, "standing", self.standing, f"one of {', '.join(known)}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to run, what it reproduces, and what the paper got.

    `notes` say what the paper leaves open and what stands here instead, a sentence each.
    """

    name: str  # table or figure / system-arm
    reproduces: str
    run: RunConfig
    paper: tuple[Published, ...] = ()
    notes: tuple[str, ...] = ()
    every_image: bool = True  # `run.size` is the published count; trained on are all there are
    mistake: bool = False  # repeats one on purpose, to measure what it costs

    def __post_init__(self) -> None:
        good = re.fullmatch(r"[a-z0-9]+/[a-z0-9]+(-[a-z0-9]+)*", self.name)
        require(bool(good), "name", self.name, "like table1/r50-gn-scratch")
        batch = self.run.optim.batch_size
        require(batch == IMAGES, "run.optim.batch_size", batch, f"recipes are for {IMAGES}")
        lengths = {row.length for row in self.paper} - {None, *self.run.schedule.lengths}
        require(not lengths, "paper", lengths, "of lengths that the run has")

    def published_for(self, run: RunConfig) -> tuple[Published, ...]:
        """The published numbers that a run's are to be compared with: none if it is another run.

        It is the same run with another seed, draw or batch, with some of the lengths, with
        whatever weights file, and with up to a tenth more or fewer images, for splits are counted
        in more than one way.
        """
        theirs = at_batch(self.run, run.optim.batch_size)
        same = (
            (run.model, run.evaluation, run.optim)
            == (theirs.model, theirs.evaluation, theirs.optim)
            and (run.schedule.tail, run.schedule.factors)
            == (theirs.schedule.tail, theirs.schedule.factors)
            and (run.init is None) == (theirs.init is None)
            and run.data.name == theirs.data.name
            and run.data.val_size == theirs.data.val_size
            and abs(run.size - theirs.size) <= theirs.size / 10
        )
        return self.paper if same else ()


def varied(
    recipe: Recipe,
    name: str,
    reproduces: str,
    *,
    paper: tuple[Published, ...] = (),
    notes: tuple[str, ...] = (),
    model: Mapping[str, Any] | None = None,
    optim: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
) -> Recipe:
    """Another recipe that differs in what is given.

    Its notes are added to the others; the published numbers are its own alone.
    """
    parts = {"optim": optim, "schedule": schedule}
    changed = {k: replace(getattr(recipe.run, k), **v) for k, v in parts.items() if v}
    if model:
        changed["model"] = recipe.run.model.but(**model)
    return replace(
        recipe,
        name=name,
        reproduces=reproduces,
        run=replace(recipe.run, **changed, **(run or {})),
        paper=paper,
        notes=(*recipe.notes, *notes),
    )


def rows(
    metric: str, by_length: Mapping[int, float], source: str, standing: Standing = "V"
) -> tuple[Published, ...]:
    """Numbers of one metric, from one place, by length."""
    return tuple(
        Published(metric=metric, value=value, length=length, standing=standing, source=source)
        for length, value in by_length.items()
    )


def best(metric: str, value: float, source: str) -> tuple[Published]:
    """A number of the paper's text at the best length, or at one that it does not state."""
    return (Published(metric=metric, value=value, length=None, standing="V", source=source),)


def both(
    box: tuple[float, float, float],
    mask: tuple[float, float, float],
    source: str,
    suffix: str = "",
) -> tuple[Published, ...]:
    """AP, AP50 and AP75 of boxes and masks, as Tables 2 and 3 print them.

    `suffix` is that of the columns: "_augmented" for test-time augmentation.
    """
    return tuple(
        row
        for kind, values in (("box", box), ("mask", mask))
        for metric, value in zip(("AP", "AP50", "AP75"), values, strict=True)
        for row in best(f"{metric}_{kind}{suffix}", value, source)
    )
