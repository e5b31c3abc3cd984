"""How far a study is: the trainings that have ended, of those that it has or will have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from analysis.reading.frames import rows, values, where
from analysis.reading.load import Results
from study.planning.standing.whole import Kept, lacking
from study.storage.run_dir import State

FINAL = {state.value for state in State if state.is_final}
RECORDING = (State.FINISHED, State.STOPPED)
"""Ends that no trial comes to without a record."""


@dataclass(frozen=True)
class Standing:
    """Trainings of one study. What it will need is known as far as it has decided it."""

    ended: int
    total: int
    is_complete: bool
    is_silent: bool  # no trial has recorded anything

    @property
    def told(self) -> str:
        """In words: `3 of 12 trainings ended`."""
        return f"{self.ended} of {self.total} trainings ended"

    def told_at(self, moment: datetime) -> str:
        """A sentence for the page; empty where the study is complete."""
        if self.is_complete:
            return ""
        text = f"As of {moment.astimezone():%H:%M %Z}, {self.told}."
        return f"{text} Nothing is recorded yet." if self.is_silent else text


def standing(results: Results, study: str) -> Standing:
    """How far the study is, by its records and its budget."""
    manifest, trials = results.manifests[study], where(results.trials, study=study)
    given, budget = manifest.get("budget") or {}, results.budget(study)
    arms = results.arms(study) if given else []
    confirms = budget.finalists * budget.first + (len(arms) - 1) * budget.crossed
    total = len(where(trials, role="audit")) if given else len(trials)
    for size in results.sizes(study):
        for arm in arms:
            mine = where(trials, size=size, arm=arm)
            tuning, runs = where(mine, role="tune"), where(mine, role="confirm")
            in_strips = len(where(tuning, strategy="strip"))  # more than the budget's
            total += max(len(tuning), budget.trials + in_strips) + max(len(runs), confirms)
    ended = sum(state in FINAL for state in trials["state"])
    is_complete = ended >= total > 0
    if "completed" in manifest:  # its total may count cross-tuned runs that it did not need
        cells = [(arm, size) for size in results.sizes(study) for arm in arms]
        is_complete = not lacking(cells, budget, _kept(results, study))
    return Standing(ended, total, is_complete, where(results.curves, study=study).empty)


def _kept(results: Results, study: str) -> list[Kept]:
    """The study's trials, as they count for whether it is whole."""
    recorded = {*values(where(results.curves, study=study), "trial_id")}
    found: list[Kept] = []
    for row in rows(where(results.trials, study=study)):
        has_lost = row["state"] in RECORDING and row["trial_id"] not in recorded
        found.append(
            Kept(
                role=row["role"],
                cell=(row["arm"], row["size"]),
                index=row["index"],
                setting=tuple(row[name] for name in results.searched(study)),
                has_ended=row["state"] in FINAL and not has_lost,
                is_in_strip=row["strategy"] == "strip",
                best=None if math.isnan(row["AP_box"]) else (row["AP_box"], row["length"]),
            )
        )
    return found
