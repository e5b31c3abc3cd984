"""Ends trials that have fallen silent: a process that hangs would hold its place for ever.

Silence is counted in the driver's own steps, each of which counts for a moment at most. So
neither a laptop that slept, nor a clock that was set, nor a command that was paused makes a trial
look silent.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from typing import Any

import ray
from ray import tune

from study.cluster.failures.causes import SILENT
from study.cluster.failures.patience import Patience, longest_silence
from study.cluster.failures.processes import kill_holder
from study.cluster.hooks import Pace, Unsaved
from study.cluster.trial import trial_dir
from study.storage.run_dir import TrialDir

STEP_S = 5.0  # what one step of the driver counts for, at most
LOOKS = 20  # in the time that a trial may be silent
LOOK_S = 20.0  # between two of them, at most


@dataclass
class _Watched:
    trial: TrialDir
    signs: tuple[int, int]  # events and records, as last seen
    longest_s: float
    hung: int
    silent_s: float = 0.0
    has_begun: bool = False


class Watchdog(Unsaved, tune.Callback):
    """Watches the running trials."""

    def __init__(self, patience: Patience) -> None:
        self.ended: dict[str, float] = {}  # for how long each was silent that was ended for it
        self._patience = patience
        self._watched: dict[str, _Watched] = {}  # by our id
        self._longest_s = 0.0  # silence of any trial that went on
        self._stepped = time.monotonic()
        self._pace = Pace(min(LOOK_S, patience.floor_s / LOOKS))

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if math.isinf(self._patience.floor_s):
            return
        ours = trial_dir(trial.config)
        events, records = ours.events(), ours.records()
        self.ended.pop(ours.id, None)
        hung = 0
        for event in reversed(events):  # since it last came further
            if event.get("iteration") is not None:
                break
            hung += event.get("cause") == SILENT
        longest = longest_silence(events)
        self._watched[ours.id] = _Watched(ours, (len(events), len(records)), longest, hung)

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        self._watched.pop(trial_dir(trial.config).id, None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watched.pop(trial_dir(trial.config).id, None)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        now = time.monotonic()
        step, self._stepped = min(now - self._stepped, STEP_S), now
        for one in self._watched.values():
            one.silent_s += step
        if self._watched and self._pace.due:
            with self._pace.look():
                self._look({trial_dir(one.config).id: one for one in trials})

    def _look(self, trials: dict[str, Any]) -> None:
        for trial_id, one in list(self._watched.items()):
            signs = len(one.trial.events()), len(one.trial.records())
            if signs != one.signs:
                if one.has_begun:
                    one.longest_s = max(one.longest_s, one.silent_s)
                    self._longest_s = max(self._longest_s, one.silent_s)
                one.signs, one.silent_s, one.has_begun = signs, 0.0, True
            longest = max(one.longest_s, self._longest_s)
            if one.silent_s > self._patience.limit_s(longest, one.has_begun, one.hung):
                self.ended[trial_id] = one.silent_s
                del self._watched[trial_id]
                _end(one.trial, trials[trial_id])


def _end(ours: TrialDir, trial: Any) -> None:
    """Its actor, and its process: one that is stopped does not hear what Ray tells it."""
    holder = ours.holder()
    actor = trial.temporary_state.ray_actor
    if actor is not None:
        with contextlib.suppress(Exception):
            ray.kill(actor)
    kill_holder(holder)
