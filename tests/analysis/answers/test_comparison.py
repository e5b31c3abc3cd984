"""Two studies side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

import analysis
from analysis.__main__ import main
from analysis.answers.comparison import told
from analysis.reading.frames import rows, values, where
from analysis.text.words import images, points
from study.commands.common import DONE
from tests.analysis.incomplete import ONE_SIZE
from tests.analysis.synthetic import Truth, write_study


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    folder, truth = tmp_path_factory.mktemp("two"), Truth()
    better = {arm: {n: ap + 6 for n, ap in peak.items()} for arm, peak in truth.peak.items()}
    for seed, (name, peak) in enumerate((("plain", truth.peak), ("better", better))):
        luck = np.random.default_rng(seed)
        write_study(folder / name, truth=replace(truth, peak=peak), space=ONE_SIZE, rng=luck)
    return analysis.load([folder / "plain", folder / "better"])


def test_the_difference_is_that_of_the_runs(both: analysis.Results):
    table = analysis.compare(both)
    assert values(table, "arm") == ["pretext", "scratch"]
    for row in rows(table):
        mine, other = (
            where(both.confirmations, study=row[name], arm=row["arm"]).sort_values(by="seed")
            for name in ("study", "other")
        )
        gaps = other["AP_box"].to_numpy() - mine["AP_box"].to_numpy()
        exact = scipy_stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
        assert row["paired"] and row["AP_box_difference"] == pytest.approx(gaps.mean())
        ends = row["AP_box_difference_low"], row["AP_box_difference_high"]
        assert ends == pytest.approx(tuple(exact))


def test_an_arm_that_one_study_lacks_hides_no_other(both: analysis.Results):
    runs = both.confirmations
    lacks = (runs["study"] == [*both.manifests][1]) & (runs["arm"] == "pretext")
    assert values(analysis.compare(replace(both, confirmations=runs[~lacks])), "arm") == [
        "scratch"
    ]


def test_it_is_said_in_words_what_is_shown(both: analysis.Results):
    said = told(analysis.compare(both))
    assert len(said) == 2 and not any("no difference shown" in text for text in said)
    plain, better = both.manifests
    for text, row in zip(said, rows(analysis.compare(both)), strict=True):
        ours, theirs = points(row["AP_box"]), points(row["AP_box_other"])
        gap, ends = (
            points(row["AP_box_difference"]),
            [points(row[f"AP_box_difference_{end}"]) for end in ("low", "high")],
        )
        assert text == (
            f"{images(row['size'])}, {row['arm']}: {ours} AP in {plain}, {theirs} in {better};"
            f" +{gap} ({ends[0]} to {ends[1]})"
        )
    at_zero = analysis.compare(both).assign(AP_box_difference_low=0.0)
    assert all("no difference shown" in text for text in told(at_zero))
    unsure = analysis.compare(both).assign(AP_box_difference_low=math.nan)
    assert all("no difference shown" in text for text in told(unsure))


DIGESTS = {"train": "a", "tune": "b", "val": "c", "val_ids": "d"}


@pytest.mark.parametrize(
    ("here", "there", "images"),
    [
        (DIGESTS, DIGESTS, "same"),
        (DIGESTS, DIGESTS | {"train": "x", "tune": "x"}, "same"),  # of other data: the question
        (DIGESTS, DIGESTS | {"val": "x"}, "other"),
        (DIGESTS, DIGESTS | {"val_ids": "x"}, "other"),
        (DIGESTS, DIGESTS | {"classes": "x"}, "other"),
        (DIGESTS, {}, "unknown"),
        (None, DIGESTS, "unknown"),
    ],
)
def test_it_is_said_that_the_images_are_others(
    here: dict[str, str] | None,
    there: dict[str, str] | None,
    images: str,
    both: analysis.Results,
):
    manifests = {
        study: manifest | {"question": manifest["question"] | {"data": data}}
        for (study, manifest), data in zip(both.manifests.items(), (here, there), strict=True)
    }
    table = analysis.compare(replace(both, manifests=manifests))
    assert {*values(table, "images")} == {images}
    warned = ["report on different images" in text for text in told(table)]
    assert warned == [images == "other"] * 2


@pytest.mark.parametrize(
    ("here", "there", "weights"),
    [
        ({"scratch": "scratch", "mine": "sha256:a"}, {"mine": "sha256:a"}, "same"),
        ({"scratch": "scratch", "mine": "sha256:a"}, {"mine": "sha256:b"}, "other"),
        (["scratch", "mine"], {"mine": "sha256:b"}, "unknown"),
    ],
)
def test_it_is_said_that_a_name_means_other_weights(
    here: Any, there: dict[str, str], weights: str, both: analysis.Results
):
    manifests = {
        study: manifest | {"question": manifest["question"] | {"arms": arms}}
        for (study, manifest), arms in zip(both.manifests.items(), (here, there), strict=True)
    }
    renamed = {"pretext": "mine"}
    tables = {
        name: getattr(both, name).assign(arm=getattr(both, name)["arm"].replace(renamed))
        for name in ("trials", "tails", "confirmations")
    }
    table = where(analysis.compare(replace(both, manifests=manifests, **tables)), arm="mine")
    assert values(table, "weights") == [weights]
    assert ["mine begins with other weights" in text for text in told(table)] == [
        weights == "other"
    ]


@pytest.mark.slow
def test_the_command_sets_another_study_beside(
    both: analysis.Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plain, better = both.manifests
    assert main([better, "--against", plain, "--out", str(tmp_path)]) == DONE
    shown = capsys.readouterr().out
    assert all(f"{line}." in shown for line in told(analysis.compare(both)))


def test_one_study_is_compared_with_nothing(results: analysis.Results, finished: Path):
    assert analysis.compare(results).empty


def test_intervals_have_the_level_that_is_asked_for(both: analysis.Results):
    for usual, narrow in zip(
        rows(analysis.compare(both)), rows(analysis.compare(both, level=0.8)), strict=True
    ):
        assert narrow["level"] == 0.8
        freedom = usual["runs"] - 1
        quantiles = scipy_stats.t.ppf([0.975, 0.9], freedom)
        halves = [r["AP_box_difference_high"] - r["AP_box_difference"] for r in (usual, narrow)]
        assert halves[1] / halves[0] == pytest.approx(quantiles[1] / quantiles[0])
