"""A study whose lengths share their trunk finds what separate runs find, for 2.3 times less."""

from __future__ import annotations

from pathlib import Path

import pytest

import analysis
from analysis.frames import values
from benchmarks.lengths import SEPARATE, SHARED, formula
from tests.runs import exact, study_without_ray


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
