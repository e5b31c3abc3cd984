"""Logs of a sweep hold each record once, in one run for each trial, whatever happens to it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from study.cluster.logs.callback import Logs
from study.cluster.logs.contents import metrics, parameters
from study.commands.options.log_to import TELEMETRY, Kind
from study.config import RunConfig, ScheduleConfig
from study.config.schedule import legs
from study.storage.record import record
from study.storage.run_dir import Record, StudyDir, TrialDir
from study.training.single_run import trial_config
from tests.cluster.logs.readers import READERS, Run

SCHEDULE = ScheduleConfig(lengths=(8, 12, 20), tail=(4, 2), watch=(8,))
KINDS = ("tensorboard", "wandb", pytest.param("mlflow", marks=pytest.mark.slow))  # it makes tables


def evaluations(run: RunConfig) -> list[Record]:
    """The records that a run would leave."""
    found = []
    for leg in legs(run.schedule):
        for weights in leg.evaluated:
            scores = {"AP_box": leg.stop / 7, "AP_mask": None}
            losses = {"loss": 1 / leg.stop}
            facts: dict[str, Any] = {"scores": scores, "losses": losses, "eval_seconds": 0.5}
            more: dict[str, Any] = {"costs": {"images_spent": 4 * leg.stop}, "time": 1.7e9}
            found.append(record(run, leg, weights, done=False, **facts, **more))
    return found


class Session:
    """A sweep's session on a study, as Tune tells the logs of it; it ends by a kill."""

    def __init__(self, study: StudyDir, *kinds: Kind) -> None:
        self.study, self.said = study, io.StringIO()
        self.logs = Logs(study, kinds, Console(file=self.said))
        self.logs.setup()

    def start(self, trial: TrialDir) -> None:
        self.logs.on_trial_start(0, [], self._of(trial))

    def result(self, trial: TrialDir, row: Record) -> None:
        trial.append(row)
        self.logs.on_trial_result(0, [], self._of(trial), {"records": [row]})

    def complete(self, trial: TrialDir) -> None:
        self.logs.on_trial_result(0, [], self._of(trial), {"records": []})
        self.logs.on_trial_complete(0, [], self._of(trial))

    def error(self, trial: TrialDir) -> None:
        self.logs.on_trial_error(0, [], self._of(trial))

    def die(self) -> None:
        """Leave what has been told, and no thread that writes more of it later."""
        for log in self.logs._logs.values():
            for writer in getattr(log._callback, "_trial_writer", {}).values():
                writer.close()
            for run in getattr(log._callback, "_runs", {}).values():
                run.finish()  # else this process would hold it

    def _of(self, trial: TrialDir) -> Any:
        where = str(self.study.store)
        return SimpleNamespace(config={"study": where, "trial_id": trial.id}, trial_id="0815")


def begun(study: StudyDir, trial_id: str) -> tuple[TrialDir, list[Record]]:
    """A trial's folder, and the records that it will have."""
    run = RunConfig(trial_id=trial_id, arm="pretext", schedule=SCHEDULE)
    trial = study.trial(trial_id)
    trial.write_config(trial_config(run))
    return trial, evaluations(run)


def points(run: Run) -> dict[str, list[tuple[int, float]]]:
    """What a log has, without what single precision does to a value."""
    return {n: sorted((step, round(value, 4)) for step, value in of) for n, of in run[1].items()}


def wanted(rows: list[Record]) -> dict[str, list[tuple[int, float]]]:
    """What a log ought to have of these records."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in metrics(row).items():
            found.setdefault(name, []).append((row["iteration"], round(value, 4)))
    return found


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyDir:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", *(name for name, _ in TELEMETRY.values())):
        monkeypatch.setenv(name, "")  # so that what the log sets does not outlive the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    return StudyDir(tmp_path / "mine")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_record_is_logged_once_in_one_run_through_pauses_and_kills(
    kind: Kind, study: StudyDir
):
    paused, rows = begun(study, "pretext-64-t000")
    killed, _ = begun(study, "pretext-64-t001")
    earlier, _ = begun(study, "pretext-64-t002")
    for row in rows:
        earlier.append(row | {"trial_id": earlier.id})  # before anything was logged

    first = Session(study, kind)
    for trial in (paused, killed):
        first.start(trial)
        first.result(trial, rows[0] | {"trial_id": trial.id})
    first.complete(paused)
    first.start(paused)  # by another trial of Tune's
    first.result(paused, rows[1])
    paused.append(rows[2])  # and the driver is killed, before it hears of that
    first.die()

    second = Session(study, kind)
    second.start(killed)
    for row in rows[1:]:
        second.result(killed, row | {"trial_id": killed.id})
    second.error(killed)
    second.start(paused)
    second.result(paused, rows[3])
    second.complete(paused)

    assert not first.said.getvalue() + second.said.getvalue()
    found = READERS[kind](study.path)
    assert found.keys() == {paused.id, killed.id, earlier.id}
    for run in found.values():
        assert points(run) == wanted(rows)
        told, _ = run
        assert (told["arm"], told["length"]) == ("pretext", "20" if kind == "mlflow" else 20)
        assert float(told["lr"]) == pytest.approx(RunConfig().optim.lr)
    outside = {path.name for path in study.path.parent.iterdir()}
    assert outside == {study.path.name}


def test_what_a_kill_tore_is_logged_again(study: StudyDir):
    trial, rows = begun(study, "pretext-64-t000")
    first = Session(study, "tensorboard")
    first.start(trial)
    for row in rows:
        first.result(trial, row)
    first.die()
    (file,) = (study.path / "logs" / trial.id).iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    assert points(READERS["tensorboard"](study.path)[trial.id]) != wanted(rows)

    Session(study, "tensorboard")  # the trial is not begun again
    assert points(READERS["tensorboard"](study.path)[trial.id]) == wanted(rows)
    files = sorted((study.path / "logs" / trial.id).iterdir())
    Session(study, "tensorboard")  # nothing is missing
    assert files == sorted((study.path / "logs" / trial.id).iterdir())


def test_an_online_run_of_wandb_is_gone_on_with_where_the_server_has_it(
    study: StudyDir, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("WANDB_MODE")
    trial, rows = begun(study, "pretext-64-t000")
    rows[1], rows[2] = rows[2], rows[1]  # the trunk at 8, looked at after the tail of 12
    server: dict[int, dict[str, float]] = {}
    begun_with: list[dict[str, Any]] = []

    class Run:
        dir = id = "nowhere"

        def __init__(self, **options: Any) -> None:
            begun_with.append(options)
            self.starting_step = max(server, default=-1) + 1

        def log(self, row: dict[str, float], step: int) -> None:
            assert step >= self.starting_step and step not in server
            server[step] = row

        def define_metric(self, name: str, step_metric: str) -> None: ...

        def finish(self, exit_code: int) -> None: ...

    monkeypatch.setattr("wandb.init", Run)
    first = Session(study, "wandb")
    first.start(trial)
    for row in rows[:2]:
        first.result(trial, row)  # and the driver is killed
    second = Session(study, "wandb")  # adds them, because nobody has written down that they are
    second.start(trial)
    for row in rows[2:]:
        second.result(trial, row)
    second.complete(trial)
    assert not first.said.getvalue() + second.said.getvalue()
    assert [row["iteration"] for row in server.values()] == [row["iteration"] for row in rows]
    assert list(server) == [8, 12, 13, 20]
    assert {options["id"] for options in begun_with} == {begun_with[0]["id"]}
    assert {options["resume"] for options in begun_with} == {"allow"}


def test_an_interrupted_session_closes_what_is_open(study: StudyDir):
    trial, rows = begun(study, "pretext-64-t000")
    session = Session(study, "tensorboard")
    session.error(study.trial("pretext-64-t001"))  # one that never began
    session.start(trial)
    session.result(trial, rows[0])
    session.logs.close()
    assert not session.said.getvalue()
    assert points(READERS["tensorboard"](study.path)[trial.id]) == wanted(rows[:1])


def test_a_log_that_fails_is_named_and_the_study_goes_on(study: StudyDir):
    (study.path / "logs").mkdir(parents=True)
    (study.path / "logs" / "pretext-64-t000").write_text("in the way")
    trial, rows = begun(study, "pretext-64-t000")
    session = Session(study, "tensorboard")
    session.start(trial)
    session.result(trial, rows[0])
    session.complete(trial)
    (line,) = session.said.getvalue().splitlines()
    assert line.startswith("tensorboard: FileExistsError: ")
    assert line.endswith("the next session adds what is missing.")


def test_names_tell_apart_what_is_measured_at_one_iteration():
    schedule = replace(SCHEDULE, factors=(0.1, 0.3), watched=("trunk", "average"))
    run = RunConfig(schedule=schedule, optim=replace(RunConfig().optim, clip_norm=None))
    told = [
        (row["iteration"], name)
        for row in evaluations(run)
        for name in metrics(row, len(schedule.factors))
    ]
    assert len(set(told)) == len(told)
    names = {name for _, name in told}
    assert {"factor-0.1/AP_box", "factor-0.3/loss", "trunk/AP_box", "average/AP_box"} <= names
    assert not any("AP_mask" in name for name in names)  # no ground truth
    assert parameters(trial_config(run))["factors"] == "0.1 0.3"
    assert not {"factor", "clip_norm"} & parameters(trial_config(run)).keys()
