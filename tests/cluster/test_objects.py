"""A sweep whose run directory is on an object store, killed and resumed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import analysis
from study.commands.options.sweep import Spend, Tuning
from study.storage.run_dir import StudyDir
from tests.cluster.test_sweep import ORDERLY_END_S, Command, records, run_without_ray, wait_for
from tests.objects import fresh, keys, s3

OPTIONS = ("--arms", "scratch", "--trials", "2", "--confirm", "1", "--stopping", "best")


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


@pytest.mark.slow
def test_killed_driver_leaves_on_s3_what_an_undisturbed_study_leaves_in_a_folder(
    sweep: Callable[..., Command], address: str, tmp_path: Path
):
    command = sweep(*OPTIONS)
    study = StudyDir(address)
    driver = command.start()  # killed in the middle of a trial
    wait_for(driver, lambda: any(len(trial.records()) == 1 for trial in study.trials()))
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    command.wait_until_gone(2.0)

    status, out, err = sweep(*OPTIONS).run()
    assert (status, err) == (0, ""), out
    asked = {"budget": Spend(trials=2, confirm=1), "tuning": Tuning(stopping="best")}
    alone = run_without_ray(tmp_path / "alone", arms=("scratch",), **asked)
    assert records(study) == alone

    results = analysis.load(address)
    local = analysis.load(tmp_path / "alone")
    same = ["trial_id", "state", "AP_box", "AP_mask", "images_seen", "lr", "weight_decay"]
    assert results.trials[same].equals(local.trials[same])
    assert all(trial.state and trial.state.is_final for trial in study.trials())
    there = keys(address)
    assert not [key for key in there if key.endswith(".pt") or ".lock" in key or ".tune" in key]
    assert "optuna.journal" in there


@pytest.mark.slow
def test_two_workers_give_the_records_of_one_and_leave_nothing_of_ray_train_on_s3(
    sweep: Callable[..., Command], address: str, tmp_path: Path
):
    options = ("--arms", "scratch", "--trials", "1", "--confirm", "0", "--workers", "2")
    status, out, err = sweep(*options).run()
    assert (status, err) == (0, ""), out
    found, budget = records(StudyDir(address)), Spend(trials=1, confirm=0)
    alone = run_without_ray(tmp_path / "alone", budget=budget, arms=("scratch",))
    assert set(found) == set(alone)
    for one, other in zip(found["scratch-12-t000"], alone["scratch-12-t000"], strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            if isinstance(value, float):
                points = 1e-4 if key.startswith("AP") else 0.0
                assert value == pytest.approx(other[key], rel=1e-6, abs=points), key
            else:
                assert value == other[key], key
    assert not [key for key in keys(address) if ".tune" in key or ".lock" in key]
