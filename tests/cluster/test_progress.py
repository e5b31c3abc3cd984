"""What a sweep says while it runs, driven as Tune drives it, without Ray's processes."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from study.cluster.progress import Progress
from study.cluster.trial import outcome
from study.commands.status import report
from study.config import RunConfig
from study.planning.standing import note
from study.storage.run_dir import State
from tests.simulated import Objective, Simulation, bowl, design

SESSION_S = 7200.0  # that a session before has taken


def steep(run: RunConfig, length: int) -> float:
    """Both arms want higher learning rates than there are."""
    return 1000 * run.optim.lr + bowl(run, length) / 100


class Shown:
    """A simulated study with its display."""

    def __init__(self, simulation: Simulation, terminal: bool = False) -> None:
        self.simulation, self._out = simulation, StringIO()
        console = Console(file=self._out, force_terminal=terminal, width=80)
        self.progress = Progress(simulation.plan, console)

    def run(self, steps: int = 100_000) -> list[str]:
        """So many steps; returns what was printed so far, line by line."""
        simulation = self.simulation
        while steps and not simulation.plan.done:
            steps -= 1
            before, active = len(simulation.started), set(simulation._active)
            simulation.run(steps=1)
            begun = simulation.started[before:]
            for trial_id in begun:
                self.progress.on_trial_start(0, [], self._tune(trial_id))
            for trial_id in (active | set(begun)) - simulation._active:
                self.progress.on_trial_complete(0, [], self._tune(trial_id))
            self.progress.on_step_end(0, [])
        return self.lines

    @property
    def lines(self) -> list[str]:
        return self._out.getvalue().splitlines()

    def _tune(self, trial_id: str) -> Any:
        where = str(self.simulation.study.path)
        return SimpleNamespace(config={"study": where, "trial_id": trial_id})


def simulation(path: Path, objective: Objective = steep, **changes: Any) -> Simulation:
    asked = design(**({"trials": 4, "confirm": 1} | changes))
    begun = Simulation(asked, path, objective=objective)
    budget = asdict(asked.budget) | {"max_hours": None}
    begun.study.open(begun.study.manifest | {"budget": budget, "command": ["again"]})
    return begun


@pytest.mark.parametrize("terminal", [False, True])
def test_who_waits_at_a_rung_is_said_once(terminal: bool, tmp_path: Path):
    shown = Shown(simulation(tmp_path), terminal)
    said = [line for line in shown.run() if " waits at length " in line]
    shown.progress.close()
    told = [re.findall(r"(\S+) waits at length (\d+): (\d+) of the (\d+) trials", x) for x in said]
    places = [one[0][:2] for one in told]
    assert said and len(places) == len(set(places))
    assert all(int(one[0][2]) < int(one[0][3]) <= 4 for one in told)
    assert not any("paused" in line for line in shown.lines)


@pytest.mark.parametrize("terminal", [False, True])
def test_an_extended_range_is_said_once_and_not_again_after_a_resume(
    terminal: bool, tmp_path: Path
):
    first = Shown(simulation(tmp_path, extend=1), terminal)
    study = first.simulation.study
    while not any("-lr-high1-" in trial.id for trial in study.trials()):
        first.run(steps=1)
    told = [line for line in first.lines if "extended to" in line]
    words = "8 images: the best of scratch and pretext lies at the upper end of 0.001 to 0.1;"
    assert any(words in line for line in told)
    begun = {trial.id.split("-")[1] for trial in study.trials() if "-high1-" in trial.id}
    second = Simulation(first.simulation.plan.design, tmp_path, objective=steep)
    later = [line for line in Shown(second, terminal).run() if "extended to" in line]
    assert not any(f" at {size} images" in line for size in begun for line in later)
    both = {line.split("] ")[1] for line in told + later}
    assert {line.split(" images")[0] for line in both} == {"lr at 8", "lr at 16"}


def test_a_longer_length_is_said_once(tmp_path: Path):
    lines = Shown(simulation(tmp_path, bowl, growth=1.5, max_length=180)).run()
    said = [line.split("] ")[1] for line in lines if "go on to 180" in line]
    assert {line.split(":")[0] for line in said} == {"lengths at 8 images", "lengths at 16 images"}
    assert len(said) == 2


def test_the_clock_goes_on_over_a_resume(tmp_path: Path):
    study = simulation(tmp_path)
    first = Shown(study)
    first.run(steps=5)
    assert first.lines[0].startswith("[   0 s] ")
    first.progress.close()
    written = study.study.standing()
    study.study.write_standing(written | {"seconds": SESSION_S})  # as if it had taken that long
    second = Shown(Simulation(study.plan.design, tmp_path))
    assert second.run(steps=1)[0].startswith("[ 2.0 h] ")
    second.progress.close()
    noted = note.read(study.study)
    assert noted and SESSION_S <= noted.seconds < SESSION_S + 60


def test_the_clock_of_a_study_of_an_older_version_is_read_off_its_trials(tmp_path: Path):
    study = simulation(tmp_path)
    study.run(steps=1)
    trial = study.study.trials()[0]
    for moment, spent in ((1000.0, 0), (1000.0 + SESSION_S, 40)):
        line = f'{{"state": "running", "time": {moment}, "images_spent": {spent}}}'
        trial.store.append("events.jsonl", line.encode())
    assert Shown(study).run(steps=1)[0].startswith("[ 2.0 h] ")


def test_status_says_the_words_of_the_sweep(tmp_path: Path):
    shown = Shown(simulation(tmp_path))
    shown.run(steps=9)
    plan = shown.simulation.plan
    shown.progress._left = time.time(), 1200.0
    shown.progress._note()
    study = plan.study
    stands = note.read(study)
    assert stands is not None
    with study.lock():
        running = report(study)[0]
    stopped = report(study)[0]
    told = f"progress    {stands.standing.told}"
    assert f"{told}, about 20 min left" in running and told in stopped
    assert shown.progress._sum().startswith(stands.standing.told)
    assert shown.progress._sum().endswith(", about 20 min left")
    shown.run()
    shown.progress.close()
    total = len(study.trials())
    assert f"progress    {total} of {total} trainings ended" in report(study)[0]


def test_status_of_a_study_of_an_older_version_leaves_the_line_out(tmp_path: Path):
    study = simulation(tmp_path)
    study.run(steps=5)
    assert not any(line.startswith(("progress", "time ")) for line in report(study.study)[0])


def test_trials_that_ended_since_the_last_note_count(tmp_path: Path):
    shown = Shown(simulation(tmp_path))
    shown.run(steps=3)
    shown.progress._note()
    ended = shown.simulation.study.trials()[0]
    ended.mark(State.FINISHED)
    line = next(x for x in report(shown.simulation.study)[0] if x.startswith("progress"))
    assert " 1 of " in line


def test_masks_are_not_named_where_there_are_none(tmp_path: Path):
    shown = Shown(simulation(tmp_path))
    lines = shown.run()
    shown.progress.on_trial_result(
        0,
        [],
        None,
        outcome(
            {"trial_id": "x", "weights": "tail", "length": 60, "AP_box": 31.0, "AP_mask": None}
        ),
    )
    status = report(shown.simulation.study)[0]
    assert shown.lines[-1].endswith("x at length 60: box AP 31.0")
    assert not any("mask" in line for line in [*lines, *shown.lines, *status])


def test_tune_keeps_no_statistics_of_what_a_record_says():
    from ray.tune.utils import flatten_dict  # as Tune does with each result

    told = flatten_dict(outcome({"trial_id": "x", "AP_box": 31.0, "losses": {"loss": 1.0}}))
    assert [name for name, value in told.items() if isinstance(value, int | float)] == ["done"]


def test_where_nothing_is_extended_nothing_is_said_of_it(tmp_path: Path):
    lines = Shown(simulation(tmp_path)).run()
    assert not any("extended to" in line or "go on to" in line for line in lines)
