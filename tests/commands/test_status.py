"""How a study stands is read off its run directory, by people and by scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

import analysis
from analysis.reading.standing import standing
from study.commands.status import COMPLETE, FAILED, INCOMPLETE, report
from study.storage.run_dir import State, StudyDir
from study.sweep import main
from tests.simulated import Simulation, design

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Without(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in ("ray", "torch"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from study.sweep import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    """A study of 6 trials for each of 2 arms and 2 sizes; its first ones have begun."""
    asked = design(trials=6, confirm=1, cross=1)
    begun = Simulation(asked, tmp_path / "study", concurrent=4)
    manifest = begun.study.manifest
    budget = asdict(asked.budget) | {"max_hours": None}
    begun.study.open(manifest | {"budget": budget, "command": ["python", "-m", "study.sweep"]})
    return begun.run(steps=9)


def rows(lines: list[str]) -> dict[tuple[str, str], str]:
    """The table's rows by arm and size."""
    table = [line for line in lines if line.startswith(("scratch ", "pretext "))]
    return {(line.split()[0], line.split()[1]): line for line in table}


def test_an_interrupted_study_says_what_is_there_and_how_to_go_on(simulation: Simulation):
    lines, status = report(simulation.study)
    text = "\n".join(lines)
    assert status == INCOMPLETE
    assert "simulated: pretext, scratch at 8, 16 images" in text
    assert "sobol (seed 0), shared schedule, stopping: halving by tail" in text
    assert "6 tuning trials for each arm and size, 1 fresh runs of the best 1, 1 also with" in text
    assert set(rows(lines)) == {(arm, n) for arm in ("scratch", "pretext") for n in ("8", "16")}
    assert "to come" in text and "interrupted" in text and "running" not in text
    assert "no sweep works on it" in text and "python -m study.sweep" in lines[-1]


def test_the_best_ap_and_the_cost_are_those_of_the_records(simulation: Simulation):
    study = simulation.study
    for number, trial in enumerate(study.trials()):
        trial.mark(State.RUNNING, images_spent=1000 + number, device_seconds=60.0)
    lines, _ = report(study)
    for (arm, size), line in rows(lines).items():
        found = [
            record["AP_box"]
            for trial in study.trials()
            if trial.id.startswith(f"{arm}-{size}-t")
            for record in trial.records()
        ]
        assert (f" {max(found):.1f} " in line) if found else ("e-" not in line)
    count = len(study.trials())
    images = sum(1000 + number for number in range(count))
    assert f"cost        {images:,} images, {count} min of device time so far" in lines


def test_only_a_held_lock_counts_as_work(simulation: Simulation):
    study = simulation.study
    trial = next(t for t in study.trials() if t.state is State.RUNNING)
    with study.lock(), trial.lock():
        lines, status = report(study)
        text = "\n".join(lines)
        assert status == INCOMPLETE
        assert "1 running" in text and "waiting" in text and "interrupted" not in text
        assert "holds the study" in lines[-1] and "process" in lines[-1] and " on " in lines[-1]
    with study.lock():  # to look took nothing away
        pass


def test_complete_until_it_is_opened_again(simulation: Simulation):
    study = simulation.run().study
    assert report(study)[1] == INCOMPLETE  # the sweep has not said so yet
    study.complete()
    lines, status = report(study)
    assert status == COMPLETE and "complete: python -m analysis" in lines[-1]
    study.open({key: value for key, value in study.manifest.items() if key != "completed"})
    assert report(study)[1] == INCOMPLETE


def _no_trials(study: StudyDir) -> None:
    shutil.rmtree(study.path / "trials")


def _one_trial_less(study: StudyDir) -> None:
    shutil.rmtree(study.path / "trials" / "scratch-8-t002")


def _one_confirm_run_less(study: StudyDir) -> None:
    shutil.rmtree(study.path / "trials" / "scratch-16-c0")


def _no_records(study: StudyDir) -> None:
    for file in study.path.glob("trials/*/records.jsonl"):
        file.unlink()


def _last_event_less(study: StudyDir) -> None:
    file = study.path / "trials" / "pretext-8-t001" / "events.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(True)[:-1]))


def _failed(study: StudyDir) -> None:
    study.trial("pretext-8-t001").mark(State.FAILED, error="no room")


def _fewer_records_than_written(study: StudyDir) -> None:
    study.trial("pretext-8-t001").mark(State.FINISHED, records=99)


LOST: dict[Callable[[StudyDir], None], tuple[str, int]] = {
    _no_trials: ("24 tuning trials are gone", INCOMPLETE),
    _one_trial_less: ("1 tuning trial is gone", INCOMPLETE),
    _one_confirm_run_less: ("1 confirm run is gone", INCOMPLETE),
    _no_records: ("trials have not ended", INCOMPLETE),
    _last_event_less: ("1 trial has not ended", INCOMPLETE),
    _failed: ("1 trial has not ended", FAILED),
    _fewer_records_than_written: ("1 trial has not ended", INCOMPLETE),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was completed."""
    asked = design(trials=6, confirm=1)
    done = Simulation(asked, tmp_path_factory.mktemp("ended") / "study").run().study
    done.complete()
    assert report(done)[1] == COMPLETE
    return done.path


@pytest.mark.parametrize("lose", LOST)
def test_what_has_lost_something_is_complete_no_more(
    lose: Callable[[StudyDir], None], ended: Path, tmp_path: Path
):
    shutil.copytree(ended, tmp_path / "study")
    lose(study := StudyDir(tmp_path / "study"))
    lines, status = report(study)
    said, expected = LOST[lose]
    assert status == expected
    (now,) = [line for line in lines if line.startswith("now ")]
    assert "was complete, and is no more: " in now and said in now and now.endswith("to go on:")
    if lose not in (_fewer_records_than_written, _no_records):  # which the analysis refuses
        assert not standing(analysis.load(study.path), str(study.path)).is_complete


def test_a_run_that_confirms_what_was_overtaken_keeps_no_study_incomplete(
    ended: Path, tmp_path: Path
):
    shutil.copytree(ended, tmp_path / "study")
    study = StudyDir(tmp_path / "study")
    config = study.trial("scratch-8-c0").config()
    run = config["run"] | {"trial_id": "scratch-8-c9", "optim": config["run"]["optim"] | {"lr": 9}}
    study.trial("scratch-8-c9").write_config(config | {"run": run})
    assert report(study)[1] == COMPLETE
    assert standing(analysis.load(study.path), str(study.path)).is_complete


def test_failed_trials_are_named_with_their_error(simulation: Simulation):
    trial = simulation.study.trials()[0]
    trial.mark(State.FAILED, error="Traceback\n  File\nRuntimeError: no room")
    lines, status = report(simulation.study)
    assert status == FAILED
    assert f"failed      {trial.id}: RuntimeError: no room" in lines


def test_a_study_without_trials_has_a_status(tmp_path: Path):
    simulation = Simulation(asked := design(), tmp_path)
    study = simulation.study
    study.open(study.manifest | {"budget": asdict(asked.budget)})
    lines, status = report(study)
    assert status == INCOMPLETE and "last sign   none yet" in lines
    assert rows(lines)["scratch", "8"].split()[2:5] == ["6", "to", "come"]


@pytest.mark.slow
def test_the_command_needs_neither_ray_nor_torch(simulation: Simulation):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "--status", str(simulation.study.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (INCOMPLETE, "")
    assert done.stdout.startswith("study       simulated")


def test_a_folder_without_a_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--status", str(tmp_path)]) == 2
    assert "holds no study" in capsys.readouterr().err
    assert StudyDir(tmp_path).holder() is None
