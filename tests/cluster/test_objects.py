"""A sweep whose run directory is on an object store: killed, resumed, and with two workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import analysis
from study.commands.options.sweep import Spend, Tuning
from study.storage.run_dir import StudyDir
from tests.cluster.test_sweep import (
    ORDERLY_END_S,
    Command,
    Records,
    records,
    run_without_ray,
    wait_for,
)
from tests.objects import fresh, keys, s3

OPTIONS = ("--arms", "scratch", "--trials", "2", "--stopping", "best")


@pytest.fixture
def address() -> Iterator[str]:
    with s3():
        yield fresh()


@pytest.fixture
def sweep(address: str) -> Iterator[Callable[..., Command]]:
    """Makes commands on one address, and leaves no process behind."""
    commands: list[Command] = []

    def make(*options: str) -> Command:
        commands.append(Command(address, *options))
        return commands[-1]

    yield make
    assert not any([command.wait_until_gone(ORDERLY_END_S) for command in commands])


def alone(folder: Path, confirm: int) -> Records:
    """What the study gives without Ray, S3 and kills; the folder may have a part of it."""
    budget, tuning = Spend(trials=2, confirm=confirm), Tuning(stopping="best")
    return run_without_ray(folder, arms=("scratch",), budget=budget, tuning=tuning)


@pytest.mark.slow
def test_killed_and_then_with_two_workers_s3_has_what_an_undisturbed_study_leaves_in_a_folder(
    sweep: Callable[..., Command], address: str, tmp_path: Path
):
    command = sweep(*OPTIONS, "--confirm", "1")
    study = StudyDir(address)

    def amid() -> bool:
        return any(len(trial.records()) == 1 for trial in study.trials())

    wait_for(driver := command.start(), amid, look_s=0.2)  # a look asks the store, many times
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    command.wait_until_gone(2.0)

    status, out, err = sweep(*OPTIONS, "--confirm", "1").run()
    assert (status, err) == (0, ""), out
    assert records(study) == alone(tmp_path / "alone", 1)
    results, local = analysis.load(address), analysis.load(tmp_path / "alone")
    same = ["trial_id", "state", "AP_box", "AP_mask", "images_seen", "lr", "weight_decay"]
    assert results.trials[same].equals(local.trials[same])
    assert all(trial.state and trial.state.is_final for trial in study.trials())
    assert "optuna.journal" in keys(address)

    status, out, err = sweep(*OPTIONS, "--confirm", "2", "--workers", "2").run()
    assert (status, err) == (0, ""), out
    found, expected = records(study), alone(tmp_path / "alone", 2)
    assert set(found) == set(expected)
    for trial_id, rows in expected.items():
        for one, other in zip(found[trial_id], rows, strict=True):
            assert one.keys() == other.keys()
            for key, value in one.items():
                if isinstance(value, float):
                    points = 1e-4 if key.startswith("AP") else 0.0
                    assert value == pytest.approx(other[key], rel=1e-6, abs=points), key
                else:
                    assert value == other[key], key
    there = keys(address)  # nothing of Ray Train, and no checkpoint
    assert not [key for key in there if key.endswith(".pt") or ".lock" in key or ".tune" in key]
