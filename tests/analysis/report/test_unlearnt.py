"""Where nothing was learnt, page and terminal say so first, and nothing else of that size."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.answers import starts
from analysis.drawing.looks import looks
from analysis.published.hypotheses import beside_paper
from analysis.reading.frames import rows, where
from analysis.report import chapters, terminal
from analysis.report.derived import Tables, derived
from analysis.report.evaluations import evaluations
from analysis.report.flags import flags, lines
from analysis.report.gaps import gaps
from analysis.report.page import render
from study.config import Scientific
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import rng
from tests.analysis.page import Page
from tests.analysis.several import several
from tests.analysis.synthetic import SPACE, Truth, write_study

TWO = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
TRUTH = Truth(
    peak={"scratch": {24: 0.5, 64: 20.0}, "pretext": {24: 0.6, 64: 25.0}},
    slowness={"scratch": 60.0, "pretext": 60.0},
    noise=0.1,
)
FIRST = (
    "With 24 training images, neither arm has learnt yet: train longer or at a higher rate."
    " With 64 training images, pretext beats scratch by"
)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[analysis.Results, Tables]:
    """Nothing is learnt from 24 images; eleven trials, so that importance has shares."""
    path: Path = tmp_path_factory.mktemp("half") / "run"
    write_study(path, truth=TRUTH, space=TWO, trials=12, confirm=3, cross=1, rng=rng())
    results = analysis.load(path)
    return results, derived(results)


@pytest.mark.slow
def test_it_is_said_first_on_page_and_terminal(half: tuple[analysis.Results, Tables]):
    results, made = half
    assert chapters.headline(results, made).startswith(FIRST)
    page = Page(render(results, made, evaluations(results)))
    flat = " ".join(" ".join(page.text).split())
    assert 0 < flat.index(FIRST) < flat.index("An arm is one way")
    for show in (terminal.show, terminal.show_all):
        printed = io.StringIO()
        show(results, made, printed)
        assert " ".join(printed.getvalue().split()).startswith(FIRST)
        assert show is terminal.show_all or printed.getvalue().count("\n") <= 24


@pytest.mark.slow
def test_no_other_sentence_speaks_of_that_size(half: tuple[analysis.Results, Tables]):
    results, made = half
    (study,) = results.manifests
    context = chapters.context(results, study, looks(results.arms(study)), made)
    said = [text for name in ("beyond", "untold", "luck", "tuning_told") for text in context[name]]
    said += [row["evidence"] for row in beside_paper(made["hypotheses"])]
    said += [figure.title for figure in context["tuning"]]
    assert any("64 images" in text for text in said)
    assert not [text for text in said if re.search(r"\b24\b", text)]
    assert {row[0] for row in context["importance"].rows} == {"64"}
    assert {row["size"] for row in rows(made["importance"])} == {24, 64}  # the numbers are there
    first, second = gaps(made["answer"], made["starts"])
    assert (first.leader, second.leader) == ("", "pretext")
    assert first.text == "neither arm has learnt yet: train longer or at a higher rate."
    raised = [row for row in rows(where(made["flags"], size=24)) if row["kind"] == "edge"]
    assert not raised


def test_the_reason_is_a_flag(half: tuple[analysis.Results, Tables], incomplete: Incomplete):
    results, made = half
    (row,) = rows(where(made["flags"], size=24, arm="scratch", kind="unlearnt"))
    best = where(made["learnt"], size=24, arm="scratch")["AP_box"].iloc[0]
    assert row["message"] == (
        f"the best trial scored {best:.1f} AP, less than 1.0: train longer, or search elsewhere"
    )
    manifests = {
        name: of | {"chance": {"tune": 5.0, "report": 24.0}}
        for name, of in results.manifests.items()
    }
    chance = lines(flags(replace(results, manifests=manifests)))
    boxes = "AP, the same boxes on every image would score"
    for scored, floor in (("the best trial scored", "5.0"), ("the confirm runs scored", "24.0")):
        end = f"{boxes} {floor}: train longer, or search elsewhere"
        assert any(scored in line and line.endswith(end) for line in chance)
    zero = lines(flags(incomplete("all zero")))
    assert "64 images, scratch and pretext: no trial scored above 0 AP" in " ".join(zero)


def test_of_several_arms_none_is_recommended_where_none_has_learnt(tmp_path: Path):
    peak = {"scratch": {24: 0.2, 64: 20.0}, "a": {24: 0.3, 64: 60.0}, "b": {24: 0.4, 64: 0.3}}
    several(tmp_path, peak)
    found = analysis.starts(analysis.load(tmp_path))
    assert set(where(found, size=24)["recommended"]) == {False}
    assert " ".join(starts.told(found)) == (
        "With 24 training images, no arm has learnt yet: train longer or at a higher rate."
        " No start can be recommended yet."
        " With 64 training images, b has not learnt yet: train longer or at a higher rate."
        " So far, start from a: it is shown to be better than every other start."
    )


def test_beside_a_third_arm_those_that_have_not_learnt_are_named(tmp_path: Path):
    low = {"scratch": {24: 0.5}, "imagenet": {24: 0.6}, "pretext": {24: 0.7}}
    several(tmp_path, low, confirm=2)
    for row in rows(analysis.answer(analysis.load(tmp_path))):
        assert row["unlearnt"].startswith(f"scratch and {row['arm']} have not learnt yet")
