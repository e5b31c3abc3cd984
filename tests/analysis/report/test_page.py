"""The page stands alone, can be read without seeing it, and exists for every study."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.answers import settings
from analysis.drawing import learning, sizes, tuning
from analysis.drawing.looks import looks
from analysis.reading.frames import rows, values, where
from analysis.report import chapters
from analysis.report.derived import derived
from analysis.report.evaluations import evaluations
from analysis.report.gaps import gaps
from analysis.report.page import render
from analysis.report.page import write as write_page
from analysis.text.words import headline
from analysis.tuning import cross_tuning, stop_audit
from analysis.tuning.curve import told as tuning_told
from analysis.tuning.variation import told as variation_told
from study.storage.run_dir import State
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import DRAWN, INCOMPLETE, lost
from tests.analysis.page import Page

CSV = {
    *("answer", "best", "trials", "tails", "curves", "costs", "confirmations", "flags"),
    *("init_reports", "stop_audit", "cross_tuning", "strips", "seen"),
    *("pairs", "starts"),
    *("crossover", "worth", "catch_up", "ladder", "learnt"),
    *("tuning_curve", "variation", "importance"),
    *("against_paper", "hypotheses"),
}


def page_of(results: analysis.Results) -> Page:
    return Page(render(results, derived(results), evaluations(results)))


@pytest.fixture(scope="module")
def folder(results: analysis.Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(results, tmp_path_factory.mktemp("page") / "new" / "report").parent


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "index.html").read_text()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def check(page: Page) -> None:
    """What must hold for the page of any study."""
    beside = {f"{name}.csv" for name in CSV}
    for reference in page.references:
        if reference.startswith("#"):
            assert reference[1:] in page.ids, f"{reference} points nowhere"
        else:
            assert reference in beside | {"data:,"}, f"{reference} is not in the page"
    assert not {"script", "iframe", "img", "object"} & {tag for tag, _ in page.elements}
    pictures = [svg for svg in page.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(pictures) == page.inside("figure")
    for picture in pictures:
        assert picture["role"] == "img"
        assert len(picture["aria-label"]) > 20
    assert page.inside("h1") == page.inside("title") == page.inside("main") == 1
    for table in page.all("table"):
        assert table["aria-label"]


@pytest.mark.slow
def test_page_needs_no_network_and_is_well_formed(page: Page):
    check(page)


def test_page_opens_with_the_answer(page: Page, results: analysis.Results):
    text = " ".join(page.text)
    assert headline(analysis.answer(results)) in text
    for row in gaps(analysis.answer(results)):
        assert row.text in text
    answer = text.index("The arms side by side")
    sentences = chapters.beyond(results, derived(results))
    for what in ("lead over scratch", "scratch does not catch up", "best at a learning rate of"):
        assert any(what in sentence for sentence in sentences)
    for sentence in sentences:
        assert 0 < text.index(sentence) < answer


def test_page_has_a_figure_for_every_question(page: Page):
    # box and mask by size; leaps, curves, lines across and tuning a size; the loss at two sizes;
    # a map a size and arm; what was seen a size; the bill and the times
    assert page.inside("figure") == 2 + 4 * 3 + 2 + 3 * 2 + 3 + 2


def test_figures_say_what_they_show(page: Page, results: analysis.Results):
    (row, *_) = rows(analysis.answer(results))
    told = next(svg["aria-label"] for svg in page.all("svg") if "box AP against" in str(svg))
    assert f"{row['AP_box_reference']:.1f}" in told
    assert f"{row['AP_box_arm_high']:.1f}" in told


SECTIONS = ("What stopping cost", "Tuned the paper's way")


@pytest.mark.slow
def test_page_says_what_stopping_and_equal_tuning_were_worth(everything: analysis.Results):
    page = page_of(everything)
    check(page)
    assert all(section in page.text for section in SECTIONS)
    text = " ".join(page.text)
    for lines in (stop_audit.told(analysis.stop_audit(everything)),):
        assert lines
        assert all(line in text for line in lines)
    paper = cross_tuning.as_in_the_paper(everything, analysis.cross_tuning(everything))
    assert all(line in text for line in cross_tuning.told(paper))


def test_page_keeps_silent_where_nothing_was_stopped_or_crossed(incomplete: Incomplete):
    page = page_of(incomplete("begun"))
    assert not any(section in page.text for section in SECTIONS)
    assert "Against the paper" not in page.text


def test_before_any_run_the_page_says_what_the_papers_numbers_say(incomplete: Incomplete):
    text = " ".join(page_of(incomplete("begun")).text)
    for row in rows(analysis.hypotheses(analysis.paper())):
        said = f"The paper's numbers: {row['verdict']}. {row['evidence']}"
        assert (said in text) == (row["verdict"] != "not tested here")


def test_page_says_how_much_is_luck_and_what_matters(results: analysis.Results, page: Page):
    text = " ".join(page.text)
    made = derived(results)
    for line in (*variation_told(made["variation"]), *tuning_told(made["tuning_curve"])):
        assert line in text
    chance = analysis.answer(results)["AP_box_probability"].iloc[0]
    assert chance > 0.99 and "P > 99 %" in text


def test_page_follows_the_theme(page: Page):
    styles = "".join(page.styles)
    assert "prefers-color-scheme: dark" in styles
    for look in looks(["scratch", "pretext"]).values():
        assert look.colour in styles
        assert look.dark in styles


def test_tables_are_the_frames(folder: Path, results: analysis.Results):
    assert {file.stem for file in folder.glob("*.csv")} == CSV
    for name in ("trials", "tails", "curves", "costs"):
        table = pd.read_csv(folder / f"{name}.csv")
        assert list(table.columns) == list(getattr(results, name).columns)
        assert len(table) == len(getattr(results, name))
    for name in CSV:
        typed = pd.read_parquet(folder / f"{name}.parquet")
        frame = getattr(results, name, None)
        assert len(typed) == len(pd.read_csv(folder / f"{name}.csv"))
        if isinstance(frame, pd.DataFrame):
            assert typed.dtypes.astype(str).to_dict() == frame.dtypes.astype(str).to_dict()
    billed = values(pd.read_csv(folder / "costs.csv"), "images")
    assert sum(billed) == sum(values(results.trials, "images"))


@pytest.mark.slow
@pytest.mark.parametrize("study", DRAWN)
def test_incomplete_studies_have_a_page(study: str, incomplete: Incomplete):
    page = page_of(incomplete(study))
    check(page)
    text = " ".join(page.text)
    assert " nan " not in text.lower()
    assert "None" not in text
    assert "<NA>" not in text


def test_what_a_trial_says_is_text_and_not_markup(tmp_path: Path):
    lost(State.FAILED)(tmp_path)
    page = page_of(analysis.load(tmp_path))
    assert not page.all("oom")
    assert any("CUDA <oom>" in text for text in page.text)


@pytest.mark.slow
def test_a_report_is_about_one_study(finished: Path, tmp_path: Path):
    INCOMPLETE["begun"](tmp_path / "other")
    with pytest.raises(ValueError, match="2 studies"):
        write_page(analysis.load([finished, tmp_path / "other"]), tmp_path / "report")


def test_by_size_holds_the_answer_and_every_run(results: analysis.Results, finished: Path):
    frame = sizes.by_size(results, str(finished))
    means = where(frame, what="mean", arm="pretext")
    assert means["AP"].tolist() == analysis.answer(results)["AP_box_arm"].tolist()
    runs = where(frame, what="run", arm="pretext", size=64)["AP"]
    confirmed = where(settings.confirmed(results), arm="pretext", size=64)["AP_box"]
    assert sorted(runs) == sorted(confirmed)


def test_learning_curves_mark_the_chosen_trial(results: analysis.Results, finished: Path):
    frame = learning.learning_curves(results, str(finished), 64)
    best = where(analysis.best(results), size=64)
    assert set(where(frame, chosen=True)["trial_id"]) == set(best["trial_id"])
    assert max(values(frame, "AP_box")) == max(values(best, "AP_box"))
    assert not frame.duplicated(["trial_id", "images_seen"]).any()


def test_settings_keep_trials_that_never_scored(tmp_path: Path):
    lost(State.DIVERGED)(tmp_path)
    (row,) = rows(tuning.trial_map(analysis.load(tmp_path), str(tmp_path), 64, "scratch"))
    assert math.isnan(row["AP_box"])
    assert (row["state"], row["chosen"]) == ("diverged", False)


def test_intervals_lie_on_one_scale(results: analysis.Results):
    table = analysis.answer(results)
    bars = [gap.bar for gap in gaps(table) if gap.bar]
    assert len({bar["zero"] for bar in bars}) == 1
    ends = [(bar["low"], bar["mean"], bar["low"] + bar["width"]) for bar in bars]
    assert all(0 <= low < mean < high <= 100 for low, mean, high in ends)
    order = sorted(range(len(bars)), key=lambda i: bars[i]["mean"])
    assert order == sorted(range(len(bars)), key=lambda i: table["AP_box_difference"].iloc[i])


def test_arms_look_different_and_the_same_in_every_study():
    names = ["own", "scratch", "imagenet", "pretext", "other", "third"]
    seen = looks(names)
    assert len({look.colour for look in seen.values()}) == len(names)
    assert len({look.marker for look in seen.values()}) == len(names)
    assert seen["scratch"] == looks(["scratch"])["scratch"]
    assert len(looks(map(str, range(40)))) == 40
