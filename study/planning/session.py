"""What one process has handed out since it took up the study; nothing of it outlives that."""

from __future__ import annotations

from collections import Counter

from study.planning.trials.index import TrialIndex
from study.storage.run_dir import State

PROCESS_DEATHS = 3  # of one trial in one session; then it is left to the next session
"""So many errors, too, that differ; one that comes again at the same iteration ends it at once."""


class Session:
    """Counts how often each trial was handed out, and knows which ones run."""

    def __init__(self, trials: TrialIndex) -> None:
        self.given: Counter[str] = Counter()  # times handed out
        self.active: set[str] = set()  # running, as far as is known
        self._trials = trials

    def start(self, trial_id: str) -> None:
        """The trial is handed out."""
        self.given[trial_id] += 1
        self.active.add(trial_id)

    def advanced(self, trial_id: str) -> None:
        """The trial has recorded something: whatever ended its process before, it advances."""
        self.given[trial_id] = min(self.given[trial_id], 1)

    def is_open(self, trial_id: str) -> bool:
        """Whether the trial does not run and has work left for this session."""
        return trial_id not in self.active and self.may_advance(trial_id)

    def may_advance(self, trial_id: str) -> bool:
        """Whether the trial may record more in this session."""
        if self._trials.has_ended(trial_id):
            return False
        if not self.given[trial_id]:
            return True
        last = (self._trials.folder(trial_id).events() or [{}])[-1]
        again = last.get("state") != State.FAILED or last.get("again", False)
        return self.given[trial_id] < (PROCESS_DEATHS if again else 1)
