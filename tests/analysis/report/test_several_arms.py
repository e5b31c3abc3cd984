"""With three arms and more each number stands by its own arm: in tables, figures, sentences."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import analysis
from analysis.answers import starts
from analysis.drawing import sizes
from analysis.drawing.looks import looks
from analysis.reading.frames import rows, values, where
from analysis.report import figures, flags, panels, tables, terminal
from analysis.report.derived import derived
from analysis.report.evaluations import evaluations
from analysis.report.gaps import gaps, grid
from analysis.report.page import render
from analysis.text.words import headline, points
from tests.analysis.page import Page
from tests.analysis.report.test_page import check
from tests.analysis.several import OWN, PEAK, fail, remove, several

ORDER = ["scratch", "imagenet", OWN]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    path = tmp_path_factory.mktemp("three") / "run"
    several(path)
    return analysis.load(path)


@pytest.fixture(scope="module")
def means(three: analysis.Results) -> dict[tuple[str, int], float]:
    """The mean of each arm's confirm runs, straight from the runs; tens of AP apart."""
    runs = three.confirmations
    found = {
        (arm, size): sum(mine) / len(mine)
        for arm in PEAK
        for size in (24, 64)
        for mine in [values(where(runs, arm=arm, size=size), "AP_box")]
    }
    for size in (24, 64):
        order = sorted(ORDER, key=lambda arm: found[arm, size])
        assert order == sorted(ORDER, key=lambda arm: PEAK[arm][size])
    return found


@pytest.fixture
def ax() -> Axes:
    canvas = Figure()
    FigureCanvasAgg(canvas)
    return canvas.add_subplot()


def shown(results: analysis.Results) -> str:
    text = io.StringIO()
    terminal.show_all(results, derived(results), text)
    return text.getvalue()


def page_of(results: analysis.Results) -> tuple[str, Page]:
    html = render(results, derived(results), evaluations(results))
    return html, Page(html)


def test_rows_of_the_tables_hold_their_own_arms_scores(three, means):
    table = tables.answer(analysis.answer(three))
    told = {(row[1], int(row[0])): row[2] for row in table.rows}
    cells = {row[0]: row[1:] for row in starts.layout(analysis.starts(three)).rows}
    for (arm, size), mean in means.items():
        assert told[arm, size].startswith(f"{points(mean)} (")
        assert points(mean) in cells[arm][(24, 64).index(size)]
        if arm != "scratch":
            gap = mean - means["scratch", size]
            assert told[f"{arm} − scratch", size].startswith(f"+{points(gap)} (")


def test_the_grid_holds_their_own_arms_scores_and_frames_the_leader(three, means):
    shown_ = dict(grid(analysis.starts(three)).rows)
    assert list(shown_) == ORDER == three.arms(next(iter(three.manifests)))
    for at, size in enumerate((24, 64)):
        top = max(ORDER, key=lambda arm: means[arm, size])
        for arm in ORDER:
            cell = shown_[arm][at]
            assert cell.ap == points(means[arm, size])
            assert (cell.recommended, cell.standing == "leader") == (arm == top, arm == top)
            if arm != top:
                assert cell.text == f"{points(means[top, size] - means[arm, size])} behind"


def test_sentences_name_the_arm_that_has_the_score(three, means):
    answer = analysis.answer(three)
    for gap in gaps(answer):
        size = int(gap.size.split()[0])
        lead = points(means[gap.arm, size] - means["scratch", size])
        assert gap.text.startswith(f"{gap.arm} is ahead of scratch by {lead} AP (")
        assert (gap.leader, gap.gap) == (gap.arm, f"+{lead}")
    for arm in ORDER[1:]:
        leads = [points(means[arm, size] - means["scratch", size]) for size in (24, 64)]
        said = (
            f"With 24 and 64 training images, {arm} beats scratch by {leads[0]} and {leads[1]} AP."
        )
        assert said in headline(answer)


@pytest.mark.parametrize("which", ["AP", "lead"])
def test_lines_of_the_figures_have_their_own_arms_colour_marker_and_height(
    three, means, which: str, ax: Axes
):
    (study,) = three.manifests
    seen = looks(ORDER)
    if which == "AP":
        sizes.draw_by_size(ax, sizes.by_size(three, study), seen)
        arms, base = ORDER, dict.fromkeys((24, 64), 0.0)
    else:
        sizes.draw_leads(ax, sizes.leads(analysis.answer(three)), seen, "scratch")
        arms, base = ORDER[1:], {size: means["scratch", size] for size in (24, 64)}
    by_colour = {
        to_hex(line.get_color()): [float(y) for y in line.get_ydata()]  # type: ignore[union-attr]
        for line in ax.lines
    }
    for arm in arms:
        expected = [means[arm, size] - base[size] for size in (24, 64)]
        assert by_colour[seen[arm].colour] == pytest.approx(expected)


@pytest.mark.slow
def test_texts_and_legend_of_the_page_have_their_own_arms_marks(three, means):
    (study,) = three.manifests
    seen, answer = looks(ORDER), analysis.answer(three)
    (box, *_) = figures.by_size(three, study, seen)
    (lead,) = panels.leads(answer, study, seen)
    for arm in ORDER:
        assert f"{arm}: {points(means[arm, 24])} (" in box.alt
        if arm != "scratch":
            assert f"{arm}: {points(means[arm, 24] - means['scratch', 24])} (" in lead.alt
    html, _ = page_of(three)
    for at, arm in enumerate(ORDER):
        assert re.search(rf"--arm-{at}: {seen[arm].colour};", html)
        mark = r'<span class="arm"><svg[^>]*><path fill="var\(--arm-(\d)\)"[^>]*></svg>'
        marks = re.findall(f"{mark}{arm}</span>", html)
        assert len(marks) > 5
        assert set(marks) == {str(at)}


@pytest.mark.slow
def test_the_page_shows_every_arm_at_every_size_and_every_pair(three):
    html, page = page_of(three)
    check(page)
    text = " ".join(page.text)
    assert "Which start for which size" in text
    assert "Bonferroni" in text and "up to 3 comparisons at one size" in text
    assert all(sentence in text for sentence in starts.told(analysis.starts(three)))
    for row in rows(analysis.pairs(three)):
        assert f"{row['arm']} − {row['other']}" in text
    assert html.count('class="head"') == 2


@pytest.mark.slow
def test_two_arms_keep_their_page(results: analysis.Results):
    _, page = page_of(results)
    text = " ".join(page.text)
    assert not any(word in text for word in ("Which start", "Bonferroni", "Every two arms"))
    assert "every pair" not in shown(results)


@pytest.mark.slow
def test_the_terminal_says_what_to_start_from_and_names_the_arms_in_80_columns(three):
    lines = shown(three).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("arm "))
    assert max(map(len, lines[at : at + 6])) <= 80
    assert not any(OWN in line for line in lines[at : at + 6])  # goes on below
    flat = " ".join(" ".join(lines).split())
    for sentence in starts.told(analysis.starts(three)):
        assert sentence in flat
    assert headline(analysis.answer(three)) in flat


@pytest.mark.slow
def test_an_arm_without_a_score_takes_nothing_from_the_others(tmp_path: Path):
    study = several(tmp_path)
    remove(study, "imagenet-24")
    fail(study, OWN)
    found = analysis.load(tmp_path)
    _, page = page_of(found)
    check(page)
    text = " ".join(page.text) + shown(found)
    for word in (" nan ", "None", "<NA>"):
        assert word not in text
    assert "not run" in text and "all 4 trials failed" in text
    told = {(row[1], row[0]): row for row in tables.answer(analysis.answer(found)).rows}
    # confirmed as imagenet is, though the other arm beside it is not
    assert told["scratch", "64"][-1] == "report split"
    assert "has no score (all 4 trials failed)" in text
    (study_,) = found.manifests
    drawn = where(sizes.by_size(found, study_), arm="scratch", what="mean", size=64)
    assert set(drawn["split"]) == {"report"}


@pytest.mark.slow
def test_six_arms_and_one_size_have_a_page(tmp_path: Path):
    peak = {name: {64: 20.0} for name in ("scratch", "a_b", "c-d", "e.f", "g", "h" * 60)}
    several(tmp_path, peak, confirm=2)
    found = analysis.load(tmp_path)
    check(page_of(found)[1])
    assert set(analysis.pairs(found)["compared"]) == {15}
    shown(found)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("arms", ["two", "three"])
def test_the_first_screen_is_one_screen(
    arms: str,
    columns: int,
    results: analysis.Results,
    three: analysis.Results,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", str(columns))
    text, found = io.StringIO(), three if arms == "three" else results
    made = derived(found)
    terminal.show(found, made, text)
    lines = text.getvalue().splitlines()
    # and a line that names the report, after an empty one
    assert len(lines) <= (22 if arms == "two" else 24)
    assert max(map(len, lines)) <= columns
    flat = " ".join(" ".join(lines).split())
    assert flat.startswith(
        headline(made["answer"]) if arms == "two" else starts.told(made["starts"])[0]
    )
    if arms == "two":
        for row in analysis.answer(found).to_dict("records"):
            assert (
                f"{row['AP_box_reference']:.1f} " in flat and f"{row['AP_box_arm']:.1f} " in flat
            )
    raised = flags.lines(made["flags"])
    hidden = [line for line in raised if " ".join(line.split()) not in flat]
    assert len(hidden) == max(0, len(raised) - terminal.FEW + (arms == "three"))
    assert not hidden or f"{len(hidden)} more: --all, or the report" in flat
