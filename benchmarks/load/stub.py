"""Trials that train nothing: ours write real records into a real run directory, Tune's report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from ray import tune

from study.cluster.trial import OneWorkerTrial, run_config, trial_dir
from study.config import RunConfig, schedule
from study.storage.record import record
from study.storage.run_dir import Record, State


class StubTrial(OneWorkerTrial):
    """Records as the engine writes them, without the engine."""

    def _run(self, config: dict[str, Any]) -> Iterator[Record]:
        trial = trial_dir(config)
        run = run_config(trial)
        with trial.lock():
            trial.mark(State.RUNNING)
            legs = [leg for leg in schedule.legs(run.schedule) if leg.length]
            for at, leg in enumerate(legs, start=1):
                found = record(
                    run,
                    leg,
                    "tail",
                    scores={"AP_box": box_ap(run, leg.stop)},
                    losses={"loss": 1.0 / at},
                    eval_seconds=0.0,
                    costs={"images_spent": leg.stop, "device_seconds": 0.01 * at},
                    time=time.time(),
                    done=at == len(legs),
                )
                trial.append(found)
                if found["done"]:
                    trial.mark(State.FINISHED, images_spent=leg.stop)
                yield found


def box_ap(run: RunConfig, length: int) -> float:
    """Points: highest at a learning rate of 0.03, and higher the longer; some noise."""
    away = np.log10(run.optim.lr / 0.03) ** 2
    noise = np.random.default_rng([run.seed, length]).normal()
    return float(np.clip(40 * np.exp(-away) * (1 - np.exp(-length / 300)) + noise, 0, 100))


class PlainTrial(tune.Trainable):
    """What a user of Ray Tune alone would write: it reports, and keeps nothing."""

    def setup(self, config: dict[str, Any]) -> None:
        self.at = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.at += 1
        return {"AP_box": float(self.at), "done": self.at >= self.config["records"]}
