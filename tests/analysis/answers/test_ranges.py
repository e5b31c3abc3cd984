"""What was searched includes its strips; a value at its end is an edge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.answers.ranges import Searched, edge, searched
from analysis.reading.frames import rows, values, where
from study.config import Scientific
from study.planning.search.range_extension import OUTER
from tests.analysis.incomplete import rng
from tests.analysis.synthetic import (
    SPACE,
    Truth,
    run_of,
    write_study,
    write_trial,
)


@pytest.mark.parametrize(
    ("value", "limits", "end"),
    [
        (0.01, Searched(0.001, 0.1), ""),
        (0.001 * 100 ** (OUTER - 0.01), Searched(0.001, 0.1), "low"),
        (0.001 * 100 ** (OUTER + 0.01), Searched(0.001, 0.1), ""),
        (0.1, Searched(0.001, 0.1), "high"),
        (100, Searched(100, 400, ladder=True), "low"),
        (110, Searched(100, 400, ladder=True), ""),
        (400, Searched(100, 400, ladder=True), "high"),
        (400, Searched(400, 400, ladder=True), ""),  # nothing was searched
        (0.5, None, ""),
    ],
)
def test_edge(value: float, limits: Searched | None, end: str):
    assert edge(value, limits) == end


def test_strips_widen_what_was_searched_at_their_size_only(tmp_path: Path):
    space = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
    fast = replace(Truth(), best_lr=0.2, too_fast=9.0, noise=0.0)
    study = write_study(tmp_path, truth=fast, space=space, trials=4, strip=True, rng=rng())
    write_trial(study, run_of(space, "scratch", 64, 9, lr=0.1), fast, index=9, rng=rng())
    results = analysis.load(tmp_path)
    (strip,) = rows(results.strips)
    assert (strip["size"], strip["name"], strip["trials"]) == (24, "lr", 2 * 2)
    assert strip["low"] == pytest.approx(0.1)
    widened, base = (searched(results, str(tmp_path), size)["lr"] for size in (24, 64))
    assert (widened.low, widened.high) == (base.low, strip["high"])
    assert (widened.extended, base.extended) == (frozenset({"high"}), frozenset())
    other = write_study(tmp_path / "other", truth=fast, space=space, trials=4, rng=rng())
    both = analysis.load([tmp_path, other.path])
    assert searched(both, str(other.path), 24)["lr"] == base  # another study's strips are its own
    best = analysis.best(results)
    assert min(values(where(best, size=24), "lr")) > 0.1
    assert all("-lr-high1-" in trial_id for trial_id in where(best, size=24)["trial_id"])
    assert where(best, size=24)["lr_edge"].tolist() == ["", ""]
    assert where(best, size=64, arm="scratch")["lr_edge"].tolist() == ["high"]
