"""The kinds of trials in a study, each as the whole configuration of its run.

tune      a point of the search space, on the tuning split; ID-t007, or ID-lr-high1-0 in a strip
audit     a stopped one, continued to the end to see what stopping lost; ID-t007-audit
confirm   a chosen setting with a fresh seed and draw, on the report split; ID-c0. Its own arm's
          best settings, and for cross-tuning those of the other arms
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from study.config import OptimConfig, RunConfig, ScheduleConfig, to_dict
from study.planning.design import Cell, Design
from study.planning.search.proposal import Proposal
from study.planning.search.range_extension import Strip
from study.planning.search.strategies import sobol
from study.planning.search.strategies.strategy import Asked
from study.planning.trials.tuning import Choice, TuningTrial


@dataclass(frozen=True)
class TrialSpec:
    """A trial that ought to exist: what its config.json says besides the run."""

    role: str
    index: int
    strategy: str
    run: RunConfig
    more: dict[str, Any]

    def config(self) -> dict[str, Any]:
        """The contents of config.json."""
        place = {"role": self.role, "index": self.index, "strategy": self.strategy}
        return place | self.more | {"run": to_dict(self.run)}


def tuning_id(cell: Cell, index: int) -> str:
    return f"{cell.name}-t{index:03d}"


def strip_id(cell: Cell, strip: Strip, number: int) -> str:
    return f"{cell.name}-{strip.label}-{number}"


def audit_id(trial_id: str) -> str:
    return f"{trial_id}-audit"


def tuning(design: Design, cell: Cell, index: int, proposal: Proposal) -> TrialSpec:
    """The trial of a proposal."""
    run = _tuned(design, cell, tuning_id(cell, index), proposal)
    return TrialSpec("tune", index, proposal.strategy, run, {})


def in_strip(design: Design, cell: Cell, strip: Strip, number: int) -> TrialSpec:
    """Trial `number` in a strip beyond a range; the same point for every arm."""
    ranges = dict(design.ranges_at(cell.size))
    limits = ranges[strip.name] = strip.of(ranges[strip.name])
    asked = Asked(ranges, number, 0, 0)
    # a sequence of its own for each strip
    key = [asked.names.index(strip.name), int(strip.side == "high"), strip.step]
    seed = int("".join(map(str, key))) + 10_000 * (1 + design.seed)
    point = sobol.point(seed, number, len(asked.names))
    run = _tuned(design, cell, strip_id(cell, strip, number), Proposal(asked.at(point), "strip"))
    more = {"strip": {"name": strip.name, "low": limits.low, "high": limits.high}}
    index = 1000 * strip.step + 100 * key[0] + 50 * key[1] + number
    return TrialSpec("tune", index, "strip", run, more)


def confirmation(design: Design, cell: Cell, choice: Choice, repeat: int, own: bool) -> TrialSpec:
    """Repeat `repeat` of a setting, the cell's own or one with another arm's values.

    Seeds and draws depend on the repeat alone: all arms and settings are paired by them.
    """
    run = choice.trial.run
    fixed = replace(
        run.schedule,
        lengths=(choice.length,),
        factors=(choice.factor,),
        tails="every",
        watch=(),
        shared=True,
    )
    run = replace(
        run,
        arm=cell.arm.name,
        init=cell.arm.init,
        draw=1 + repeat,
        seed=1000 * (1 + design.seed) + repeat,  # at most `MOST_SEED`: see `MOST_STUDY_SEED`
        split="report",
        schedule=fixed,
        keep_trunk=False,
        keep_detections=True,
    )
    strategy = "confirm" if own else "cross"
    return TrialSpec("confirm", repeat, strategy, run, {"of": choice.trial.trial_id})


def audit(design: Design, stopped: TuningTrial) -> TrialSpec | None:
    """The rest of a stopped trial; None where it has been to the end."""
    schedule = design.schedule_at(stopped.run.size)
    rest = tuple(n for n in schedule.lengths if n > (stopped.stopped_at or 0))
    if not rest:
        return None
    trial_id = audit_id(stopped.trial_id)
    run = replace(
        stopped.run,
        trial_id=trial_id,
        schedule=replace(schedule, lengths=rest, watch=()),
        keep_trunk=False,
    )
    return TrialSpec("audit", stopped.index, stopped.strategy, run, {"of": stopped.trial_id})


def repeated(run: RunConfig) -> tuple[OptimConfig, ScheduleConfig, int, int]:
    """What makes two confirm runs of an arm and size the same."""
    return run.optim, run.schedule, run.seed, run.draw


def _tuned(design: Design, cell: Cell, trial_id: str, proposal: Proposal) -> RunConfig:
    fixed = design.space.fixed
    return replace(
        fixed,
        trial_id=trial_id,
        arm=cell.arm.name,
        init=cell.arm.init,
        size=cell.size,
        draw=0,
        seed=design.seed,
        split="tune",
        keep_trunk=design.grows,
        optim=fixed.optim.at(proposal.values),
        schedule=design.schedule_at(cell.size),
    )
