"""Tune asks the plan for trials: a `Searcher` without a memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.cluster.hooks import Pace, Unsaved
from study.planning.plan import Plan


class PlanSearcher(Unsaved, Searcher):
    """Hands out the plan's trials, at most `limit()` at a time."""

    def __init__(self, plan: Plan, limit: Callable[[], int], extra: dict[str, Any]) -> None:
        super().__init__()
        self._plan = plan
        self._limit = limit
        self._extra = extra
        self._pace = Pace(0.0)  # of asking in vain
        self._most: int | None = None  # at a time, where memory has run out
        self.active: dict[str, str] = {}  # Tune's trial id -> ours

    def narrow(self) -> None:
        """Half as many at a time from now on: memory has run out."""
        self._most = max(1, len(self.active) // 2)

    def suggest(self, trial_id: str) -> Any:  # a configuration, None (wait) or FINISHED
        if len(self.active) >= min(self._limit(), self._most or self._limit()):
            return None
        if self.active and not self._pace.due:
            return None
        with self._pace.look():
            found = self._plan.next(set(self.active.values()))
        if found is None:
            return self.FINISHED if self._plan.done else None
        self._pace.hurry()
        self.active[trial_id], _ = found
        where = str(self._plan.study.store.absolute())
        return {"trial_id": found[0], "study": where} | self._extra

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self.active.pop(trial_id, None)
        self._pace.hurry()

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if self._plan.has_news:  # the scheduler has told the plan before
            self._pace.hurry()

    # What Tune would save and restore is in the run directory.
    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a study is taken up by its command, not by Tuner.restore")

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass
