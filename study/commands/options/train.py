"""Options of `python -m study.train`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tyro

from study.commands.common import Count, OwnData, RunDir, unset
from study.commands.options.models import BackboneName, DetectorSize
from study.config import RunConfig
from study.config.run import Compute

ALONE = RunConfig(split="report", keep_weights=True)
"""A run without a recipe, before its options."""


def _or_recipe(metavar: str, text: str, default: object) -> Any:
    """For an option with a value of the recipe's: its help, with the default of other runs."""
    help_text = f"{text} (default: {default}, or the recipe's)."
    return tyro.conf.arg(metavar=metavar, help=help_text, help_behavior_hint="")


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train one detector and evaluate it at each length."""

    recipe: tyro.conf.Positional[Annotated[str | None, unset("[RECIPE]")]] = None
    """One of the paper's experiments; all options that follow change it (default: none)."""
    list: bool = False
    """Print all recipes with their schedule, the paper's number and their cost, and stop."""
    dry_run: bool = False
    """Print what would be run, what it costs, what the paper got, which data are there; stop."""
    run_dir: RunDir | None = None
    """The run's folder, or s3://bucket/prefix: configuration, records, checkpoints, weights."""
    tiny: bool = False
    """The recipe reduced to seconds on a CPU: a few small images (the embedded ones, unless
    --data.* are given), at most six iterations. Other options change that run."""
    arm: Annotated[
        str | None,
        _or_recipe(
            "NAME", "scratch, pretext, imagenet, coco, a weights file, or name=file", ALONE.arm
        ),
    ] = None
    size: Annotated[
        int | None,
        _or_recipe("N", "Training images; with a recipe on own data, all", ALONE.size),
    ] = None
    draw: int = 0
    """Which random draw of that many images."""
    seed: int = 0
    lr: Annotated[
        float | None,
        _or_recipe("FLOAT", "Learning rate at the batch size given", ALONE.optim.lr),
    ] = None
    weight_decay: Annotated[
        float | None, _or_recipe("FLOAT", "Of weights only", ALONE.optim.weight_decay)
    ] = None
    batch_size: Annotated[
        int | None,
        _or_recipe(
            "N",
            "Images per iteration; a recipe's rate and iterations are converted to it",
            ALONE.optim.batch_size,
        ),
    ] = None
    short_px: Count = None
    """Shorter side of images; longer side, scales and anchors follow (default: the model's)."""
    lengths: Annotated[
        tuple[int, ...] | None,
        _or_recipe(
            "T ...",
            "Total iterations; several share one trunk and end in a tail each",
            _numbers(ALONE.schedule.lengths),
        ),
    ] = None
    tail: Annotated[
        tuple[int, int] | None,
        _or_recipe(
            "T T",
            "The learning rate drops this many iterations before the end of each length",
            _numbers(ALONE.schedule.tail),
        ),
    ] = None
    factor: Annotated[
        tuple[float, ...] | None,
        _or_recipe("FLOAT ...", "By how much it drops", _numbers(ALONE.schedule.factors)),
    ] = None
    split: Literal["tune", "report"] = "report"
    """Images to evaluate on."""
    model: BackboneName = None
    detector: DetectorSize = None
    """Sizes of images and heads: small for CPUs, full as in the paper, or torchvision's with its
    body (default: small)."""
    crop_px: Count = None
    """Train on random square crops of this side, in px."""
    data: OwnData = field(default_factory=OwnData)
    workers: int = 1
    """Processes that train data-parallel, each on a GPU or CPU core of a Ray cluster."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute: Compute = "float32"
    """What products and norms are computed in; tf32 and bfloat16 are faster on GPUs."""
    precision: Literal["float32", "float64"] = "float32"
    """Of the weights; float64 is slow, and tells a mistake from rounding."""
    threads: int = 1
    """CPU threads of each worker."""
