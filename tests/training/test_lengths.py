"""However a study walks to a length, by real training it finds the same there, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.reading.frames import values
from benchmarks.lengths import SEPARATE, SHARED, formula
from study.config import Nuisance, RunConfig, from_dict, schedule
from study.planning.stopping import Halving, Stopping, rungs
from study.planning.trials import index
from study.storage.run_dir import State, StudyDir
from tests.runs import TINY_RUN, exact, study_without_ray

Tails = dict[tuple[str, int], dict[str, Any]]


def tails(study: StudyDir) -> Tails:
    """The record of each trial and length; an audit's stand under the trial that it continues."""
    found = {}
    for trial in study.trials():
        name = trial.id.removesuffix("-audit")
        for record in exact(trial.records()):
            if record["weights"] == "tail":
                found[name, record["length"]] = record | {"trial_id": name, "done": None}
    return found


WHOLE = replace(
    SHARED,
    space=replace(SHARED.space, nuisance=Nuisance(lengths=(8, 10, 12)), fixed=TINY_RUN),
    budget=replace(SHARED.budget, trials=3, audit=1.0),
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Tails:
    """Of a study that stops no trial."""
    return tails(study_without_ray(WHOLE, tmp_path_factory.mktemp("whole")))


@pytest.mark.slow
@pytest.mark.parametrize("lazy", [False, True])
def test_stopped_and_audited_trials_find_what_they_would_have_found(
    lazy: bool, undisturbed: Tails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # so early all AP are 0, and nobody would be stopped: compare losses here
    monkeypatch.setattr(rungs, "box_ap", lambda record: -record["loss"])
    monkeypatch.setattr(index, "COMPARED", (*index.COMPARED, "loss"))
    halved = replace(WHOLE, stopping=Stopping(Halving()))
    if lazy:
        halved = replace(halved, stopping=Stopping(Halving(), "average"), tails="last")
    study = study_without_ray(halved, tmp_path)
    found = tails(study)
    assert found == {key: undisturbed[key] for key in found}
    assert {length for _, length in found} == {8, 10, 12}
    stopped = [trial for trial in study.trials() if trial.state is State.STOPPED]
    assert len(stopped) == 2
    for trial in stopped:
        audit = study.trial(f"{trial.id}-audit")
        assert (trial.id, 12) in found and audit.state is State.FINISHED
        if not lazy:  # its trunk was not walked again
            rest = schedule.legs(from_dict(RunConfig, audit.config()["run"]).schedule)
            walked = sum(leg.stop - leg.start for leg in rest) - (
                trial.records()[-1]["length"] - 4
            )
            assert audit.records()[-1]["images_spent"] == walked * 4


@pytest.mark.slow
def test_shared_trunks_find_what_separate_runs_find_and_cost_what_the_formula_says(
    tmp_path: Path,
):
    studies = [study_without_ray(asked, tmp_path / asked.schedule) for asked in (SHARED, SEPARATE)]
    shared, separate = ([exact(t.records()) for t in study.trials()] for study in studies)
    assert shared == separate
    assert len(shared[0]) == 5
    costs = [analysis.load(study.path).costs for study in studies]
    spent = [sum(values(table, "iterations")) for table in costs]
    assert spent[1] / spent[0] == pytest.approx(formula()) == pytest.approx(2.3, abs=0.01)
    assert sum(values(costs[0], "independent_iterations")) == spent[1]
