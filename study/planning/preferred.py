"""Which arm a study prefers, with which setting: how a detector that is to be used is trained.

Arms are compared by the confirm runs of their chosen settings, on the report split. Where an arm
has none, all are compared on the tuning split, on which the best of many trials looks better than
it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

from study.config import RunConfig, from_dict
from study.planning.ladder import growth
from study.planning.stopping import box_ap
from study.planning.trials.tuning import Choice, TuningTrial, chosen
from study.storage.run_dir import StudyDir, TrialDir
from study.storage.run_dir.belonging import require_own, require_repeats
from study.storage.run_dir.sound import require_all


@dataclass(frozen=True)
class Candidate:
    """An arm at a size with its chosen setting."""

    arm: str
    size: int
    choice: Choice
    confirmed: tuple[
        float, ...
    ]  # box AP of the setting's confirm runs, points on the report split

    @property
    def run(self) -> RunConfig:
        """The tuning trial's run with that length and drop factor alone."""
        run, choice = self.choice.trial.run, self.choice
        alone = replace(
            run.schedule,
            lengths=(choice.length,),
            factors=(choice.factor,),
            tails="every",
            watch=(),
            shared=True,
        )
        return replace(run, schedule=alone)


@dataclass(frozen=True)
class Preferred:
    """The arm to train, and why it is this one."""

    candidate: Candidate
    why: str
    learnt: bool  # more than a guess that is the same for every image


def preferred(study: StudyDir, arm: str | None = None, size: int | None = None) -> Preferred:
    """The arm with the highest box AP at the largest size, or the one that is asked for.

    Without `size` it is the largest at which every arm has a result; if there is none, the
    largest at which any has.

    Raises:
        ValueError: no such arm or size in the study, or no result there yet.
    """
    question = study.manifest["question"]
    arms, sizes = list(question["arms"]), sorted(question["sizes"], reverse=True)
    if arm is not None and arm not in arms:
        raise ValueError(f"arm = {arm!r}: the study in {study.store} has {', '.join(arms)}")
    if size is not None and size not in sizes:
        there = ", ".join(map(str, sorted(sizes)))
        raise ValueError(f"size = {size}: the study in {study.store} has {there}")
    found = _candidates(study, list(question["nuisance"]["ranges"]))
    wanted = [size] if size is not None else sizes
    at = [[found[a, n] for a in arms if (a, n) in found] for n in wanted]
    those = next((own for own in at if len(own) == len(arms)), next(filter(None, at), []))
    if arm is not None:
        mine = (found[arm, n] for n in wanted if (arm, n) in found)
        one = next(mine, None)
        those = [] if one is None else [one]
    if not those:
        what = "any arm" if arm is None else f"the arm {arm}"
        raise ValueError(
            f"study {study.store}: {what} has no result yet{f' at size {size}' if size else ''};"
            " let the study go on, by the same command that began it"
        )
    best = max(those, key=lambda one: _score(one, those))
    nothing = growth.floor(study.manifest, "report" if _confirmed(those) else "tune")
    learnt = _score(best, those) >= nothing
    return Preferred(best, "it was asked for" if arm else _why(best, those), learnt)


def _candidates(study: StudyDir, names: Sequence[str]) -> dict[tuple[str, int], Candidate]:
    tuning: dict[tuple[str, int], list[TuningTrial]] = {}
    repeats: list[tuple[RunConfig, float]] = []
    confirms: list[tuple[str, dict[str, Any]]] = []
    question = study.manifest["question"]
    for trial in study.trials():
        config, events = trial.config(), trial.events()
        require_own(trial, config, question)
        require_all(trial, trial.records(), events, config)
        run = from_dict(RunConfig, config["run"])
        if config["role"] == "tune":
            tuning.setdefault((run.arm, run.size), []).append(_tried(trial, config, run, names))
        elif config["role"] == "confirm":
            confirms.append((trial.id, config["run"]))
            ends = [box_ap(r) for r in trial.records() if r["length"] is not None]
            repeats += [(run, ap) for ap in ends if math.isfinite(ap)]
    require_repeats(study.store, confirms)
    found: dict[tuple[str, int], Candidate] = {}
    for (arm, size), tried in tuning.items():
        if choice := chosen(sorted(tried, key=lambda one: one.index)):
            one = Candidate(arm, size, choice, ())
            there = tuple(ap for run, ap in repeats if _repeats(run, one))
            found[arm, size] = replace(one, confirmed=there)
    return found


def _tried(
    trial: TrialDir, config: dict[str, Any], run: RunConfig, names: Sequence[str]
) -> TuningTrial:
    return TuningTrial(
        trial_id=trial.id,
        index=config["index"],
        run=run,
        values=run.optim.values(names),
        strategy=config["strategy"],
        state=trial.state,
        stopped_at=config.get("stopped_at"),
        promoted=config.get("passed", 0),
        in_strip="strip" in config,
        records=tuple(trial.records()),
    )


def _repeats(run: RunConfig, one: Candidate) -> bool:
    """Whether a confirm run has the candidate's setting, whoever wanted it."""
    plan, setting = run.schedule, (one.choice.length, one.choice.factor)
    same = (run.arm, run.size, run.optim) == (one.arm, one.size, one.choice.trial.run.optim)
    return same and (plan.lengths, plan.factors) == ((setting[0],), (setting[1],))


def _confirmed(among: Sequence[Candidate]) -> bool:
    return all(one.confirmed for one in among)


def _score(one: Candidate, among: Sequence[Candidate]) -> float:
    return mean(one.confirmed) if _confirmed(among) else one.choice.AP_box


def _why(best: Candidate, among: Sequence[Candidate]) -> str:
    where = (
        "report split (confirm runs)" if _confirmed(among) else "tuning split (no confirm runs)"
    )
    scores = ", ".join(
        f"{one.arm} {_score(one, among):.1f}"
        for one in sorted(among, key=lambda one: -_score(one, among))
    )
    return f"highest box AP on the {where} at {best.size} images: {scores}"
