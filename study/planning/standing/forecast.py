"""The time that a study still needs, from its plan and its run directory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from study.planning.plan import Plan
from study.planning.standing import stints
from study.planning.standing.stints import Pasts
from study.planning.standing.time_left import at_once, seconds_left, speed
from study.planning.standing.work_left import work_left


class Forecast:
    """Asked now and then while a sweep runs; reads again only what may have changed."""

    def __init__(self, plan: Plan, since: float) -> None:
        """`since`: when the sweep began, in seconds since 1970."""
        self._plan = plan
        self._since = since
        self._pasts = Pasts(plan.trials.folder)

    def seconds_left(self, running: Mapping[str, float], now: float) -> float | None:
        """None: no trial has come far enough yet to measure by.

        Args:
            running: when each of the trials that are on workers was given to its worker.
            now: seconds since 1970.
        """
        pasts = self._read(running)
        stays = [stint for past in pasts.values() for stint in past.stints]
        now_there = {
            trial_id: pasts[trial_id].stints[-1]
            for trial_id, begun in running.items()
            if pasts[trial_id].stints and pasts[trial_id].stints[-1].end > begun
        }
        cost = speed(stays, self._since, list(now_there.values()))
        if cost is None:
            return None
        places = at_once(stays, len(running), now, self._since)
        signs = {
            # a trial without a sign of life since then is still starting
            trial_id: now_there[trial_id].end if trial_id in now_there else begun + cost.start
            for trial_id, begun in running.items()
        }
        return seconds_left(work_left(self._plan, pasts), signs, cost, places, now)

    def seconds_before(self) -> float:
        """For how long trials of the study have run so far."""
        pasts = self._read(())
        return stints.seconds(stint for past in pasts.values() for stint in past.stints)

    def _read(self, running: Collection[str]) -> dict[str, stints.Past]:
        cells = self._plan.design.cells
        known = [trial_id for cell in cells for trial_id in self._plan.states(cell)]
        return self._pasts.of({*known, *running}, running)
