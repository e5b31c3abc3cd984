"""Studies as one finds them: just begun, half done, or with everything gone wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.config import Scientific, SearchSpace, to_dict
from study.storage.run_dir import State, StudyDir
from tests.analysis.synthetic import SPACE, Truth, begin, run_of, write_study, write_trial

Write = Callable[[Path], object]

ONE_SIZE = replace(SPACE, scientific=Scientific(sizes=(64,)))
ONE_ARM = replace(SPACE, scientific=Scientific(arms=("scratch",), sizes=(24, 64)))
PEAK = {64: 30.0}
FOUR_ARMS = Truth(
    peak={"pretext": PEAK, "scratch": PEAK, "imagenet": PEAK, "my_own.weights": PEAK},
    slowness={"pretext": 90.0, "scratch": 200.0, "imagenet": 90.0, "my_own.weights": 90.0},
)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def written(space: SearchSpace = ONE_SIZE, **how: object) -> Write:
    """Writes a study with these arguments of `write_study`."""
    return lambda path: write_study(path, space=space, trials=4, rng=rng(), **how)  # type: ignore[arg-type]


def queued(path: Path) -> None:
    """One trial has a configuration and nothing else."""
    run = run_of(ONE_SIZE, "scratch", 64)
    study = begin(path, ONE_SIZE)
    study.trial(run.trial_id).write_config(
        {"role": "tune", "index": 0, "strategy": "sobol", "run": to_dict(run)}
    )


def running(path: Path) -> StudyDir:
    """Both arms have begun; scratch has two of three records and pretext none."""
    study = begin(path, ONE_SIZE)
    for arm in ("scratch", "pretext"):
        run = run_of(ONE_SIZE, arm, 64)
        write_trial(study, run, Truth(), rng=rng())
        trial = study.trial(run.trial_id)
        keep = 2 if arm == "scratch" else 0
        cut(trial.path / "records.jsonl", keep)
        cut(trial.path / "events.jsonl", 1)
    return study


def cut(path: Path, lines: int) -> None:
    """The first lines of a file, and a line torn by a kill."""
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:lines]) + '{"torn": ')


def lost(state: State) -> Write:
    """No trial got as far as a score."""

    def write(path: Path) -> None:
        study = begin(path, ONE_SIZE, trials=1)
        for arm in ("scratch", "pretext"):
            run = run_of(ONE_SIZE, arm, 64)
            write_trial(study, run, Truth(), rng=rng())
            trial = study.trial(run.trial_id)
            (trial.path / "records.jsonl").unlink()
            trial.mark(state, images_spent=80, device_seconds=2.0, error="Trace\nCUDA <oom>")

    return write


def without_ap(path: Path) -> None:
    """Every record was scored on a split without objects."""
    study = write_study(path, space=ONE_SIZE, trials=4, rng=rng())
    for trial in study.trials():
        records = trial.records()
        (trial.path / "records.jsonl").unlink()
        for record in records:
            trial.append({k: None if k.startswith("AP") else v for k, v in record.items()})


def bare(path: Path) -> None:
    """A manifest that says nothing."""
    path.mkdir()
    (path / "study.json").write_text(json.dumps({"question": {}}))


INCOMPLETE: dict[str, Write] = {
    "bare": bare,
    "begun": lambda path: begin(path, ONE_SIZE),
    "queued": queued,
    "running": running,
    "failed": lost(State.FAILED),
    "diverged": lost(State.DIVERGED),
    "preempted": lost(State.PREEMPTED),
    "unconfirmed": written(confirm=0),
    "confirmed once": written(confirm=1),
    "one arm": written(ONE_ARM),
    "one arm, unconfirmed": written(ONE_ARM, confirm=0),
    "no masks": written(truth=Truth(masks=False)),
    "no AP": without_ap,
    "all zero": written(truth=Truth(peak={"scratch": {64: 0.0}, "pretext": {64: 0.0}}, noise=0.0)),
    "four arms": written(
        replace(SPACE, scientific=Scientific(arms=tuple(FOUR_ARMS.peak), sizes=(64,))),
        truth=FOUR_ARMS,
    ),
}

_QUICK = ("begun", "failed", "unconfirmed", "four arms")
DRAWN = [
    pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow) for name in INCOMPLETE
]
"""All of them, for tests that draw every figure: a few in the quick part."""
