"""Studies of three arms and more, whose arms score so differently that none can be mistaken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from study.config import Scientific
from study.storage.run_dir import State, StudyDir
from tests.analysis.synthetic import SPACE, Truth, write_study

PEAK = {
    "scratch": {24: 10.0, 64: 20.0},
    "imagenet": {24: 60.0, 64: 45.0},
    "my_own-weights_of_last_summer_epoch_0042": {24: 30.0, 64: 80.0},
}
"""AP by arm and size: another arm leads at each size."""
OWN = "my_own-weights_of_last_summer_epoch_0042"


def several(path: Path, peak: dict[str, dict[int, float]] = PEAK, confirm: int = 3) -> StudyDir:
    """A finished study of these arms, all alike but for their AP."""
    arms = tuple(peak)
    truth = Truth(peak=peak, slowness=dict.fromkeys(arms, 90.0), too_fast=9.0)
    space = replace(SPACE, scientific=Scientific(arms=arms, sizes=tuple(peak[arms[0]])))
    rng = np.random.default_rng(2)
    return write_study(path, truth=truth, space=space, trials=4, confirm=confirm, rng=rng)


def remove(study: StudyDir, start: str) -> None:
    """As if the trials whose names begin so had never been asked for."""
    for trial in study.trials():
        if trial.id.startswith(start):
            for file in trial.path.iterdir():
                file.unlink()
            trial.path.rmdir()


def fail(study: StudyDir, start: str) -> None:
    """As if the tuning trials whose names begin so had failed, and none was confirmed."""
    for trial in study.trials():
        if trial.id.startswith(start) and trial.config()["role"] == "tune":
            (trial.path / "records.jsonl").unlink(missing_ok=True)
            trial.mark(State.FAILED, error="out of memory")
    for trial in study.trials():
        if trial.id.startswith(start) and trial.config()["role"] == "confirm":
            remove(study, trial.id)
