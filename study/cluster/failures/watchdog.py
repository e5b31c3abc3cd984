"""Ends trials that have fallen silent: a process that hangs would hold its place for ever.

Silence is counted in the driver's own steps, each of which counts for a moment at most. So
neither a laptop that slept, nor a clock that was set, nor a command that was paused makes a trial
look silent.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import tune

from study.cluster.failures.causes import SILENT
from study.cluster.failures.patience import Patience, Speed
from study.cluster.failures.processes import kill_holder
from study.cluster.hooks import Pace, Unsaved
from study.cluster.trial import our_id
from study.storage.run_dir import TrialDir

STEP_S = 5.0  # what one step of the driver counts for, at most
LOOKS = 20  # in the time that a trial may be silent
LOOK_S = 20.0  # between two of them, at most


@dataclass
class _Watched:
    trial: TrialDir
    signs: tuple[int, int]  # events and records, as last seen
    since: float  # the last sign of life, by the driver's steps
    hung: int
    speed: Speed = field(default_factory=Speed)  # from its first sign on


class Watchdog(Unsaved, tune.Callback):
    """Watches the running trials."""

    def __init__(self, patience: Patience, images: int, folder: Callable[[str], TrialDir]) -> None:
        """
        Args:
            images: that a trial evaluates on.
            folder: of a trial, by its id.
        """
        self.ended: dict[str, float] = {}  # for how long each was silent that was ended for it
        self._patience, self._images, self._folder = patience, images, folder
        self._watched: dict[str, _Watched] = {}  # by our id
        self._stepped, self._steps_s = time.monotonic(), 0.0  # the last step; all of them
        self._pace = Pace(min(LOOK_S, patience.floor_s / LOOKS))

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if math.isinf(self._patience.floor_s):
            return
        ours = self._folder(our_id(trial.config))
        events, records = ours.events(), ours.records()
        self.ended.pop(ours.id, None)
        hung = 0
        for event in reversed(events):  # since it last came further
            if event.get("iteration") is not None:
                break
            hung += event.get("cause") == SILENT
        self._watched[ours.id] = _Watched(ours, (len(events), len(records)), self._steps_s, hung)

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        self._watched.pop(our_id(trial.config), None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watched.pop(our_id(trial.config), None)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        now = time.monotonic()
        self._steps_s += min(now - self._stepped, STEP_S)
        self._stepped = now
        if self._watched and self._pace.due:
            with self._pace.look():
                self._look({our_id(one.config): one for one in trials})

    def _look(self, trials: dict[str, Any]) -> None:
        for trial_id, one in list(self._watched.items()):
            events = one.trial.events()
            signs = len(events), len(one.trial.records())
            if signs != one.signs:
                one.speed = Speed.of(events)
                one.signs, one.since = signs, self._steps_s
            silent_s = self._steps_s - one.since
            if silent_s > self._patience.limit_s(one.speed, self._images, one.hung):
                self.ended[trial_id] = silent_s
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
