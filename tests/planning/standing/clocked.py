"""A simulated study with a clock: trials start, step, save and evaluate, and each takes its time.

The clock is made up. What trials write is what the engine writes; what the driver writes has the
real time, which nothing here reads.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study.config import RunConfig, from_dict, schedule
from study.planning.design import Design
from study.planning.plan import Plan
from study.planning.stopping import Decision
from study.storage.run_dir import TrialDir
from tests.simulated import Objective, bowl, open_study, scored

BEGIN = 1_000_000.0  # seconds since 1970
CHUNK = 20  # iterations between two checkpoints


@dataclass(frozen=True)
class Machine:
    """How fast it is, in seconds."""

    places: int = 2
    image: float = 0.1
    evaluation: float = 4.0
    start: float = 6.0
    first: float = 3.0  # that a trial's first step takes more
    noise: float = 0.1  # of steps, as a share


class Clocked:
    """Drives a plan to its end, and is asked on the way."""

    def __init__(
        self, asked: Design, path: Path, machine: Machine, objective: Objective = bowl
    ) -> None:
        self.plan = Plan(asked, open_study(path, asked))
        self.now = BEGIN
        self.running: dict[str, float] = {}
        self._machine, self._objective = machine, objective
        self._rng = np.random.default_rng(0)

    def run(self, ask: Callable[[float], None], every_s: float) -> None:
        """To the end; `ask` is called with the time, every so many seconds."""
        asked, order = BEGIN, 0
        waiting: list[tuple[float, int, str, Generator[float, None, None]]] = []
        while True:
            while len(self.running) < self._machine.places:
                found = self.plan.next(set(self.running))
                if found is None:
                    break
                trial = self.plan.study.trial(found[0])
                self.running[trial.id] = self.now
                steps = self._steps(trial)
                heapq.heappush(waiting, (next(steps), order := order + 1, trial.id, steps))
            if not waiting:
                assert self.plan.done
                return
            moment, _, trial_id, steps = heapq.heappop(waiting)
            while asked + every_s < moment:
                asked += every_s
                ask(asked)
            self.now = moment
            following = next(steps, None)
            if following is None:
                del self.running[trial_id]
            else:
                heapq.heappush(waiting, (following, order := order + 1, trial_id, steps))

    def _steps(self, trial: TrialDir) -> Generator[float, None, None]:
        """The time of each thing that happens next; it happens when the caller comes back."""
        run = from_dict(RunConfig, trial.config()["run"])
        machine, batch = self._machine, run.optim.batch_size
        images = max((row.get("images_spent", 0) for row in trial.events()), default=0)
        yield self.now + machine.start
        self._event(trial, images, device="cpu")
        recorded = {(r["leg"], r["weights"]) for r in trial.records()}
        walked = {e["leg"]: e["iteration"] for e in trial.events() if "leg" in e}
        first, begun = machine.first, self._given(trial, run)
        for leg in schedule.remaining(run.schedule, recorded):
            at = max(leg.start, walked.get(leg.name, leg.start), 0 if leg.is_tail else begun)
            while at < leg.stop:
                done = min(CHUNK, leg.stop - at)
                slower = 1 + machine.noise * self._rng.uniform(-1, 1)
                yield self.now + done * batch * machine.image * slower + first
                at, images, first = at + done, images + done * batch, 0.0
                self._event(trial, images, iteration=at, leg=leg.name)
            for weights in leg.evaluated:
                yield self.now + machine.evaluation
                row = scored(run, leg, weights, self._objective(run, leg.stop))
                trial.append(row | {"time": self.now, "images_spent": images})
                if self.plan.heard_from(trial.id) is not Decision.GO:
                    return
        self._event(trial, images, state="finished")
        self.plan.heard_from(trial.id)

    def _given(self, trial: TrialDir, run: RunConfig) -> int:
        """The iteration of the trunk that an audit goes on from."""
        config = trial.config()
        if config["role"] != "audit":
            return 0
        return run.schedule.fork(self.plan.study.trial(config["of"]).config()["stopped_at"])

    def _event(self, trial: TrialDir, images: float, **fields: Any) -> None:
        row = {"state": "running", "time": self.now, "images_spent": images} | fields
        trial.store.append("events.jsonl", json.dumps(row).encode())
