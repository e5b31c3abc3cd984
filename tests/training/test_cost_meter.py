"""What a trial has cost is the sum of all its sessions, those that were killed included."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study.storage.run_dir import State, TrialDir
from study.training.cost_meter import Meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock says, in a list of one."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_killed_sessions_cost_is_carried_on(tmp_path: Path, clock: list[float]):
    trial = TrialDir(tmp_path)
    first = Meter(trial, workers=2)
    first.count(40)
    clock[0] += 10
    trial.mark(State.RUNNING, **first.costs())  # its last sign of life
    clock[0] += 500  # and here it was killed; what it did since then is not known
    second = Meter(trial, workers=4)
    assert (second.images, second.device_seconds) == (40, 20.0)
    second.count(8)
    clock[0] += 5
    assert second.costs()["images_spent"] == 48
    assert second.costs()["device_seconds"] == 10 * 2 + 5 * 4
    trial.append({"leg": "tail-8-0.1", "weights": "tail"} | second.costs())
    third = Meter(trial, workers=1)
    assert (third.images, third.device_seconds) == (48, 40.0)  # a record is a sign of life too


def test_speed_is_that_of_the_present_leg(tmp_path: Path, clock: list[float]):
    meter = Meter(TrialDir(tmp_path), workers=1)
    assert meter.images_per_second == 0.0
    meter.count(100)
    clock[0] += 10
    assert meter.costs()["images_per_second"] == 10.0
    meter.begin_leg()
    meter.count(30)
    clock[0] += 2
    assert meter.costs() == {
        "images_spent": 130,
        "device_seconds": 12.0,
        "images_per_second": 15.0,
    }
