"""Which arm to start from: the one that leads, and no more is said than the intervals allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import analysis
from analysis.answers import columns, starts
from analysis.reading.frames import frame, rows, values, where
from tests.analysis.conftest import Incomplete
from tests.analysis.several import OWN, fail, remove, several


def table(
    size: int = 64, recommended: str = "", unlearnt: str = "", **standing: str
) -> pd.DataFrame:
    """How these arms stand at a size."""
    leader = next((arm for arm, how in standing.items() if how == "leader"), None)
    base: dict[str, Any] = {"study": "runs/a", "size": size, "leader": leader, "margin": 0.5}
    base |= {"split": "report", "seeds": 3, "AP_box": 20.0, "compared": 3, "level": 0.95}
    base |= {"unlearnt": unlearnt}
    return frame(
        (
            base
            | {"arm": arm, "standing": how, "behind": 1.0, "behind_low": 0.1, "behind_high": 2.0}
            | {"recommended": arm == recommended, "lacks": "not run" * (how == "missing")}
            for arm, how in standing.items()
        ),
        columns.STARTS,
    )


def test_each_size_has_its_leader_and_those_behind_it(tmp_path: Path):
    several(tmp_path)
    found = analysis.starts(analysis.load(tmp_path))
    for size, leader in ((24, "imagenet"), (64, OWN)):
        here = where(found, size=size)
        assert set(here["leader"]) == {leader}
        (chosen,) = rows(where(here, recommended=True))
        assert (chosen["arm"], chosen["standing"], chosen["behind"]) == (leader, "leader", 0.0)
        for row in rows(here):
            if row["arm"] != leader:
                assert row["standing"] == "behind"
                assert row["behind"] == pytest.approx(chosen["AP_box"] - row["AP_box"])
                assert row["behind_low"] > 0
    assert starts.told(found) == [
        "With 24 training images, start from imagenet: it is shown to be better than every other"
        " start.",
        f"With 64 training images, start from {OWN}: it is shown to be better than every other"
        " start.",
    ]


def test_arms_that_may_be_as_good_are_not_behind(incomplete: Incomplete):
    found = analysis.starts(incomplete("four arms"))
    assert set(found["standing"]) <= {"leader", "open", "equal", "behind"}
    for row in rows(found):
        assert (row["standing"] == "behind") == (row["behind_low"] > 0)


@pytest.mark.parametrize(
    ("standing", "recommended", "sentence"),
    [
        (
            {"scratch": "behind", "imagenet": "leader", "dino": "open"},
            "imagenet",
            "start from imagenet, which scores highest; dino may be as good; scratch is shown to"
            " be behind.",
        ),
        (
            {"scratch": "open", "imagenet": "leader", "dino": "open"},
            "imagenet",
            "no start is shown to be better than another, and imagenet scores highest.",
        ),
        (
            {"scratch": "equal", "imagenet": "leader", "dino": "behind"},
            "scratch",
            "start from scratch: it needs no weights, and is as good as imagenet, which scores"
            " highest (they differ by less than 0.5 AP); dino is shown to be behind.",
        ),
        (
            {"scratch": "behind", "imagenet": "leader", "dino": "missing"},
            "imagenet",
            "start from imagenet, which scores highest; scratch is shown to be behind. Without a"
            " score there: dino (not run).",
        ),
        (
            {"scratch": "leader", "imagenet": "unconfirmed", "dino": "unconfirmed"},
            "",
            "only scratch is confirmed, so nothing can be recommended yet. Not confirmed there:"
            " imagenet and dino.",
        ),
        (
            {"scratch": "unconfirmed", "imagenet": "unconfirmed", "dino": "unconfirmed"},
            "",
            "no start is confirmed, so nothing can be recommended yet. Not confirmed there:"
            " scratch, imagenet and dino.",
        ),
    ],
)
def test_sentences_say_no_more_than_is_shown(
    standing: dict[str, str], recommended: str, sentence: str
):
    assert starts.told(table(64, recommended, **standing)) == [
        f"With 64 training images, {sentence}"
    ]


def test_sizes_at_which_arms_stand_alike_are_one_sentence():
    how = {"scratch": "behind", "imagenet": "behind", "dino": "leader"}
    both = pd.concat([table(size, "dino", **how) for size in (64, 256)])
    assert starts.told(both) == [
        "With 64 and 256 training images, start from dino: it is shown to be better than every"
        " other start."
    ]


def test_scratch_is_recommended_where_it_is_as_good():
    found = [
        {"arm": "scratch", "split": "report", "standing": "equal", "leader": "dino"},
        {"arm": "dino", "split": "report", "standing": "leader", "leader": "dino"},
    ]
    assert starts._recommended(found) == "scratch"
    assert starts._recommended([found[0] | {"standing": "open"}, found[1]]) == "dino"
    assert starts._recommended(found[1:]) is None


def test_what_an_arm_lacks_is_said(tmp_path: Path):
    study = several(tmp_path)
    remove(study, "imagenet-24")
    fail(study, OWN)
    found = analysis.starts(analysis.load(tmp_path))
    lacks = {(row["arm"], row["size"]): row["lacks"] for row in rows(found) if row["lacks"]}
    failed = "all 4 trials failed"
    assert lacks == {("imagenet", 24): "not run", (OWN, 24): failed, (OWN, 64): failed}
    first, second = starts.told(found)
    assert first.startswith("With 24 training images, only scratch is confirmed")
    assert f"imagenet (not run) and {OWN} ({failed})" in first
    assert second.startswith("With 64 training images, start from imagenet, which scores highest")


def test_two_arms_say_it_by_their_one_comparison(results: analysis.Results):
    assert not starts.several(analysis.starts(results))


@pytest.mark.parametrize(
    ("low", "equal", "standing"),
    [(0.3, False, "behind"), (0.3, True, "behind"), (0.0, False, "open"), (-0.1, True, "equal")],
)
def test_an_arm_is_behind_only_if_the_whole_interval_says_so(
    low: float, equal: bool, standing: str
):
    gap = SimpleNamespace(mean=0.6, low=low, high=0.9, within=lambda margin: equal)
    compared: Any = SimpleNamespace(difference=lambda *_: gap)
    row = {"arm": "scratch", "leader": "imagenet", "size": 24, "level": 0.95, "margin": 0.5}
    found = starts._standing(row | {"split": "report"}, compared)
    assert found == {"standing": standing, "behind": 0.6, "behind_low": low, "behind_high": 0.9}


def test_a_cell_says_how_far_behind_an_arm_is_shown_to_be_and_no_more():
    found = table(recommended="dino", scratch="behind", dino="leader", moco="open", own="equal")
    cells = {row[0]: row[1] for row in starts.layout(found).rows}
    assert cells == {
        "scratch": "  20.0 (−1.0)",
        "dino": "> 20.0",
        "moco": "  20.0?",
        "own": "  20.0=",
    }


def test_arms_stand_by_the_margin_and_the_level_that_are_asked_for(tmp_path: Path):
    several(tmp_path)
    results = analysis.load(tmp_path)
    ((study, manifest),) = results.manifests.items()
    asked = manifest | {"budget": manifest["budget"] | {"within": 90.0}}
    assert set(values(analysis.starts(results), "margin")) == {0.5}
    assert set(values(analysis.starts(replace(results, manifests={study: asked})), "margin")) == {
        90
    }
    both = analysis.starts(results), analysis.starts(results, level=0.8)
    for one, other in zip(*map(rows, both), strict=True):
        if one["standing"] == "behind":
            assert one["behind_low"] < other["behind_low"] < other["behind_high"]
            assert other["behind_high"] < one["behind_high"]
