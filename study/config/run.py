"""One run: how it is optimised, how long, on what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from study.config.arithmetic import ARITHMETIC
from study.config.checks.kinds import require_kinds
from study.config.checks.require import (
    MOST_BATCH,
    MOST_COUNT,
    MOST_IMAGES,
    MOST_LENGTH,
    MOST_SEED,
    MOST_WORKERS,
    require,
    whole,
)
from study.config.data import DataConfig
from study.config.evaluation import EvaluationConfig
from study.config.model import TINY, ModelConfig
from study.config.printable import is_text
from study.config.question import apart
from study.config.schedule import ScheduleConfig


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """SGD. The learning rate is the one used at `batch_size` images per iteration."""

    lr: float = 0.06
    weight_decay: float = 1e-3  # weights only: norm parameters and biases have none
    momentum: float = 0.9
    batch_size: int = 4  # images per iteration, over all workers
    clip_norm: float | None = 10.0

    def __post_init__(self) -> None:
        require_kinds(self, "optim.")
        require(self.lr > 0, "optim.lr", self.lr, "above 0")
        require(self.weight_decay >= 0, "optim.weight_decay", self.weight_decay, "0 or more")
        require(0 <= self.momentum < 1, "optim.momentum", self.momentum, "from 0 to below 1")
        require(self.batch_size >= 1, "optim.batch_size", self.batch_size, "at least 1")
        whole("optim.batch_size", self.batch_size, 1, MOST_BATCH, " images")
        clip = self.clip_norm is None or self.clip_norm > 0
        require(clip, "optim.clip_norm", self.clip_norm, "above 0, or None")

    def at(self, values: Mapping[str, float]) -> OptimConfig:
        """With these values of hyper-parameters, by name; a batch size is rounded."""
        whole = {"batch_size": round(values["batch_size"])} if "batch_size" in values else {}
        return dataclasses.replace(self, **dict(values) | whole)

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """The values of hyper-parameters by name."""
        return {name: getattr(self, name) for name in names}


Compute = Literal["float32", "tf32", "bfloat16"]
"""In what a network computes. tf32: products of float32 with 10 bits of mantissa, on GPUs that
have them; elsewhere it is float32. bfloat16: products and norms, on any device; boxes, samples,
RoIAlign and losses stay float32."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: one arm, one subset, one seed, one point of the search space.

    A run with several lengths trains the shared trunk once and a tail for each (length, factor).
    """

    trial_id: str = apart("run")
    arm: str = apart("scratch")
    init: str | None = apart(None)  # weights: "pretext", "imagenet", a file or URL; None: random
    frozen_random: bool = False  # freeze also what was not loaded: Detectron's early bug
    size: int = apart(64)  # training images
    draw: int = apart(0)  # which random draw of that many images
    seed: int = apart(0)  # initial weights, data order, augmentation, samplers
    split: Literal["tune", "report", "none"] = apart("tune")  # evaluated on
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = TINY
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: int = apart(100)  # iterations; also at every fork and evaluation
    arithmetic: int = ARITHMETIC  # `study.config.arithmetic`; earlier versions had others
    keep_weights: bool = False  # write the detector's weights at the end of each length
    keep_trunk: bool = apart(False)  # leave the trunk's end, for lengths that may follow
    keep_detections: bool = apart(False)  # write what it detects at the end of each length
    device: Literal["auto", "cpu", "cuda"] = apart("auto")
    threads: int = apart(1)  # CPU threads per worker: another number changes the 7th digit
    precision: Literal["float32", "float64"] = "float32"  # float64 tells rounding from mistakes
    compute: Compute = "float32"  # of the network's products and norms; weights keep `precision`
    at_once: int | None = apart(None)  # images; None: as many of a batch as fit a worker's memory

    def __post_init__(self) -> None:
        require_kinds(self)
        require(is_text(self.arm), "arm", self.arm, "letters, digits, _ and .")
        whole("draw", self.draw, 0, MOST_COUNT)
        whole("seed", self.seed, 0, MOST_SEED)
        whole("size", self.size, 1, MOST_IMAGES, " training images")
        whole("checkpoint_every", self.checkpoint_every, 1, MOST_LENGTH, " iterations")
        whole("threads", self.threads, 1, MOST_WORKERS)
        one = self.precision == "float32" or self.compute == "float32"
        require(one, "compute", self.compute, "precision = float64 computes in float64")
        some = self.at_once is None or self.at_once >= 1
        require(some, "at_once", self.at_once, "at least 1 image, or none: what fits")
        scored = self.split != "tune" or self.data.tune is not None or self.data.tune_size != 0
        require(scored, "split", self.split, "data.tune_size = 0 leaves nothing to tune on")
        unseen = self.split == "none" or self.data.train_on != "all"
        require(unseen, "split", self.split, "data.train_on = all leaves nothing to evaluate on")
        unseen = self.split != "tune" or self.data.train_on == "train"
        require(unseen, "split", self.split, "data.train_on = train+tune trains on it")
        staged = self.schedule.cascade_last is None or bool(self.model.cascade)
        switch = self.schedule.cascade_last
        require(staged, "schedule.cascade_last", switch, "model.cascade names no stages")
