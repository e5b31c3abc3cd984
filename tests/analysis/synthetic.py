"""Whole studies with a known truth, written through `study.storage.run_dir` as a sweep does.

AP is a smooth surface over learning rate, weight decay and length, one per arm and size, plus
normal noise by seed (shared by the arms of one seed in part, as a shared data order would).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import qmc

from study.config import (
    Budget,
    OptimConfig,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
    digest,
    schedule,
    to_dict,
)
from study.config.arms import Arm
from study.planning.design import Design
from study.planning.search.range_extension import Side, Strip
from study.planning.stopping import Halving, Stopping
from study.storage.record import record
from study.storage.run_dir import Record, State, StudyDir

SPACE = SearchSpace(
    name="synthetic",
    scientific=Scientific(sizes=(24, 64, 256)),
    fixed=RunConfig(
        optim=OptimConfig(batch_size=8), schedule=ScheduleConfig(tail=(44, 14), warmup=0)
    ),
)
SECONDS_PER_IMAGE = 0.025
CREATED = 1_760_000_000.0


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the studies are drawn from."""

    peak: Mapping[str, Mapping[int, float]] = field(
        default_factory=lambda: {
            "scratch": {24: 5.0, 64: 16.0, 256: 33.0},
            "pretext": {24: 14.0, 64: 26.0, 256: 34.0},
        }
    )
    slowness: Mapping[str, float] = field(
        default_factory=lambda: {"scratch": 220.0, "pretext": 90.0}
    )  # iterations to 63 % of the peak
    best_lr: float = 0.03
    lr_of: Mapping[str, float] = field(default_factory=dict)  # arms whose best one is another
    best_weight_decay: float = 3e-4
    noise: float = 0.6  # standard deviation over seeds, AP
    shared: float = 0.5  # share of its variance that a seed adds to every arm alike
    too_fast: float = 0.085  # learning rate from which training from scratch diverges
    overfit: float = math.inf  # iterations after which 63 % is lost again
    masks: bool = True
    trunk: float = 0.7  # the trunk's share of the AP that the tail at its fork would give
    momentum: float = 0.0  # AP that a momentum of 1 above the usual one would add
    luck: int = 0  # lets what seeds have in common differ between studies

    def ap(self, arm: str, size: int, lr: float, weight_decay: float, length: int) -> float:
        """Expected box AP on the report split."""
        off_lr = math.log10(lr / self.lr_of.get(arm, self.best_lr)) / 0.5
        off_decay = math.log10(weight_decay / self.best_weight_decay) / 2.0
        fit = math.exp(-0.5 * (off_lr**2 + off_decay**2))
        learnt = 1 - math.exp(-length / self.slowness[arm])
        return self.peak[arm][size] * fit * learnt * math.exp(-length / self.overfit)


def write_study(
    path: Path,
    *,
    truth: Truth | None = None,
    space: SearchSpace = SPACE,
    trials: int = 8,
    confirm: int = 4,
    cross: int = 0,
    audits: bool = False,
    strip: bool = False,
    rng: np.random.Generator,
) -> StudyDir:
    """A finished study: Sobol points alike in every arm, a quarter stopped, confirmed.

    If asked for: `cross` runs with each other arm's best setting; every other stopped trial
    continued; learning rates extended upwards at the first size.
    """
    truth = truth or Truth()
    budget = Budget(
        trials=trials, confirm=confirm, cross=cross, audit=0.5 * audits, extend=int(strip)
    )
    study = begin(path, space, budget=budget)
    search = space.nuisance
    names = space.nuisance.names
    points = qmc.Sobol(len(names), rng=rng).random(1 << max(1, (trials - 1).bit_length()))[:trials]
    for size in space.scientific.sizes:
        tops: dict[str, tuple[RunConfig, int]] = {}
        for arm in space.scientific.arms:
            scores: list[tuple[float, RunConfig, int]] = []
            for index, point in enumerate(points):
                at = {
                    name: search.ranges[name].at(x) for name, x in zip(names, point, strict=True)
                }
                run = run_of(space, arm, size, index)
                run = replace(run, optim=run.optim.at(at))
                scores += write_trial(study, run, truth, index=index, stop=index % 4, rng=rng)
                if audits and index % 8 == 1 and study.trial(run.trial_id).state is State.STOPPED:
                    audit(study, run, truth, rng=rng)
            if strip and size == space.scientific.sizes[0]:
                scores += in_strip(study, space, arm, size, truth=truth, rng=rng)
            _, top, length = max(scores, key=lambda score: score[0])
            tops[arm] = top, length
        for arm, own in tops.items():
            for index in range(confirm):
                repeat(study, arm, *own, index, index, truth=truth, rng=rng)
            number = confirm
            for other in tops.values():
                for index in range(cross if _setting(*other) != _setting(*own) else 0):
                    how = {"strategy": "cross", "more": {"of": other[0].trial_id}}
                    repeat(study, arm, *other, index, number, truth=truth, rng=rng, **how)
                    number += 1
    return study


def begin(
    path: Path,
    space: SearchSpace,
    trials: int = 8,
    confirm: int = 4,
    budget: Budget | None = None,
    **asked_for: Any,
) -> StudyDir:
    """The study's manifest, as a sweep writes it before its first trial."""
    study = StudyDir(path)
    arms = tuple(Arm(name, None) for name in space.scientific.arms)
    budget = budget or Budget(trials=trials, confirm=confirm, cross=0, audit=0.0, extend=0)
    at_once = Stopping(Halving(earliest=0.0))
    asked_for = {"stopping": at_once} | asked_for
    asked = Design(space=space, arms=arms, budget=budget, **asked_for)
    digests = {split: digest(split) for split in ("train", "tune", "report")}
    study.open(
        {
            "question": asked.question(digests),
            "budget": asdict(budget),
            "versions": {"rethink-pretraining": "0.1.0", "torch": "2.15.0", "ray": "2.60.0"},
            "command": ["python", "-m", "study.sweep", "--run-dir", str(path)],
            "created": "2025-10-09T08:53:20+00:00",
        }
    )
    return study


def write_trial(
    study: StudyDir,
    run: RunConfig,
    truth: Truth,
    *,
    role: str = "tune",
    index: int = 0,
    strategy: str = "sobol",
    more: Mapping[str, Any] | None = None,
    stop: int = 0,
    walked: int = 0,
    rng: np.random.Generator,
) -> list[tuple[float, RunConfig, int]]:
    """One trial as the engine and its driver write it; returns (AP, run, length) per tail.

    `stop` = 1 stops it after its first length. The seed's part that both arms share is a function
    of the seed alone. `walked` iterations of the trunk were given to it and cost it nothing.
    """
    trial = study.trial(run.trial_id)
    place = {"role": role, "index": index, "strategy": strategy, **(more or {})}
    trial.write_config(place | {"run": to_dict(run)})
    trial.write_init_report(_report(run.arm))
    trial.mark(State.RUNNING, iteration=0, images_spent=0, device_seconds=0.0, workers=1)
    if run.optim.lr > truth.too_fast and run.arm == "scratch":
        trial.mark(State.DIVERGED, iteration=12, error="loss = nan", **_spent(96))
        return []
    common = np.random.default_rng((truth.luck, run.seed)).normal() * math.sqrt(truth.shared)
    own = rng.normal() * math.sqrt(1 - truth.shared)
    scores: list[tuple[float, RunConfig, int]] = []
    spent = -walked * run.optim.batch_size
    first = run.schedule.lengths[0]
    ended = run.schedule.up_to(first) if stop == 1 else run.schedule
    for leg in schedule.legs(ended):
        spent += (leg.stop - leg.start) * run.optim.batch_size
        length = leg.length or leg.stop + run.schedule.tail[0]
        expected = truth.ap(run.arm, run.size, run.optim.lr, run.optim.weight_decay, length)
        expected += truth.momentum * (run.optim.momentum - 0.9)
        ap = expected + truth.noise * (common + own)
        ap = min(100.0, max(0.0, ap)) * (1.0 if leg.is_tail else truth.trunk)
        for weights in leg.evaluated:
            trial.append(_record(run, leg, weights, ap, spent, truth.masks))
        if leg.length is not None:
            scores.append((ap, run, leg.length))
    if stop == 1:
        told = replace(run, schedule=ended)
        trial.write_config(place | {"run": to_dict(told), "stopped_at": first})
    trial.mark(State.STOPPED if stop == 1 else State.FINISHED, **_spent(spent))
    return scores


def audit(
    study: StudyDir, run: RunConfig, truth: Truth, *, rng: np.random.Generator
) -> list[tuple[float, RunConfig, int]]:
    """The rest of a trial, given as it was begun, that was stopped after its first length."""
    first, *rest = run.schedule.lengths
    of = {"of": run.trial_id}
    walked = run.schedule.fork(first) if run.schedule.shared else 0
    ladder = replace(run.schedule, lengths=tuple(rest), watch=())
    run = replace(run, trial_id=f"{run.trial_id}-audit", schedule=ladder)
    return write_trial(study, run, truth, role="audit", more=of, walked=walked, rng=rng)


def in_strip(
    study: StudyDir,
    space: SearchSpace,
    arm: str,
    size: int,
    *,
    name: str = "lr",
    side: Side = "high",
    truth: Truth,
    rng: np.random.Generator,
) -> list[tuple[float, RunConfig, int]]:
    """Two trials in the first strip beyond an end of a range, the same for every arm."""
    strip, nuisance = Strip(name, side, 1), space.nuisance.at(size)
    limits = strip.of(nuisance.ranges[name])
    more = {"strip": {"name": name, "low": limits.low, "high": limits.high}}
    found = []
    for number, unit in enumerate((0.3, 0.7)):
        at = {"lr": 0.03, "weight_decay": 3e-4} | {name: limits.at(unit)}
        run = run_of(space, arm, size, 0, at["lr"], at["weight_decay"])
        run = replace(run, trial_id=f"{arm}-{size}-{strip.label}-{number}")
        how = {"index": 1000 + number, "strategy": "strip", "more": more}
        found += write_trial(study, run, truth, **how, rng=rng)
    return found


def repeat(
    study: StudyDir,
    arm: str,
    top: RunConfig,
    length: int,
    index: int,
    number: int,
    *,
    strategy: str = "confirm",
    more: Mapping[str, Any] | None = None,
    truth: Truth,
    rng: np.random.Generator,
) -> None:
    """Confirm run `number` of an arm: repeat `index` of a setting, whoever chose that."""
    fixed = replace(top.schedule, lengths=(length,), tails="every", watch=(), shared=True)
    place = {"trial_id": f"{arm}-{top.size}-c{number}", "draw": 1 + index, "arm": arm}
    run = replace(top, seed=1000 + index, split="report", schedule=fixed, **place)
    how = {"role": "confirm", "index": index, "strategy": strategy}
    write_trial(study, run, truth, more={"of": top.trial_id} | dict(more or {}), **how, rng=rng)


def run_of(
    space: SearchSpace, arm: str, size: int, index: int = 0, lr: float = 0.03, decay: float = 3e-4
) -> RunConfig:
    """The configuration of an arm and size's tune trial `index`."""
    nuisance = space.nuisance.at(size)
    ladder = replace(
        space.fixed.schedule, lengths=nuisance.lengths, factors=nuisance.factors, watch=()
    )
    optim = replace(space.fixed.optim, lr=lr, weight_decay=decay)
    place = {"trial_id": f"{arm}-{size}-t{index:03d}", "arm": arm, "size": size}
    return replace(space.fixed, optim=optim, schedule=ladder, **place)


def _setting(run: RunConfig, length: int) -> tuple[OptimConfig, int]:
    return run.optim, length


def _spent(images: int) -> dict[str, float]:
    return {"images_spent": images, "device_seconds": images * SECONDS_PER_IMAGE}


def _record(
    run: RunConfig, leg: schedule.Leg, weights: str, ap: float, spent: int, masks: bool
) -> Record:
    box, mask = (
        (("AP", 1.0), ("AP50", 1.6), ("AP75", 0.9)),
        (("AP", 0.9), ("AP50", 1.5), ("AP75", 0.8)),
    )
    loss = 0.5 + 2.0 * math.exp(-leg.stop / 150)
    parts = ("objectness", "rpn_box", "classifier", "box", "mask")
    return record(
        run,
        leg,
        weights,
        scores={
            **{f"{name}_box": min(100.0, ap * by) for name, by in box},
            **{f"{name}_mask": min(100.0, ap * by) if masks else None for name, by in mask},
        },
        losses={"loss": loss, **{f"loss_{part}": loss / 5 for part in parts}},
        eval_seconds=0.4,
        costs=_spent(spent) | {"images_per_second": 1 / SECONDS_PER_IMAGE},
        time=CREATED + spent * SECONDS_PER_IMAGE,
        done=False,
    )


def _report(arm: str) -> dict[str, dict[str, int]]:
    body, heads = 420_000, 230_000
    loaded = 0 if arm == "scratch" else body
    return {
        "backbone": {"loaded": loaded, "random": body - loaded, "frozen": 0},
        "heads": {"loaded": 0, "random": heads, "frozen": 0},
    }
