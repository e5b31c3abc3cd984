"""Where a lead ends: exact on lines, bounded where it must be, and as often right as it says."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

import analysis
from analysis.answers.crossover import Lead, crossing, of_answer, told
from analysis.reading.frames import rows

SIZES = (16, 64, 256, 1024)


def table(means: list[float], half: float, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """An answer with these leads of pretext over scratch, all equally sure."""
    return pd.DataFrame(
        {
            "study": "runs/a",
            "reference": "scratch",
            "arm": "pretext",
            "size": sizes,
            "AP_box_difference": means,
            "AP_box_difference_low": [mean - half for mean in means],
            "AP_box_difference_high": [mean + half for mean in means],
            "unlearnt": "",
            "margin": 0.5,
            "level": 0.95,
        }
    )


def ends(means: list[float], half: float) -> tuple[float, float, float]:
    [row] = rows(of_answer(table(means, half)))
    return row["crossover"], row["crossover_low"], row["crossover_high"]


def test_a_lead_that_falls_evenly_ends_where_its_line_meets_the_margin():
    at, low, high = ends([6.5, 4.5, 2.5, 0.0], 1e-9)
    assert at == pytest.approx(256 * 4 ** (2.0 / 2.5), rel=0.01)
    assert (low, high) == (pytest.approx(at, rel=0.01),) * 2


def test_less_certainty_is_a_wider_interval():
    widths = []
    for half in (0.1, 0.3, 0.6):
        at, low, high = ends([8.0, 5.0, 2.0, -1.0], half)
        assert low < at < high
        widths.append(high / low)
    assert widths == sorted(widths)


def test_what_lies_beyond_the_sizes_tried_is_a_bound():
    assert ends([9.0, 8.0, 7.0, 6.0], 1.0) == (math.inf, pytest.approx(1024), math.inf)
    assert ends([0.1, 0.0, -0.1, 0.1], 0.2) == (0.0, 0.0, pytest.approx(16))
    at, low, high = ends([3.0, 1.0, 0.2, 0.2], 0.5)
    assert (low > 16, at < 256, high) == (True, True, math.inf)
    assert ends([1.0, 1.0, 0.0, 0.0], 3.0)[1:] == (0.0, math.inf)


def test_one_size_or_no_intervals_say_nothing():
    [row] = rows(of_answer(table([3.0], 1.0, (64,))))
    assert math.isnan(row["crossover"]) and told(row) == ""
    [row] = rows(of_answer(table([3.0, 1.0, 0.0, 0.0], math.nan)))
    assert (row["sizes"], math.isnan(row["crossover_low"])) == (0, True)


def test_sentences_say_no_more_than_is_known():
    said = {
        name: told(rows(of_answer(table(means, half)))[0])
        for name, means, half in (
            ("between", [8.0, 5.0, 2.0, -1.0], 0.2),
            ("beyond", [9.0, 8.0, 7.0, 6.0], 1.0),
            ("below", [0.1, 0.0, -0.1, 0.1], 0.2),
            ("unknown", [1.0, 1.0, 0.0, 0.0], 3.0),
        )
    }
    assert "is gone from about 510 images on (95\u00a0% interval 480 to 550)" in said["between"]
    assert "lasts beyond 1,024 images" in said["beyond"]
    assert "is gone at 16 images at the latest" in said["below"]
    assert "cannot be told" in said["unknown"]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    truth = np.array([9.0, 6.0, 1.5, -0.5])
    ends_at = 256 * 4 ** (1.0 / 2.0)
    draws, n, hits = 1000, 3, 0
    t = float(reference.t.ppf(0.975, len(SIZES) * (n - 1)))
    for _ in range(draws):
        runs = truth[:, None] + rng.normal(0, 0.8, (len(truth), n))
        spread = math.sqrt(runs.var(axis=1, ddof=1).mean() / n)
        lead = Lead(SIZES, tuple(runs.mean(axis=1)), (t * spread,) * len(SIZES))
        _, low, high = crossing(lead, 0.5)
        hits += low <= ends_at <= high
    assert hits / draws == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / draws))


def test_a_study_has_one_row_per_arm(results: analysis.Results):
    [row] = rows(analysis.crossover(results))
    assert (row["arm"], row["reference"], row["sizes"]) == ("pretext", "scratch", 3)
    assert math.isinf(row["crossover"])  # at 256 images the lead is 1 AP still
    assert row["crossover_low"] > 64
