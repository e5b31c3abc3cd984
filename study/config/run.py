"""One run: how it is optimised, how long, on what."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from study.config.data import DataConfig
from study.config.evaluation import EvaluationConfig
from study.config.model import TINY, ModelConfig
from study.config.require import require


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """SGD. The learning rate is the one used at `batch_size` images per iteration."""

    lr: float = 0.06
    weight_decay: float = 1e-3  # weights only: norm parameters and biases have none
    momentum: float = 0.9
    batch_size: int = 4  # images per iteration, over all workers
    clip_norm: float | None = 10.0

    def __post_init__(self) -> None:
        require(self.lr > 0, "optim.lr", self.lr, "above 0")
        require(self.weight_decay >= 0, "optim.weight_decay", self.weight_decay, "0 or more")
        require(self.batch_size >= 1, "optim.batch_size", self.batch_size, "at least 1")


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Lengths T in iterations; every T ends in the same tail ("Rethinking", Sec. 3).

    The rate is multiplied by `factor` at T - tail[0] and again at T - tail[1]. All lengths share
    the constant-rate trunk before that, which may be evaluated too, at the iterations of `watch`:
    its weights as they are ("trunk"), or their moving average ("average").
    """

    lengths: tuple[int, ...] = (400,)
    tail: tuple[int, int] = (50, 16)  # iterations before the end
    factors: tuple[float, ...] = (0.1,)
    warmup: int = 40  # iterations, linear
    cascade_last: int | None = None  # later stages join so many iterations before the end
    shared: bool = True  # one trunk for all; otherwise each length and factor starts anew
    tails: Literal["every", "last"] = "every"  # the lengths that are ended by their tails
    watch: tuple[int, ...] = ()  # iterations of the trunk
    watched: tuple[Literal["trunk", "average"], ...] = ("average",)

    def __post_init__(self) -> None:
        lengths, tail = self.lengths, self.tail
        ascending = bool(lengths) and list(lengths) == sorted(set(lengths))
        require(ascending, "schedule.lengths", lengths, "at least one, ascending")
        require(tail[0] >= tail[1] >= 0, "schedule.tail", tail, "first drop before the second")
        require(
            lengths[0] > tail[0],
            "schedule.lengths",
            lengths,
            f"each longer than the tail of {tail[0]} iterations",
        )
        good = bool(self.factors) and all(0 < f <= 1 for f in self.factors)
        require(good, "schedule.factors", self.factors, "at least one, each in (0, 1]")
        different = len({f"{factor:g}" for factor in self.factors}) == len(self.factors)
        require(different, "schedule.factors", self.factors, "each once, to six digits")
        require(self.warmup >= 0, "schedule.warmup", self.warmup, "0 or more iterations")
        on_trunk = all(0 < iteration <= lengths[-1] - tail[0] for iteration in self.watch)
        ascending = list(self.watch) == sorted(set(self.watch))
        rule = f"ascending, within the trunk of {lengths[-1] - tail[0]} iterations"
        require(on_trunk and ascending, "schedule.watch", self.watch, rule)
        last = self.cascade_last
        require(last is None or last > 0, "schedule.cascade_last", last, "above 0")
        rule = (
            f"one length where a cascade's later stages join {last} iterations before the end, for"
            " several would not share their trunk"
        )
        require(last is None or len(lengths) == 1, "schedule.lengths", lengths, rule)
        alone = self.shared or (self.tails == "every" and not self.watch)
        rule = "separate runs have no common trunk to watch, and each has its tail"
        require(alone, "schedule.shared", self.shared, rule)

    def fork(self, length: int) -> int:
        """The iteration at which a length leaves the trunk."""
        return length - self.tail[0]

    def up_to(self, length: int) -> ScheduleConfig:
        """The same schedule, ended at one of its lengths."""
        return dataclasses.replace(
            self,
            lengths=tuple(one for one in self.lengths if one <= length),
            watch=tuple(one for one in self.watch if one <= self.fork(length)),
        )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: one arm, one subset, one seed, one point of the search space.

    A run with several lengths trains the shared trunk once and a tail for each (length, factor).
    """

    trial_id: str = "run"
    arm: str = "scratch"
    init: str | None = None  # weights: "pretext", "imagenet", a file or URL; None: random
    frozen_random: bool = (
        False  # freeze also what was not loaded: Detectron's early bug, on purpose
    )
    size: int = 64  # training images
    draw: int = 0  # which random draw of that many images
    seed: int = 0  # initial weights, data order, augmentation, samplers
    split: Literal["tune", "report"] = "tune"  # evaluated on
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = TINY
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint_every: int = 100  # iterations; also at every fork and before every evaluation
    keep_weights: bool = False  # write the detector's weights at the end of each length
    keep_detections: bool = False  # write what it detects at the end of each length
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1  # CPU threads per worker: results differ in the 7th digit with another number
    precision: Literal["float32", "float64"] = "float32"  # float64 tells rounding from mistakes

    def __post_init__(self) -> None:
        require(self.draw >= 0, "draw", self.draw, "0 or more")
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.size >= 1, "size", self.size, "at least one training image")
        require(self.checkpoint_every >= 1, "checkpoint_every", self.checkpoint_every, ">= 1")
        require(self.threads >= 1, "threads", self.threads, "at least 1")
        scored = self.split == "report" or self.data.tune is not None or self.data.tune_size != 0
        require(scored, "split", self.split, "data.tune_size = 0 leaves nothing to tune on")
        staged = self.schedule.cascade_last is None or bool(self.model.cascade)
        switch = self.schedule.cascade_last
        require(staged, "schedule.cascade_last", switch, "model.cascade names no stages")
