"""`python -m study.sweep` under Ray: whole, killed, interrupted, extended, with two workers.

Each test starts the real command on tiny real runs. Only one Ray instance lives at a time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos.course import Course, Place
from study.commands.common import BAD_INPUT
from study.commands.options.sweep import Spend, Sweep, Tuning, design
from study.storage.run_dir import State, StudyDir
from study.sweep import main
from tests.cluster.logs.readers import READERS
from tests.runs import exact, study_without_ray

SPACE = str(Path(__file__).with_name("tiny.py"))
ROOT = Path(__file__).parent.parent.parent
PYTHON = (sys.executable, "-m")
LOGGED = ("--log-to", "tensorboard")
LIMIT_S = 240.0  # for anything to happen
ORDERLY_END_S = 15.0  # for Ray's processes after the command's end

Records = dict[str, list[dict[str, Any]]]


class Command:
    """The sweep as a process of its own session, by which its descendants are known."""

    def __init__(self, run_dir: Path | str, *options: str) -> None:
        self.run_dir, self._where = Path(run_dir), str(run_dir)
        self._options = options
        self._session: int | None = None

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PYTHON, "study.sweep", SPACE, "--run-dir", self._where, *self._options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._session = process.pid
        return process

    def run(self) -> tuple[int, str, str]:
        process = self.start()
        out, err = process.communicate(timeout=LIMIT_S)
        return process.returncode, out, err

    def descendants(self) -> dict[int, str]:
        """Living processes of this command: title by process id."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                if os.getsid(int(path.name)) == self._session:
                    found[int(path.name)] = (path / "cmdline").read_bytes().decode()
        return {pid: title for pid, title in found.items() if title}  # without zombies

    def wait_until_gone(self, wait_s: float) -> dict[int, str]:
        """Give the descendants time to end; what is left is killed, and told."""
        deadline = time.monotonic() + wait_s
        while (left := self.descendants()) and time.monotonic() < deadline:
            time.sleep(0.2)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Makes commands on one run directory, and leaves no process behind."""
    commands: list[Command] = []

    def make(*options: str) -> Command:
        commands.append(Command(tmp_path / "study", *options))
        return commands[-1]

    yield make
    left = [command.wait_until_gone(ORDERLY_END_S) for command in commands]
    assert not any(left)


def records(study: StudyDir) -> Records:
    return {trial.id: exact(trial.records()) for trial in study.trials()}


def run_without_ray(run_dir: Path, **options: Any) -> Records:
    """The same study, one trial after another in this process."""
    asked = design(Sweep(space=SPACE, run_dir=run_dir, **options))
    return records(study_without_ray(asked, run_dir))


def told(rows: Records) -> dict[str, list[tuple[str, int]]]:
    """Under which name and at which iteration the box AP of each record is logged."""
    before = {"tail": "", "average": "average/"}
    return {
        trial_id: sorted((f"{before[row['weights']]}AP_box", row["iteration"]) for row in of)
        for trial_id, of in rows.items()
    }


def logged(study: StudyDir) -> dict[str, list[tuple[str, int]]]:
    """The box APs in TensorBoard's files."""
    return {
        trial_id: sorted(
            (name, iteration)
            for name, of in points.items()
            for iteration, _ in of
            if name.endswith("AP_box")
        )
        for trial_id, (_, points) in READERS["tensorboard"](study.path).items()
    }


def wait_for(
    process: subprocess.Popen[str], happened: Callable[[], bool], look_s: float = 0.02
) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(look_s)


@pytest.mark.slow
def test_interrupted_then_whole_then_a_larger_one_then_another_question(
    sweep: Callable[..., Command],
):
    lazily = ("--compare", "average", "--tails", "last", "--audit", "1", *LOGGED)
    interrupted = sweep(*(options := ("--trials", "2", "--confirm", "1", *lazily)))
    study = StudyDir(interrupted.run_dir)
    driver = interrupted.start()
    wait_for(driver, lambda: any(trial.records() for trial in study.trials()))
    driver.send_signal(signal.SIGINT)
    _, err = driver.communicate(timeout=LIMIT_S)
    assert driver.returncode == 130
    assert "interrupted" in err and "Traceback" not in err
    assert State.PREEMPTED in {trial.state for trial in study.trials()}
    assert not interrupted.wait_until_gone(ORDERLY_END_S)

    status, out, err = (first := sweep(*options)).run()
    assert (status, err) == (0, "")
    ids = {trial.id for trial in study.trials()}
    runs = {f"{arm}-12-{i}" for arm in ("pretext", "scratch") for i in ("c0", "t000", "t001")}
    assert ids - {i for i in ids if i.endswith("-audit")} == runs
    for trial in study.trials():
        role, rows = trial.config()["role"], trial.records()
        assert {row["split"] for row in rows} == {"report" if role == "confirm" else "tune"}
        stopped = trial.state is State.STOPPED
        assert stopped or trial.state is State.FINISHED
        assert (f"{trial.id}-audit" in ids) == stopped
        walked = [(row["weights"], row["iteration"]) for row in rows]
        if role == "tune":  # the fork of 8 is at 4, whose averaged weights are compared
            assert walked == [("average", 4), ("tail", 8 if stopped else 12)]
        else:
            assert walked == [("tail", 12)] or role == "confirm"
    assert (first.run_dir / "optuna.journal").exists()
    assert not (first.run_dir / ".tune").exists()
    assert "4 for tuning" in out and "pretext-12-c0 finished" in out

    before = records(study)
    status, _, err = sweep("--trials", "3", "--confirm", "1", *lazily).run()
    assert (status, err) == (0, "")
    after = records(study)
    assert {key: after[key] for key in before} == before
    assert logged(study) == told(after)
    assert {"pretext-12-t002", "scratch-12-t002"} <= set(after)

    status, _, err = sweep("--trials", "3", "--seed", "5", "--lengths", "8", "16").run()
    assert status == 2
    assert "seed: there 0, now 5" in err and "nuisance.lengths" in err
    assert "Traceback" not in err


TEN = (
    *("trial stopped", "trial killed", "clock jumps"),
    *("records torn", "events torn", "raylet killed"),
    *("GCS stopped", "trial hangs", "driver killed"),
    "GCS killed",
)


@pytest.mark.slow
def test_ten_faults_leave_the_records_of_an_undisturbed_study(tmp_path: Path):
    options = ("--trials", "2", "--confirm", "1", "--stopping", "none", *LOGGED)
    asked = {"budget": Spend(trials=2, confirm=1), "tuning": Tuning(stopping="none")}

    place = Place(lambda: tmp_path / "study", tmp_path)
    with ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)) as beside:
        alone = beside.submit(run_without_ray, tmp_path / "alone", **asked)
        course = Course(place, options, alone.result, usual_s=1.0, seed=0)
        course.run(TEN)
    assert not course.wrong and {*course.ended} == {tmp_path / "study"}  # the last may come late
    assert not [one for one in course.told if one.wrong]
    assert sorted(one.name for one in course.told) == sorted(TEN)
    said = "".join(path.read_text() for path in tmp_path.glob("said-*"))
    assert "its process died" in said and "no sign of life" in said
    assert logged(StudyDir(tmp_path / "study")) == told(alone.result())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--arms", "imagnet"), "'imagnet' is neither one of scratch, pretext, imagenet"),
        (("--workers", "3"), "workers = 3: must divide the batch of 4 images"),
        (("--sizes", "12", "999999"), "999999"),
        (("--trials", "0"), "trials = 0: at least 1"),
    ],
)
def test_bad_input_is_named_and_nothing_starts(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run_dir = tmp_path / "study"
    assert main([SPACE, "--run-dir", str(run_dir), *options]) == BAD_INPUT
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err
    assert not run_dir.exists()
