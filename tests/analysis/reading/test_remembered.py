"""A frame that is made once is everybody's own, and belongs to its results and arguments."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import analysis
from analysis.reading.load import Results
from analysis.reading.remembered import remembered


def test_it_is_made_once_for_each_results_and_arguments(results: Results):
    made: list[tuple[Results, float]] = []

    @remembered
    def rows_of(of: Results, times: float = 1.0) -> pd.DataFrame:
        made.append((of, times))
        return pd.DataFrame({"rows": [len(of.trials) * times]})

    other = replace(results, trials=results.trials.head(1))
    for of, times in ((results, 1.0), (results, 2.0), (other, 1.0)) * 2:
        assert rows_of(of, times=times)["rows"].tolist() == [len(of.trials) * times]
    assert len(made) == 3


def test_what_a_caller_does_to_it_stays_with_the_caller(results: Results):
    before = analysis.best(results)
    mine = analysis.best(results)
    mine.loc[:, "AP_box"] = 0.0
    mine["more"] = 1
    pd.testing.assert_frame_equal(analysis.best(results), before)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_level_of_intervals_is_the_one_asked_for(level: float, results: Results):
    for made in (analysis.answer, analysis.cross_tuning):
        assert set(made(results, level)["level"]) == set(made(results, level=level)["level"])
        assert set(made(results, level)["level"]) == {level}
