"""Each number of the answer's tables stands beside the name of its own arm, with two arms too."""

from __future__ import annotations

from pathlib import Path

import pytest

import analysis
from analysis.reading.frames import values, where
from analysis.report import tables
from analysis.text.words import points
from tests.analysis.several import several

PEAKS = {
    "two": {"scratch": {24: 10.0, 64: 40.0}, "imagenet": {24: 30.0, 64: 20.0}},
    "three": {
        "scratch": {24: 10.0, 64: 40.0},
        "imagenet": {24: 30.0, 64: 20.0},
        "pretext": {24: 20.0, 64: 30.0},
    },
}


@pytest.mark.parametrize("arms", PEAKS)
def test_every_score_and_difference_is_its_own_arms(arms: str, tmp_path: Path):
    several(tmp_path, PEAKS[arms], confirm=2)
    results = analysis.load(tmp_path)
    answer = analysis.answer(results)
    means = {  # straight from the runs
        (arm, size): sum(mine) / len(mine)
        for arm in PEAKS[arms]
        for size in (24, 64)
        for mine in [values(where(results.confirmations, arm=arm, size=size), "AP_box")]
    }
    whole = {(row[1], int(row[0])): row[2] for row in tables.answer(answer).rows}
    assert len(whole) == 2 * (2 * len(PEAKS[arms]) - 1)
    for (arm, size), mean in means.items():
        assert whole[arm, size].startswith(f"{points(mean)} (")
        if arm != "scratch":
            gap = mean - means["scratch", size]
            signed = f"{'+' if gap > 0 else ''}{points(gap)} ("
            assert whole[f"{arm} − scratch", size].startswith(signed)
    if arms == "two":
        brief = tables.by_size(answer)
        names = [column.title for column in brief.columns]
        for row in brief.rows:
            for arm in PEAKS["two"]:
                assert row[names.index(arm)] == f"{means[arm, int(row[0])]:.1f}"


@pytest.mark.parametrize(
    ("splits", "on"),
    [
        (("tune", "tune", "tune"), ") on the tuning split, where"),
        (("tune", "report", "report"), ") partly on the tuning split, where"),
        (("report", "report", "report"), ") on images that nothing was chosen on;"),
    ],
)
def test_it_says_which_images_the_scores_are_of(
    splits: tuple[str, ...], on: str, results: analysis.Results
):
    answer = analysis.answer(results).assign(split=splits)
    assert on in tables.by_size(answer).caption
