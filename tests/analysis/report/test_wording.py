"""What page and terminal say, and what they do not say."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

import analysis
from analysis.report import terminal
from analysis.report.derived import derived
from analysis.report.evaluations import evaluations
from analysis.report.page import render
from analysis.text.glossary import meanings
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import ONE_SIZE, rng
from tests.analysis.page import Page
from tests.analysis.synthetic import write_study


def said(results: analysis.Results) -> tuple[str, str]:
    """The page, and what the terminal prints of everything."""
    made, text = derived(results), io.StringIO()
    terminal.show(results, made, text)
    terminal.show_all(results, made, text)
    return render(results, made, evaluations(results)), " ".join(text.getvalue().split())


@pytest.mark.slow
def test_masks_are_spoken_of_where_the_data_have_some(incomplete: Incomplete):
    for text in said(incomplete("no masks")):
        assert "mask" not in text.lower()
    page, printed = said(incomplete("confirmed once"))
    words = " ".join(Page(page).text)
    assert "mask AP by their outlines" in words and "fixed.model.masks" in words
    assert words.count("mask AP") >= 3  # it is explained, in the answer, and of every trial
    assert "mask AP" in printed


@pytest.fixture(scope="module")
def two_trials(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    path: Path = tmp_path_factory.mktemp("two") / "run"
    write_study(path, space=ONE_SIZE, trials=2, rng=rng())
    return analysis.load(path)


@pytest.mark.slow
def test_nothing_is_concluded_from_two_trials(two_trials: analysis.Results):
    page, printed = said(two_trials)
    words = " ".join(" ".join(Page(page).text).split())
    both = "ith 64 images, only 2 trials each of scratch and pretext: not enough to say"
    assert f"{both} what another one would bring." in words
    for text in (words, printed):
        assert f"{both} which setting is best." in text
        for conclusion in (
            "trains best at",
            "train best at",
            "raised the best AP",
            "that matter most",
            "What the AP of trials depends on",
        ):
            assert conclusion not in text
    assert "Which of them matters most is not known: 2 trials, at least 10 are needed" in words


@pytest.mark.slow
def test_words_are_explained_before_they_are_used(results: analysis.Results):
    page, printed = said(results)
    _, _, below = " ".join(Page(page).text).partition("An arm is one way to begin a training")
    for word, meaning in (
        ("AP", "AP, average precision, says from 0 to 100 how well objects are found"),
        ("trial", "A trial is one training with one setting"),
        ("tuning split", "the tuning split, images that are not trained on"),
        ("report split", "the report split, images on which nothing was chosen"),
        ("Confirm run", "Confirm runs train it again with new seeds"),
    ):
        at = below.index(meaning)
        first = re.search(rf"\b{word}", below)
        assert first and at <= first.start() < at + len(meaning)
    assert all(part in printed for part in meanings().split("; "))


def test_a_line_explains_the_words_that_there_are():
    assert meanings(["scratch catches up"]) == ""
    assert meanings(["On the tuning\nsplit", "two confirm runs"]) == (
        "Tuning split: images that settings are chosen on; confirm run: a training of the chosen"
        " setting with a new seed."
    )
    assert meanings(["1.2 AP"]).startswith("AP: average precision, from 0 to 100")
    assert meanings(["MAP, apart"]) == ""
