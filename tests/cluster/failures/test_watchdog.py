"""Who counts as silent: by the driver's own steps, and by the trial's own speed."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster.failures import watchdog
from study.cluster.failures.patience import Patience, Speed
from study.cluster.failures.watchdog import Watchdog
from study.storage.run_dir import TrialDir

FLOOR_S = 10.0


class Driver:
    """Tune's loop, with a clock of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.killed = 1000.0, []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(watchdog.ray, "kill", self.killed.append)
        self.trial = TrialDir(folder / "trials" / "a")
        actor = SimpleNamespace(ray_actor="actor")
        config = {"study": str(folder), "trial_id": "a"}
        self._tune: Any = SimpleNamespace(config=config, temporary_state=actor)
        self.watchdog = Watchdog(Patience(FLOOR_S), 1, lambda _: self.trial)
        self.watchdog.on_trial_start(0, [self._tune], self._tune)

    def sign(self, iteration: int) -> None:
        self.trial.store.append(
            "events.jsonl",
            json.dumps(
                {"state": "running", "iteration": iteration, "time": self.now}
                | {"images_spent": 100 * iteration}
            ).encode(),
        )

    def step(self, seconds: float, number: int = 1) -> None:
        for _ in range(number):
            self.now += seconds
            self.watchdog.on_step_end(0, [self._tune])


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(tmp_path, monkeypatch)


def test_a_trial_that_falls_silent_is_ended(driver: Driver):
    driver.sign(1)
    driver.step(1.0, 9)
    driver.sign(2)
    driver.step(1.0, 9)
    assert not driver.killed
    driver.step(1.0, 300)
    assert driver.killed == ["actor"] and driver.watchdog.ended["a"] > FLOOR_S


def test_a_machine_that_slept_and_a_clock_that_was_set_end_nobody(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
):
    driver.sign(1)
    driver.step(1.0)
    driver.sign(2)
    driver.step(1.0)
    driver.step(36_000.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    driver.step(1.0, 4)
    assert not driver.killed


def test_before_its_first_sign_it_has_time_to_decode(driver: Driver):
    driver.step(1.0, 100)
    assert not driver.killed
    driver.step(1.0, 100)
    assert driver.killed


def test_a_slow_one_has_more_time_and_so_has_one_that_was_ended_for_it_before(driver: Driver):
    for iteration in (1, 2):
        driver.step(1.0, 8)
        driver.sign(iteration)
    driver.step(1.0, 140)  # 20 times 8 s, less what passed before it was seen
    assert not driver.killed
    patience, quick = Patience(FLOOR_S), Speed(0.1, 0.01)
    assert patience.limit_s(Speed(8.0, 0.1), 0) == 160.0
    assert Patience(FLOOR_S, adapts=False).limit_s(Speed(8.0, 0.1), 0) == FLOOR_S
    assert patience.limit_s(quick, 1) == FLOOR_S
    assert patience.limit_s(quick, 1, hung=2) == 4 * FLOOR_S
    assert patience.limit_s(quick, 5000) == 20 * 50.0  # an evaluation is one long silence


def test_speed_is_of_trials_that_went_on():
    rows = [
        {"state": "running", "time": 0.0, "images_spent": 0},
        {"state": "running", "time": 100.0, "iteration": 3, "images_spent": 10},
        {"state": "running", "time": 130.0, "iteration": 6, "images_spent": 20},
        {"state": "preempted", "time": 9000.0},
        {"state": "running", "time": 9900.0, "images_spent": 20},
        {"state": "running", "time": 9910.0, "iteration": 9, "images_spent": 30},
    ]
    assert Speed.of(rows) == Speed(100.0, 3.0) and Speed.of([]) == Speed()


def test_how_long_is_set_by_a_variable():
    assert Patience.given({}) == Patience(600.0)
    assert Patience.given({"STUDY_SILENCE_S": "5"}) == Patience(5.0, adapts=False)
    assert math.isinf(Patience.given({"STUDY_SILENCE_S": "0"}).floor_s)
    for wrong in ("soon", "-1", "inf", "nan", ""):
        with pytest.raises(ValueError, match=r"STUDY_SILENCE_S = .*0 for no limit"):
            Patience.given({"STUDY_SILENCE_S": wrong})
