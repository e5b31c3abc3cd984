"""The paper's claims: its own numbers support them, others' decide only as far as they reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.answers import stats
from analysis.published import claims
from analysis.published import columns as paper_columns
from analysis.published import regimes as claims_regimes
from analysis.published.observed import Run, System, score
from analysis.published.systems import systems
from analysis.reading.frames import rows, where
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import INCOMPLETE, ONE_SIZE, rng
from tests.analysis.reading.test_load import described, documented
from tests.analysis.synthetic import Truth, write_study

PRINTED = ("H1", "H2", "H3", "H8", "H9", "H10", "H11")
FULL = 118_287


def verdicts(table: pd.DataFrame) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in rows(table)}


def test_the_papers_own_numbers_support_its_claims_and_say_that_they_are_one_run_each():
    table = analysis.hypotheses(analysis.paper())
    assert described(table) == documented(paper_columns.HYPOTHESES)
    for row in rows(table):
        if row["id"] in PRINTED:
            assert row["verdict"] == "supported", row
            assert row["evidence"].endswith("; one run each.")
    evidence = {row["id"]: row["evidence"] for row in rows(table)}
    for name, numbers in {
        "H1": ("−3.5, −1.3, −0.3, −0.2 and +0.2", "−3.6, −1.3, −0.5, +0.3 and +0.5"),
        "H2": ("+0.2", "+0.4", "X152", "+0.6"),
        "H3": ("+0.8", "+0.4"),
        "H8": ("+0.1 in AP50 and +1.0 in AP75", "+0.3 in AP50 and +0.8 in AP75", "Keypoint"),
        "H9": ("35,504 images", "0.0"),
        "H10": ("−0.1", "3.7 times"),
        "H11": ("−6.7 AP with 3,500", "−4.5 AP with 1,000"),
    }.items():
        assert all(number in evidence[name] for number in numbers), evidence[name]


def test_what_the_paper_shows_in_curves_only_is_not_tested_by_its_numbers():
    found = verdicts(analysis.hypotheses(analysis.paper()))
    assert {found[name] for name in ("H5", "H6", "H12", "H14")} == {"not tested here"}


@pytest.mark.parametrize(
    ("name", "place", "change"),
    [
        ("H1", {"arm": "scratch", "length": 540_000, "source": "Table 1"}, -4.0),
        ("H2", {"arm": "scratch", "size": FULL}, -2.0),
        ("H8", {"arm": "scratch", "metric": "AP75_box"}, -2.0),
        ("H9", {"arm": "scratch", "size": 35_504}, -1.0),
        ("H10", {"arm": "scratch", "size": 10_000}, -1.0),
        ("H11", {"arm": "scratch", "size": 3_500}, 7.0),
        ("H13", {"arm": "scratch", "data": "voc"}, 5.0),
    ],
)
def test_other_numbers_would_contradict_them(name: str, place: dict[str, object], change: float):
    table = analysis.paper()
    if name == "H8":
        table = where(table, system="Mask R-CNN FPN")  # keypoints are another part of the claim
    picked = where(table, **place).index
    assert len(picked)
    table.loc[picked, "value"] += change
    assert verdicts(analysis.hypotheses(table))[name] == "contradicted"


def test_systems_that_disagree_decide_nothing():
    table = analysis.paper()
    picked = where(table, arm="scratch", size=FULL, backbone="resnet50", norm="group").index
    table.loc[picked, "value"] -= 3.0
    row = rows(analysis.hypotheses(table))[1]
    assert (row["id"], row["verdict"]) == ("H2", "not tested here")
    assert "disagree" in row["evidence"]


def test_gaps_of_a_study_are_the_answers(results: analysis.Results):
    (system,) = systems(results)
    for row in rows(analysis.answer(results)):
        gap = system.gap("pretext", row["size"])
        ends = [-row[f"AP_box_difference{end}"] for end in ("", "_high", "_low")]
        assert [gap.mean, gap.low, gap.high] == pytest.approx(ends)


def test_a_small_study_does_not_refute_what_is_claimed_of_much_data(results: analysis.Results):
    found = verdicts(analysis.hypotheses(results))
    assert {found[name] for name in ("H2", "H9", "H10")} == {"not tested here"}
    assert found["H11"] == "supported"


def test_cross_tuning_tests_whether_the_others_values_suffice(everything: analysis.Results):
    row = rows(analysis.hypotheses(everything))[3]
    assert (row["id"], row["verdict"]) == ("H4", "contradicted")
    assert "scratch with pretext's values minus with its own −" in row["evidence"]


def test_a_study_without_repeated_runs_decides_nothing(tmp_path: Path):
    write_study(tmp_path, space=ONE_SIZE, trials=4, confirm=1, rng=rng())
    found = verdicts(analysis.hypotheses(analysis.load(tmp_path)))
    assert set(found.values()) == {"not tested here"}


@pytest.mark.parametrize("study", INCOMPLETE)
def test_incomplete_studies_have_the_same_claims(study: str, incomplete: Incomplete):
    table = analysis.hypotheses(incomplete(study))
    assert described(table) == documented(paper_columns.HYPOTHESES)
    assert len(table) == 15
    assert not any("nan" in text for text in table["evidence"])


def test_lengths_of_a_study_are_compared_with_the_spread_of_its_repeated_runs(tmp_path: Path):
    quick = {"scratch": 400.0, "pretext": 20.0}
    truth = Truth(peak={"scratch": {64: 30.0}, "pretext": {64: 25.0}}, slowness=quick, noise=0.2)
    write_study(tmp_path, truth=truth, space=ONE_SIZE, trials=4, confirm=5, rng=rng())
    found = {row["id"]: row for row in rows(analysis.hypotheses(analysis.load(tmp_path)))}
    assert found["H3"]["verdict"] == "supported"
    assert "95\u00a0% interval" in found["H3"]["evidence"]


def system(
    scores: Mapping[str, Mapping[tuple[int, int], float | list[float]]],
    metric: str = "AP_box",
    **about: object,
) -> System:
    """By arm, then by size and length; a list is that of repeats."""
    runs = [
        Run(arm, size, length, "", seed, 0, True, True, {metric: value})
        for arm, found in scores.items()
        for (size, length), given in found.items()
        for seed, value in enumerate(given if isinstance(given, list) else [given])
    ]
    plain = System("", "Mask R-CNN FPN", "coco", "resnet50", "group", runs, single=True)
    return replace(plain, **about)  # type: ignore[arg-type]


LADDER = {
    "scratch": {(FULL, 2): 36.0, (FULL, 4): 39.0, (FULL, 6): 41.0},
    "imagenet": {(FULL, 2): 40.5, (FULL, 4): 41.0, (FULL, 6): 41.0},
}


@pytest.mark.parametrize(
    ("even", "verdict"),
    [
        ({"images": 90.0, "instances": 15.0, "pixels": 6.0}, True),
        ({"images": 90.0, "instances": 6.0, "pixels": 15.0}, False),
        ({"images": 90.0, "instances": 5.0, "pixels": 6.0}, None),  # it cannot tell them apart
        ({"images": 90.0, "instances": 15.0, "pixels": 60.0}, None),
    ],
)
def test_the_budget_that_fits_alone_is_the_one(even: dict[str, float], verdict: bool | None):
    found = list(claims.sample_budget([system(LADDER, break_even={"imagenet": even})]))
    assert [one.verdict for one in found] == [verdict]


def test_where_pre_training_is_not_known_nothing_is_said_of_its_budget():
    assert not list(claims.sample_budget([system(LADDER)]))


def test_frozen_norms_should_fail_from_scratch():
    works = system({"scratch": {(FULL, 6): 41.0}})
    for ap, verdict in ((30.0, True), (41.0, False)):
        control = system({"scratch": {(FULL, 6): ap}}, norm="frozen_batch")
        assert [one.verdict for one in claims.normalisation([works, control])] == [verdict]


def test_augmentation_is_compared_within_a_network():
    def gap(ap: float, kind: str) -> System:
        return system({"scratch": {(FULL, 6): ap}, "imagenet": {(FULL, 6): 41.0}}, kind=kind)

    strong = "Mask R-CNN FPN + train aug"
    for ap, verdict in ((40.5, True), (39.0, False)):
        both = [gap(40.0, "Mask R-CNN FPN"), gap(ap, strong)]
        assert [one.verdict for one in claims_regimes.augmentation(both)] == [verdict]


@pytest.mark.parametrize(("last", "verdict"), [(43.0, True), (40.0, False)])
def test_a_larger_network_that_falls_has_overfitted(last: float, verdict: bool):
    small = system(LADDER)
    large = system({"scratch": {(FULL, 2): 42.0, (FULL, 6): last}}, backbone="resnet101")
    assert [one.verdict for one in claims_regimes.larger_models([small, large])] == [verdict]


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, True), (1.5, False)])
def test_losses_meet_within_a_tenth(factor: float, verdict: bool):
    def run(arm: str, ap: float, loss: float, seed: int) -> Run:
        noisy = loss * (1 + 0.01 * math.sin(seed * 7))
        return Run(
            arm, 1_000, 6, "", seed, 0, True, True, {"AP_box": ap + seed / 9, "loss": noisy}
        )

    seeds = range(4)
    runs = [run("scratch", 4.0, 0.5 * factor, 2 * seed) for seed in seeds]
    runs += [run("imagenet", 10.0, 0.5, seed) for seed in seeds]
    found = list(claims_regimes.generalisation([replace(system({}), runs=runs)]))
    assert [one.verdict for one in found] == [verdict]


def test_no_claim_is_decided_by_chance_more_often_than_the_level_allows():
    """Scratch is behind by the margin: 'no worse' would be wrong, at 2.5 % of the studies each."""
    draws, wrong, generator = 400, 0, np.random.default_rng(0)
    for _ in range(draws):
        noise = generator.normal(0, 0.5, (2, 4))
        scores = {
            "scratch": {(64, 6): list(20.0 - stats.MARGIN + noise[0])},
            "pretext": {(64, 6): list(20.0 + noise[1])},
        }
        (found,) = claims.final_accuracy([system(scores, data="shapes", single=False)])
        wrong += found.verdict is True
    assert wrong / draws <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / draws)


def test_single_runs_get_the_interval_of_repeated_ones_and_cover_as_they_say():
    draws, hits, generator = 500, 0, np.random.default_rng(1)
    for _ in range(draws):
        ends = generator.normal(0, 0.5, 2)
        scores = {
            "scratch": {(64, 6): list(generator.normal(20, 0.5, 5))},
            "pretext": {(64, 6): list(generator.normal(20, 0.5, 5))},
        }
        one = system(scores, single=False)
        terms = [(1, {(0, 0): 21 + ends[0]}), (-1, {(1, 0): 20 + ends[1]})]
        found = one.contrast(terms, score("AP_box"))
        hits += found.low <= 1.0 <= found.high
    assert hits / draws == pytest.approx(0.95, abs=3 * math.sqrt(0.05 * 0.95 / draws))
