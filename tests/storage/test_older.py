"""Run directories of earlier versions open, mean what they meant, and go on.

`older/first` is a part of what the version before bodies, ranges and rules were configurations of
their own wrote for `python -m study.sweep shapes`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from study.commands.options.sweep import Sweep, Tuning, design
from study.config import RunConfig, from_dict
from study.config.arithmetic import ARITHMETIC
from study.planning.stopping import KeepBest, Rules
from study.planning.trials import specs
from study.storage import older
from study.storage.run_dir import DifferentQuestion, State, StudyDir
from study.training import engine, single_run
from tests.unsealed import unsealed

FIRST = Path(__file__).parent / "older" / "first"
THEN = str(Path(__file__).parents[2] / "benchmarks" / "measured_space.py")  # its space


@pytest.fixture
def study(tmp_path: Path) -> StudyDir:
    return StudyDir(shutil.copytree(FIRST, tmp_path / "study"))


@pytest.fixture
def of_today(study: StudyDir) -> StudyDir:
    """The study as if it had been computed by this version; all else is as it was written."""
    content = unsealed(study.path / "study.json")
    content["question"]["fixed"]["arithmetic"] = ARITHMETIC
    (study.path / "study.json").write_text(json.dumps(content))
    return study


def test_what_was_computed_otherwise_is_not_continued(study: StudyDir):
    asked = design(Sweep(space=THEN, run_dir=study.path))
    said = rf"arithmetic 1 there, {ARITHMETIC} here\. Its results can be read .*another --run-dir"
    with pytest.raises(DifferentQuestion, match=said):
        study.require_same(asked.question(study.manifest["question"]["data"]), asked.unsaid())
    trial = study.trial("pretext-64-t000")
    run = from_dict(RunConfig, trial.config()["run"])
    assert run.arithmetic == 1
    trial.mark(State.RUNNING)
    with pytest.raises(DifferentQuestion, match=said):
        single_run.begin(replace(run, arithmetic=ARITHMETIC), trial)
    with pytest.raises(ValueError, match=r"arithmetic = 1: this version computes with"):
        next(engine.run(run, trial))


def test_the_same_command_takes_the_study_up(of_today: StudyDir):
    study = of_today
    asked = design(Sweep(space=THEN, run_dir=study.path))
    data = study.manifest["question"]["data"]
    study.open({"question": asked.question(data)}, asked.unsaid())
    for other, said in (
        (replace(asked, seed=1), "seed: there 0, now 1"),
        (design(Sweep(space=THEN, run_dir=study.path, arms=("scratch",))), r"arms\.pretext"),
        (replace(asked, search=replace(asked.search, then="gp")), r"search\.then: there 'tpe'"),
    ):
        with pytest.raises(DifferentQuestion, match=said):
            study.open({"question": other.question(data)}, other.unsaid())


def test_a_field_that_the_question_has_gained_counts_by_its_default(of_today: StudyDir):
    study = of_today
    asked = design(Sweep(space=THEN, run_dir=study.path))
    before = unsealed(study.path / "study.json")
    del before["question"]["fixed"]["precision"], before["question"]["fixed"]["optim"]["momentum"]
    (study.path / "study.json").write_text(json.dumps(before))
    data = before["question"]["data"]
    study.open({"question": asked.question(data)}, asked.unsaid())
    fixed = replace(asked.space.fixed, precision="float64")
    other = replace(asked, space=replace(asked.space, fixed=fixed))
    with pytest.raises(DifferentQuestion, match="precision: there 'float32', now 'float64'"):
        study.open({"question": other.question(data)}, other.unsaid())


def test_a_trial_is_the_one_that_would_be_proposed_today(study: StudyDir):
    asked = design(Sweep(space=THEN, run_dir=study.path))
    cell = next(cell for cell in asked.cells if cell.name == "pretext-64")
    proposal = asked.search.propose(asked.space.nuisance.at(64), 0, 4, 0, [])
    spec = specs.tuning(asked, cell, 0, proposal)
    written = study.trial("pretext-64-t000").config()
    written["run"]["arithmetic"] = ARITHMETIC
    assert from_dict(RunConfig, written["run"]) == spec.run
    assert (written["role"], written["strategy"]) == (spec.role, spec.strategy)


def test_it_is_read_by_the_analysis(study: StudyDir):
    trials = analysis.load(study.path).trials
    assert trials[["arm", "size", "lr"]].iloc[0].tolist() == ["pretext", 64, 0.0351813603067361]


@pytest.mark.parametrize(
    ("before", "tuning"),
    [
        ({"search": "sobol+tpe", "paired": 8, "grid": None}, Tuning()),
        ({"search": "tpe", "paired": None, "grid": None}, Tuning(search="tpe")),
        ({"search": "grid", "paired": None, "grid": 4}, Tuning(search="grid")),
        (
            {"stopping": {"rule": "best", "by": "tail", "best": 2, "rung": 1}},
            Tuning(stopping="best", rules=Rules(best=KeepBest(2))),
        ),
    ],
)
def test_searches_and_rules_are_read_as_they_are_recorded_now(before: dict, tuning: Tuning):
    now = design(Sweep(space=THEN, run_dir=Path("unused"), tuning=tuning)).question({})
    found = older.manifest({"question": now | before})["question"]
    assert {key: found[key] for key in ("search", "stopping")} == {
        key: now[key] for key in ("search", "stopping")
    }
    assert older.manifest({"question": now}) == {"question": now}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("shapes --search sobol+tpe --seed 3", "shapes --search sobol --then tpe --seed 3"),
        ("shapes --no-stopping --confirm 1", "shapes --stopping none --confirm 1"),
        ("shapes --keep 2", "shapes --stopping best --best.trials 2"),
        ("shapes --eta=3 --rung average", "shapes --halving.eta 3 --compare average"),
        ("shapes --model resnet18 --trials=4", "shapes --model resnet18 --trials=4"),
    ],
)
def test_the_command_to_go_on_with_is_said_as_it_is_typed_now(before: str, now: str):
    manifest = {"question": {}, "command": ["python", "-m", "study.sweep", *before.split()]}
    assert older.manifest(manifest)["command"][3:] == now.split()
