"""What the studies of `commands.py` give without Ray, one trial after another in one process."""

from __future__ import annotations

from pathlib import Path

from study.commands.options.sweep import Spend, Sweep, design
from study.storage.run_dir import Record, StudyDir
from tests.cluster.commands import LENGTHS, SPACE
from tests.runs import exact, study_without_ray

Records = dict[str, list[Record]]
"""Of all trials, without what a kill may change."""


def records(study: StudyDir) -> Records:
    return {trial.id: exact(trial.records()) for trial in study.trials()}


def alone(run_dir: Path, budget: Spend) -> Records:
    """Run the study; returns its records."""
    asked = design(Sweep(space=str(SPACE), run_dir=run_dir, lengths=LENGTHS, budget=budget))
    return records(study_without_ray(asked, run_dir))
