"""Sentences claim no more than their interval, and numbers read as meant."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from analysis.text import words
from analysis.text.words import conclusion, headline, in_words

NAN = math.nan


def row(gap: float, low: float, high: float, **changes: Any) -> dict[str, Any]:
    """A row of the answer with 20 AP for the reference."""
    ends = {"": gap, "_low": low, "_high": high}
    values = {f"AP_box_difference{end}": value for end, value in ends.items()}
    values |= {"AP_box_reference": 20.0, "AP_box_reference_low": 19.0}
    values |= {"AP_box_reference_high": 21.0, "study": "runs/a", "size": 64, "level": 0.95}
    values |= {"reference": "scratch", "arm": "pretext", "split": "report"}
    values |= {"stage_reference": "learnt", "stage_arm": "learnt", "unlearnt": ""}
    return values | {"AP_box_equal": False, "margin": 0.5} | changes


CASES = [
    (
        row(4.0, 2.0, 6.0),
        "ahead",
        "pretext is ahead of scratch by 4.0 AP",
        "pretext beats scratch",
    ),
    (row(-4.0, -6.0, -2.0), "behind", "(95\u00a0% interval 2.0 to 6.0)", "scratch beats pretext"),
    (row(4.0, -0.1, 8.1), "undecided", "no difference is shown", "no difference between"),
    (row(-4.0, -8.1, 0.1), "undecided", "no difference is shown", "no difference between"),
    (row(4.0, 0.0, 8.0), "undecided", "no difference is shown", "no difference between"),
    (row(-4.0, -8.0, 0.0), "undecided", "no difference is shown", "no difference between"),
    (row(0.0, -1.0, 1.0), "undecided", "(pretext minus scratch: 0.0 AP", "is shown"),
    (
        row(0.0, -0.6, 0.6, AP_box_equal=True),
        "equal",
        "by less than 0.5 AP (",
        "less than 0.5 AP.",
    ),
    (row(0.3, 0.2, 0.4, AP_box_equal=True), "ahead", "by 0.3 AP", "pretext beats scratch by 0.3"),
    (row(4.0, NAN, NAN), "unrepeated", "no difference is shown", "to show a difference"),
    (row(4.0, 2.0, 6.0, split="tune"), "unconfirmed", "before it is confirmed", "not confirmed"),
    (row(NAN, NAN, NAN), "missing", "no score yet", "no scores to compare yet"),
    (row(NAN, NAN, NAN, arm=NAN), "alone", "20.0 (19.0 to 21.0) AP", "no second arm"),
    (row(NAN, NAN, NAN, arm=NAN, AP_box_reference=NAN), "missing", "no score yet", "no scores"),
]


@pytest.mark.parametrize(("given", "what", "sentence", "short"), CASES)
def test_what_may_be_said(given: dict[str, Any], what: str, sentence: str, short: str):
    assert conclusion(given) == what
    assert in_words(given).startswith("64 images: ")
    assert sentence in in_words(given)
    assert short in headline(pd.DataFrame([given]))


@pytest.mark.parametrize(("given", "what", "sentence", "short"), CASES)
def test_only_an_interval_off_zero_names_a_winner(
    given: dict[str, Any], what: str, sentence: str, short: str
):
    won = what in ("ahead", "behind")
    assert ("is ahead of" in in_words(given)) == won
    assert ("beats" in headline(pd.DataFrame([given]))) == won


def test_headline_folds_sizes_that_say_the_same():
    table = pd.DataFrame(
        [row(9.0, 8.0, 10.0, size=24), row(0.1, -1.0, 1.2), row(3.0, 1.0, 5.0, size=1000)]
    )
    assert headline(table) == (
        "With 24 and 1,000 training images, pretext beats scratch by 9.0 and 3.0 AP."
        " With 64 training images, no difference between pretext and scratch is shown."
    )


def test_headline_of_nothing():
    assert headline(pd.DataFrame()) == "Nothing has been asked of this study yet."


@pytest.mark.parametrize(
    ("ap", "text"),
    [(12.34, "12.3"), (-0.04, "−0.04"), (0.0, "0.0"), (NAN, "–"), (-3.0, "−3.0"), (1e-7, "0.000")],
)
def test_points(ap: float, text: str):
    assert words.points(ap) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.03, "0.03"), (0.030214, "0.0302"), (12345, "12,345"), (400, "400"), (pd.NA, "–")],
)
def test_number(value: float, text: str):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([1], "1 image"),
        ([10, 20], "10 and 20 images"),
        ([10, 20, 40, 1000], "10 to 1,000 images"),  # nothing that was tried lies between
        ([10, 20, 40, 2000], "10, 20, 40 and 2,000 images"),
    ],
)
def test_many_neighbouring_sizes_are_a_range(sizes: list[int], text: str):
    assert words.at_sizes(sizes, [1, 10, 20, 40, 1000, 2000]) == text


def test_of_several_studies_each_sentence_names_its_own():
    table = pd.DataFrame(
        [row(9.0, 8.0, 10.0) | {"study": "runs/a"}, row(0.1, -1.0, 1.2) | {"study": "runs/b"}]
    )
    assert headline(table) == (
        "runs/a: With 64 training images, pretext beats scratch by 9.0 AP."
        " runs/b: With 64 training images, no difference between pretext and scratch is shown."
    )
