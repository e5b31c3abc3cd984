"""A sweep whose run directory lies on an object store, killed and taken up again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import analysis
from study.options import Spend, Tuning
from study.rundir import State, StudyDir
from tests.cluster.test_sweep import ORDERLY_END_S, Command, records, run_without_ray, wait_for
from tests.objects import fresh, keys, s3

OPTIONS = ("--trials", "2", "--confirm", "1", "--cross", "0", "--keep", "1")


@pytest.fixture
def sweep() -> Iterator[Callable[..., Command]]:
    """Makes commands on one address, and leaves no process behind."""
    commands: list[Command] = []
    with s3():
        address = fresh()

        def make(*options: str) -> Command:
            commands.append(Command(address, *options))
            return commands[-1]

        yield make
        left = [command.wait_until_gone(ORDERLY_END_S) for command in commands]
    assert not any(left)


@pytest.mark.slow
def test_killed_driver_leaves_on_s3_what_an_undisturbed_study_leaves_in_a_folder(
    sweep: Callable[..., Command], tmp_path: Path
):
    command = sweep(*OPTIONS)
    study = StudyDir(command.run_dir)
    driver = command.start()  # killed in the middle of a trial
    wait_for(driver, lambda: any(len(trial.records()) == 1 for trial in study.trials()))
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    command.wait_until_gone(2.0)

    status, out, err = sweep(*OPTIONS).run()
    assert (status, err) == (0, ""), out
    budget, tuning = Spend(trials=2, confirm=1, cross=0), Tuning(keep=1)
    alone = run_without_ray(tmp_path / "alone", budget=budget, tuning=tuning)
    assert records(study) == alone

    results = analysis.load(str(study.store))
    local = analysis.load(tmp_path / "alone")
    same = ["trial_id", "state", "AP_box", "AP_mask", "images_seen", "lr", "weight_decay"]
    assert results.trials[same].equals(local.trials[same])
    states = {trial.state for trial in study.trials()}
    assert states == {State.FINISHED, State.STOPPED}
    there = keys(str(study.store))
    assert not [key for key in there if key.endswith(".pt") or ".lock" in key or ".tune" in key]
    assert "optuna.journal" in there
