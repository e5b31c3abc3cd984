"""A study that searches more than learning rate and weight decay is told whole."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.answers.settings import confirmed
from analysis.drawing.tuning import axis_title, parallel
from analysis.reading.frames import rows, values, where
from analysis.report import chapters
from analysis.report.derived import derived
from analysis.report.evaluations import Evaluations
from analysis.report.page import render
from study.config import LogUniform, RunConfig, from_dict
from study.storage.run_dir import StudyDir
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.page import Page
from tests.analysis.synthetic import Truth, repeat, write_study

MOMENTUM = {"momentum": LogUniform(low=0.8, high=0.98)}
BATCH = {"batch_size": LogUniform(low=2, high=32)}
NAMES = ("lr", "weight_decay", "momentum")
TRUTH = Truth(momentum=60.0, noise=0.3, too_fast=9.0)


def searching(path: Path, more: dict[str, LogUniform], trials: int = 16) -> StudyDir:
    ranges = ONE_SIZE.nuisance.ranges | more
    space = replace(ONE_SIZE, nuisance=replace(ONE_SIZE.nuisance, ranges=ranges))
    return write_study(path, truth=TRUTH, space=space, trials=trials, confirm=2, rng=rng())


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    return searching(tmp_path_factory.mktemp("momentum") / "run", MOMENTUM)


@pytest.fixture(scope="module")
def wide(study: StudyDir) -> analysis.Results:
    return analysis.load(study.path)


@pytest.mark.parametrize("more", [MOMENTUM, BATCH, MOMENTUM | BATCH], ids=list)
def test_every_frame_of_a_setting_has_a_column_for_each(
    more: dict[str, LogUniform], tmp_path: Path
):
    study = searching(tmp_path, more, trials=4)
    results = analysis.load(tmp_path)
    assert results.searched(str(tmp_path)) == ("lr", "weight_decay", *sorted(more))
    optim = {trial.id: trial.config()["run"]["optim"] for trial in study.trials()}
    for name in more:
        for frame in (
            results.trials,
            results.tails,
            results.confirmations,
            analysis.best(results),
        ):
            assert values(frame, name) == [optim[one][name] for one in frame["trial_id"]]
        assert {f"{name}_reference", f"{name}_arm"} <= set(analysis.answer(results).columns)
        assert f"{name}_edge" in analysis.best(results)
        assert name in analysis.cross_tuning(results)
    assert sum(analysis.stop_audit(results)["saved_images"]) > 0


def test_an_edge_of_any_range_is_flagged(wide: analysis.Results):
    best = analysis.best(wide)
    assert "high" in set(best["momentum_edge"])  # the truth has it rise without end
    raised = where(analysis.flags(wide), kind="edge")["message"]
    assert any("the best momentum is near the upper end" in text for text in raised)


def test_runs_with_another_momentum_are_no_repeats(study: StudyDir, tmp_path: Path):
    study = StudyDir(shutil.copytree(study.path, tmp_path / "run"))
    before = analysis.load(study.path)
    (row,) = rows(where(analysis.best(before), arm="scratch"))
    top = from_dict(RunConfig, study.trial(row["trial_id"]).config()["run"])
    other = replace(top, optim=replace(top.optim, momentum=0.5))
    repeat(study, "scratch", other, row["length"], 7, 7, truth=TRUTH, rng=rng())
    results = analysis.load(study.path)
    assert len(results.confirmations) == len(before.confirmations) + 1
    assert len(confirmed(results)) == len(confirmed(before))


def test_importance_has_a_share_for_each(wide: analysis.Results):
    for row in rows(analysis.importance(wide)):
        assert row["withheld"] == ""
        parts = [row[name] for name in (*NAMES, "interaction", "length")]
        assert sum(parts) == pytest.approx(1)
        assert row["momentum"] > 0.02


def test_a_larger_surface_needs_more_trials(tmp_path: Path):
    searching(tmp_path, MOMENTUM, trials=13)
    table = analysis.importance(analysis.load(tmp_path))
    assert set(table["withheld"]) == {"13 trials, at least 14 are needed"}


@pytest.mark.slow
def test_the_page_tells_them_all(wide: analysis.Results):
    made = derived(wide)
    assert any(" a momentum of 0.9" in text for text in chapters.beyond(wide, made))
    page = Page(render(wide, made, Evaluations()))
    text = " ".join(page.text)
    assert "learning rate and momentum, the two that matter most (not drawn: weight decay)" in text
    assert page.text.count("momentum") >= 3  # settings, importance, every trial
    (name,) = wide.manifests
    axes = dict.fromkeys(parallel(wide, name, 64)["axis"])
    assert [axis_title(axis) for axis in axes] == [
        *("learning rate", "weight decay", "momentum", "length", "AP")
    ]


def test_beside_it_another_study_has_the_value_that_it_held_fixed(study: StudyDir, tmp_path: Path):
    write_study(tmp_path, space=ONE_SIZE, trials=2, confirm=2, rng=rng())
    both = analysis.load([study.path, tmp_path])
    assert both.searched(str(tmp_path)) == ("lr", "weight_decay")
    assert set(where(both.trials, study=str(tmp_path))["momentum"]) == {0.9}
    assert set(where(analysis.best(both), study=str(tmp_path))["momentum_edge"]) == {""}


def test_beside_a_study_that_searches_more_a_study_is_read_as_alone(tmp_path: Path):
    """Of what only the other searched it may have no value at all: no clipping, for instance."""
    optim = replace(ONE_SIZE.fixed.optim, clip_norm=None)
    space = replace(ONE_SIZE, fixed=replace(ONE_SIZE.fixed, optim=optim))
    truth = replace(TRUTH, noise=0.6)
    write_study(tmp_path / "plain", truth=truth, space=space, trials=8, cross=1, rng=rng())
    searching(tmp_path / "more", {"clip_norm": LogUniform(low=1.0, high=20.0)}, trials=4)
    alone = analysis.load(tmp_path / "plain")
    both = analysis.load([tmp_path / "plain", tmp_path / "more"])
    study = str(tmp_path / "plain")
    for made in (
        analysis.answer,
        analysis.cross_tuning,
        lambda results: analysis.variation(results, rng()),
    ):
        mine, beside = made(alone), where(made(both), study=study)
        beside = beside.loc[:, list(mine.columns)].reset_index(drop=True)
        pd.testing.assert_frame_equal(beside, mine)
    assert {row["study"] for row in rows(analysis.compare(both))} == {study}
