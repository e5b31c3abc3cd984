"""Shares of the variance are those of the surface that the scores came from, or are withheld."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.reading.frames import rows, values, where
from analysis.tuning.importance import FEWEST, layout
from study.config import Scientific
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.synthetic import SPACE, begin, write_study

NAMES = ["lr", "weight_decay", "interaction", "length"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    path = tmp_path_factory.mktemp("importance") / "run"
    write_study(path, space=ONE_SIZE, trials=16, confirm=0, rng=rng())
    return analysis.load(path)


def scored_by(study: analysis.Results, surface: object) -> pd.DataFrame:
    """Importance of a study whose AP is a function of (log10 lr, log10 decay, log2 length)."""
    tails = study.tails.copy()
    at = np.log10(tails["lr"]), np.log10(tails["weight_decay"]), np.log2(tails["length"])
    tails["AP_box"] = surface(*at)  # type: ignore[operator]
    return analysis.importance(replace(study, tails=tails))


def test_a_surface_of_one_of_them_gives_it_everything(study: analysis.Results):
    surfaces = {
        "lr": lambda lr, decay, length: 20 - 4 * (lr + 1.5) ** 2,
        "weight_decay": lambda lr, decay, length: 20 + 2 * decay,
        "length": lambda lr, decay, length: 3 * length,
    }
    for name, surface in surfaces.items():
        for row in rows(where(scored_by(study, surface), arm="pretext")):
            assert [row[each] for each in NAMES] == pytest.approx(
                [float(each == name) for each in NAMES], abs=1e-9
            )
            assert row["r2"] == pytest.approx(1.0)


def test_shares_are_those_of_the_exact_variances(study: analysis.Results):
    def surface(lr: pd.Series, decay: pd.Series, length: pd.Series) -> pd.Series:
        return 20 + 6 * lr + 1.5 * decay + 2 * length

    (row,) = rows(where(scored_by(study, surface), arm="pretext"))
    # a uniform variable of width w has variance w² / 12; the ladder is 100, 200, 400
    exact = [(6 * math.log10(20)) ** 2 / 12, (1.5 * 3) ** 2 / 12, 0.0, 4 * 2 / 3]
    assert [row[name] for name in NAMES] == pytest.approx(np.array(exact) / sum(exact))
    assert row["sd"] == pytest.approx(math.sqrt(sum(exact)))


def test_noise_alone_is_withheld(study: analysis.Results):
    noise = np.random.default_rng(4)
    table = scored_by(study, lambda lr, decay, length: noise.normal(20, 1, len(lr)))
    assert all(value <= 0 for value in values(table, "r2"))
    assert set(values(table, "withheld")) == {
        "the surface predicts trials left out no better than their mean"
    }
    assert not np.isfinite(table[NAMES]).any(axis=None)


def test_scores_that_are_all_the_same_are_withheld(study: analysis.Results):
    table = scored_by(study, lambda lr, decay, length: 0 * lr + 20)
    (row,) = rows(where(table, arm="pretext"))  # of which none diverged
    assert row["withheld"] == "all trials scored the same"
    assert not any(math.isfinite(row[name]) for name in NAMES)


def test_few_trials_are_withheld(results: analysis.Results):
    table = analysis.importance(results)
    assert all("8 trials, at least" in why for why in table["withheld"] if "7" not in why[:1])
    assert max(values(table, "trials")) < FEWEST
    assert len(table) == 2 * 3


def test_diverged_trials_count_as_nothing_learnt(tmp_path: Path):
    space = replace(SPACE, scientific=Scientific(sizes=(64,)))
    write_study(tmp_path, space=space, trials=16, confirm=0, rng=rng())
    results = analysis.load(tmp_path)
    lost = where(results.trials, state="diverged", arm="scratch")
    assert len(lost)
    (row,) = rows(where(analysis.importance(results), arm="scratch"))
    assert row["trials"] == 16
    assert row["records"] == len(where(results.tails, arm="scratch")) + 3 * len(lost)


def test_a_study_without_trials_says_so(tmp_path: Path):
    begin(tmp_path, ONE_SIZE)
    table = analysis.importance(analysis.load(tmp_path))
    assert set(values(table, "withheld")) == {f"0 trials, at least {FEWEST} are needed"}


def test_shares_are_shown_per_cent(study: analysis.Results):
    table = scored_by(study, lambda lr, decay, length: 20 - 4 * (lr + 1.5) ** 2 + length)
    shown = layout(where(table, withheld=""), ["lr", "weight_decay"])
    assert [column.title for column in shown.columns[2:]] == [
        *("learning rate", "weight decay", "both together", "length", "predicted")
    ]
    assert list(shown.rows[-1])[:6] == ["64", "pretext", "41 %", "0 %", "0 %", "59 %"]
