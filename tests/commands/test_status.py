"""How a study stands is read off its run directory, by people and by scripts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

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
