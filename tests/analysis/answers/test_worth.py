"""What an arm is worth in labelled images: exact on known curves, bounded by the sizes tried."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.answers import settings
from analysis.answers.pairs import of_study
from analysis.answers.worth import Lead, _curves, reached, told, tried
from analysis.reading.frames import rows, values, where
from benchmarks.calibration.scenarios import EQUAL
from benchmarks.calibration.studies import Studies
from benchmarks.calibration.truth import CONFIRM
from tests.analysis.several import several

SIZES = (16, 64, 256, 1024)


def ends(
    reference: list[float], ap: float, size: int, half: float = 1e-9
) -> tuple[float, float, float]:
    """With this curve of the reference, for an arm that has this AP at this size."""
    numbers = tried(SIZES)
    curve = np.interp(np.log(numbers), np.log(SIZES), reference)
    return reached(Lead(numbers, ap - curve, np.full(len(numbers), half)), size)


def near(number: float) -> Any:
    return pytest.approx(number, rel=0.005)


def test_the_reference_reaches_it_where_its_curve_does():
    assert ends([10, 20, 30, 40], 25, 64) == (near(128),) * 3
    assert ends([10, 20, 30, 40], 35, 16) == (near(512),) * 3
    assert ends([10, 20, 30, 40], 20, 64) == (near(64),) * 3


def test_an_arm_that_is_behind_has_what_fewer_images_give():
    assert ends([10, 20, 30, 40], 25, 1024) == (near(128),) * 3
    assert ends([10, 20, 30, 40], 5, 256) == (0.0, 0.0, near(16))


def test_beyond_the_sizes_tried_there_is_a_bound_alone():
    assert ends([10, 20, 30, 40], 50, 64) == (math.inf, 1024, math.inf)
    at, low, high = ends([10, 20, 30, 40], 39, 64, half=2)
    assert (near(low), high) == (1024 / 4**0.3, math.inf) and low < at < 1024
    assert ends([10, 20, 30, 40], 50, 1024) == (math.inf, 1024, math.inf)  # worth 0 or more


def test_less_certainty_is_a_wider_interval():
    widths = []
    for half in (0.5, 1.0, 2.0):
        at, low, high = ends([10, 20, 30, 40], 25, 64, half)
        assert at == near(128) and low < at < high
        widths.append(high / low)
    assert widths == sorted(widths)
    at, low, high = ends([10, 20, 30, 40], 25, 64, half=6.0)
    assert low < 64 < at < high  # not shown to be worth any


def test_of_several_crossings_the_nearest_counts_and_the_interval_has_all_on_its_side():
    dip = [10.0, 30.0, 20.0, 40.0]
    at, low, high = ends(dip, 25, 16, half=0.2)
    assert at == near(16 * 4**0.75) and low == near(16 * 4**0.74)
    assert high == near(256 * 4**0.26)  # where it reaches the same again
    at, low, high = ends(dip, 25, 256)
    assert (at, low, high) == (near(256 * 4**0.25),) * 3  # and not that below 256
    at, low, high = ends(dip, 21, 256, half=2)  # not shown to be ahead at 256 images
    assert low < 64 < 256 < at < high


def test_it_is_read_off_the_reference_runs_of_the_answer(results: analysis.Results):
    answer, worth = analysis.answer(results), analysis.worth(results)
    sizes = values(answer, "size")
    for row, known in zip(rows(worth), rows(answer), strict=True):
        assert (row["arm"], row["reference"], row["sizes"]) == ("pretext", "scratch", 3)
        assert row["AP_box_arm"] == pytest.approx(known["AP_box_arm"])
        assert row["more"] == row["images"] - row["size"]
        if row["size"] < max(sizes):
            at = np.log(row["images"])
            there = np.interp(at, np.log(sizes), values(answer, "AP_box_reference"))
            assert there == pytest.approx(row["AP_box_arm"], abs=0.1)
            assert row["more_low"] < row["more"] < row["more_high"]
    last = rows(worth)[-1]
    assert (last["images"], last["more_low"], last["more_high"]) == (math.inf, 0, math.inf)


@pytest.mark.slow
def test_it_is_more_than_nothing_where_the_answer_shows_a_lead():
    """Also where runs are many or few, and where an arm is behind."""
    studies = Studies(EQUAL, range(12))
    for repeats in (2, 5):
        results = studies.with_repeats(repeats)
        both = analysis.worth(results).merge(analysis.answer(results), on=["study", "size", "arm"])
        for row in rows(both):
            low, high = (row[f"AP_box_difference_{end}"] for end in ("low", "high"))
            is_last = row["size"] == row["largest"]
            assert (low > 0) == (row["more_low"] > 0 or (is_last and row["more_low"] == 0))
            is_first = row["size"] == min(EQUAL.sizes)
            assert (high < 0) == (row["more_high"] < 0 or (is_first and row["more_high"] == 0))


def test_of_several_arms_each_has_a_row_a_size(tmp_path: Path):
    several(tmp_path)
    results = analysis.load(tmp_path)
    table = analysis.worth(results)
    assert len(table) == 2 * 2
    [row] = rows(where(table, arm="imagenet", size=24))
    assert (row["images"], row["images_low"]) == (math.inf, 64)  # scratch never gets so far
    wide = rows(analysis.worth(results, level=0.99))
    for narrow, wider in zip(rows(table), wide, strict=True):
        assert (
            narrow["more_low"] >= wider["more_low"] and wider["more_high"] >= narrow["more_high"]
        )


def test_runs_of_different_seeds_are_not_paired(results: analysis.Results):
    runs = results.confirmations
    theirs = (runs["arm"] == "pretext").to_numpy()
    other = replace(results, confirmations=runs.assign(seed=runs["seed"] + 9 * theirs))
    mine, unpaired = rows(analysis.worth(results)), rows(analysis.worth(other))
    assert mine[1]["images"] == unpaired[1]["images"]
    assert mine[1]["images_low"] != unpaired[1]["images_low"]


def test_first_runs_tell_of_the_scatter_where_they_decided_how_many_followed():
    results = Studies(EQUAL, [0]).results
    ((study, manifest),) = results.manifests.items()
    asked = manifest | {"budget": manifest["budget"] | {"confirm": 2, "within": 5.0}}
    staged = replace(results, manifests={study: asked})
    assert (staged.first_runs(study), max(CONFIRM)) == (4, 5)
    one, other = rows(analysis.worth(results))[1], rows(analysis.worth(staged))[1]
    assert one["images"] == other["images"]
    assert (one["images_low"], one["images_high"]) != (other["images_low"], other["images_high"])


def test_without_two_sizes_or_two_runs_nothing_is_known(results: analysis.Results):
    one = replace(results, confirmations=where(settings.confirmed(results), size=64))
    once = replace(results, confirmations=where(results.confirmations, draw=1))
    for left in (one, once):
        table = analysis.worth(left)
        assert len(table) == 3 and told(table) == []
        assert all(map(math.isnan, values(table, "images_low")))


def row(size: int, ends: tuple[float, float, float]) -> dict[str, Any]:
    found: dict[str, Any] = {"study": "a", "arm": "pretext", "reference": "scratch", "size": size}
    found |= {"largest": 1024, "level": 0.95}
    for end, number in zip(("", "_low", "_high"), ends, strict=True):
        found |= {f"images{end}": number, f"more{end}": number - size}
    return found


BETWEEN = ", interpolated between sizes)"


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        (
            (211.3, 180.2, 257.7),
            "is worth about 150 more labelled images (95\u00a0% interval 120 to 190" + BETWEEN,
        ),
        (
            (900.0, 499.7, math.inf),
            "is worth at least 440 more labelled images (95\u00a0% interval" + BETWEEN,
        ),
        (
            (math.inf, 1024.0, math.inf),
            "is worth more than 960 more labelled images (95\u00a0% interval)",
        ),
    ],
)
def test_sentences_say_what_is_shown(ends: tuple[float, float, float], sentence: str):
    nothing = (math.inf, 0.0, math.inf)
    table = pd.DataFrame([row(n, ends if n == 64 else nothing) for n in SIZES])
    assert told(table) == [f"with 64 images, pretext {sentence}"]


def test_all_that_an_arm_is_worth_is_one_sentence():
    table = pd.DataFrame(
        [
            row(16, (58.0, 46.1, 76.4)),
            row(64, (211.3, 180.2, 257.7)),
            row(256, (900.0, 499.7, math.inf)),
            row(1024, (math.inf, 1024.0, math.inf)),
        ]
    )
    assert told(table) == [
        "with 16 images, pretext is worth about 42 more labelled images (95\u00a0% interval 30 to"
        " 60, interpolated between sizes); with 64, about 150 (120 to 190); with 256, at least 240"
    ]


def test_an_arm_that_is_behind_is_told_of_by_fewer_images():
    rows_of = [row(16, (0.0, 0.0, math.inf)), row(64, (30.0, 0.0, 64.0))]
    rows_of += [row(256, (120.0, 80.0, 200.0)), row(1024, (30.0, 0.0, 64.0))]
    assert told(pd.DataFrame(rows_of)) == [
        "scratch reaches with about 120 images what pretext reaches with 256 (95\u00a0% interval"
        " 80 to 200, interpolated between sizes)",
        "scratch reaches with 64 images or fewer what pretext reaches with 1,024 (95\u00a0%"
        " interval)",
    ]


def test_what_is_not_shown_is_not_said():
    unsaid = [
        row(64, (100.0, 0.0, 200.0)),
        row(64, (math.inf, 0.0, math.inf)),
        row(1024, (math.inf, 1024.0, math.inf)),
        row(64, (math.nan, math.nan, math.nan)),
    ]
    assert told(pd.DataFrame(unsaid)) == []


def test_with_three_arms_intervals_beside_a_size_are_as_wide_as_at_it(tmp_path: Path):
    several(tmp_path, confirm=4)
    results = analysis.load(tmp_path)
    (compared,) = (of_study(results, study)["box"] for study in results.manifests)
    gap = compared.difference(24, "imagenet", "scratch", 0.95)
    lead = _curves(compared, "imagenet", "scratch", None).lead(24, gap)
    at, beside = lead.halves[:2]  # with 24 images of the reference, and with hardly more
    assert gap.compared == 3 and beside == pytest.approx(at, rel=0.02)
