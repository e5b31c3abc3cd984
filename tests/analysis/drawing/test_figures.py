"""What is drawn is what was recorded: the frames behind the page's figures."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import analysis
from analysis.answers.crossover import within
from analysis.drawing import learning, sizes, spending, tuning
from analysis.drawing.looks import looks
from analysis.reading.frames import groups, rows, values, where
from analysis.report import figures, panels
from study.config.checks.require import MOST_LISTED
from tests.analysis.incomplete import rng

LOOKS = looks(["scratch", "pretext"])


@pytest.fixture
def ax() -> Axes:
    canvas = Figure()
    FigureCanvasAgg(canvas)
    return canvas.add_subplot()


def with_trunk(results: analysis.Results, at: tuple[int, ...]) -> analysis.Results:
    """The same study, had its trunks been evaluated where they fork: half of what a tail gives."""
    trunk = where(results.curves, weights="tail").copy()
    trunk["iteration"] = trunk["length"].astype("int64") - 44
    trunk = trunk.loc[trunk["iteration"].isin(at).to_numpy()]
    trunk = trunk.assign(weights="trunk", length=pd.NA, factor=np.nan, AP_box=trunk["AP_box"] / 2)
    curves = pd.concat([results.curves, trunk.astype(results.curves.dtypes.to_dict())])
    return dataclasses.replace(results, curves=curves.reset_index(drop=True))


def test_tails_leap_from_the_trunk_where_it_was_evaluated(
    results: analysis.Results, finished: Path, ax: Axes
):
    frame = learning.leaps(with_trunk(results, at=(56, 156)), str(finished), 256)
    for row in rows(where(analysis.best(results), size=256)):
        mine = where(frame, arm=row["arm"])
        ends = {n: rows(tail) for (n,), tail in groups(where(mine, part="tail"), "length")}
        assert [len(ends[n]) for n in sorted(ends)] == [2, 2, 1][: len(ends)]
        for length in list(ends)[:2]:
            start, end = ends[length]
            assert (start["iteration"], end["iteration"]) == (length - 44, length)
            assert start["AP_box"] == pytest.approx(end["AP_box"] / 2)
        chosen = next(end[-1] for n, end in ends.items() if n == row["length"])
        assert chosen["AP_box"] == row["AP_box"]
    learning.draw_leaps(ax, frame, LOOKS)
    assert len(ax.lines) == 2 * (1 + 1 + 3)


def test_losses_are_those_of_the_chosen_trials(results: analysis.Results, finished: Path):
    frame = learning.losses(results, str(finished), 24)
    best = values(where(analysis.best(results), size=24), "trial_id")
    recorded = results.curves.loc[results.curves["trial_id"].isin(best).to_numpy()]
    assert sorted(frame["loss"]) == pytest.approx(sorted(recorded["loss"]))
    for _, mine in groups(frame, "arm"):
        assert values(mine, "iteration") == sorted(values(mine, "iteration"))


def test_no_mark_of_a_loss_curve_is_cut_at_the_top(ax: Axes):
    flat = pd.DataFrame(
        {"arm": "scratch", "part": "tail", "iteration": [100, 200], "loss": [2.01, 2.0]}
    )
    learning.draw_losses(ax, flat, LOOKS)
    low, high = ax.get_ylim()
    assert low == 0
    half = 6.0 / 2 / 72 * ax.figure.dpi  # of a mark's height, px
    (_, edge), (_, mark) = ax.transData.transform([(100, high), (100, 2.01)])
    assert edge - mark > half


def test_the_shade_covers_the_crossovers_interval(
    results: analysis.Results, finished: Path, ax: Axes
):
    ends = within(analysis.crossover(results), str(finished))
    (end,) = ends
    sizes.draw_by_size(ax, sizes.by_size(results, str(finished)), LOOKS, "box", ends)
    shade = ax.patches[-1].get_extents().transformed(ax.transData.inverted())
    assert shade.x0 == pytest.approx(end["crossover_low"])
    assert shade.x1 == pytest.approx(ax.get_xlim()[1])  # it ends beyond the sizes tried
    assert math.isinf(end["crossover_high"])


def test_lines_across_hold_every_scored_trial(results: analysis.Results, finished: Path, ax: Axes):
    frame = tuning.parallel(results, str(finished), 64)
    trials = where(results.trials, size=64, role="tune").dropna(subset=["AP_box"])
    assert set(frame["trial_id"]) == set(trials["trial_id"])
    assert len(frame) == 4 * len(trials)
    for axis in ("lr", "weight_decay", "length", "AP_box"):
        mine = where(frame, axis=axis)
        assert (min(mine["at"]), max(mine["at"])) == (0.0, 1.0)
        order = np.argsort(values(mine, "value"), kind="stable")
        assert values(mine.iloc[order], "at") == sorted(values(mine, "at"))
    tuning.draw_parallel(ax, frame, LOOKS)
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        "learning rate",
        "weight decay",
        "length",
        "AP",
    ]


def test_the_timeline_shows_every_trial_from_its_first_to_its_last_event(
    results: analysis.Results, finished: Path, ax: Axes
):
    frame = spending.timeline(results, str(finished))
    assert values(frame, "place") == list(range(len(results.trials)))
    assert min(frame["began"]) == 0
    assert values(frame, "began") == sorted(values(frame, "began"))
    first = results.trials["started"].min()
    for row in rows(frame):
        (trial,) = rows(where(results.trials, trial_id=row["trial_id"]))
        hours = (trial["updated"] - first).total_seconds() / 3600
        assert row["ended"] == pytest.approx(hours)
        assert row["state"] == trial["state"]
    spending.draw_timeline(ax, frame, LOOKS)
    told = {text.get_text() for text in ax.get_legend().get_texts()}  # type: ignore[union-attr]
    assert "stopped" in told
    assert told == set(results.trials["state"]) - {"finished"}


def test_what_was_spent_adds_up_to_the_bill(everything: analysis.Results, ax: Axes):
    (study,) = everything.manifests
    frame = spending.spent(everything, study)
    assert sum(frame["device_hours"]) * 3600 == pytest.approx(
        sum(everything.trials["device_seconds"])
    )
    assert sum(frame["images"]) == sum(everything.trials["images"])
    for _, mine in groups(frame, "size", "arm"):
        assert values(mine, "low") == pytest.approx([0.0, *values(mine, "high")[:-1]])
    spending.draw_spent(ax, frame, LOOKS)
    told = {text.get_text() for text in ax.get_legend().get_texts()}  # type: ignore[union-attr]
    assert told == set(frame["role"])


def test_tuning_curves_show_a_band_only_where_there_is_one(
    results: analysis.Results, finished: Path, ax: Axes
):
    table = analysis.tuning_curve(results, rng())
    frame = where(table, size=64)
    tuning.draw_tuning(ax, frame, LOOKS)
    for line, arm in zip(ax.lines, ("scratch", "pretext"), strict=True):
        assert list(line.get_ydata()) == values(where(frame, arm=arm), "AP_box")  # type: ignore[arg-type]
    figures = panels.tuning(table, str(finished), [24, 64, 256], LOOKS)
    assert [figure.title for figure in figures] == ["24 images", "64 images", "256 images"]
    assert "with one trial to" in figures[0].alt


def test_a_readers_own_settings_of_matplotlib_change_nothing():
    def draw(ax: Axes) -> None:
        ax.plot([1, 2], [3, 4], label="$x$ & y_z")
        ax.legend()

    def drawn() -> str:
        return str(figures.figure("one", "One", "alt", draw, {}).svg)

    own: dict[Any, Any] = {
        "text.usetex": True,
        "font.family": "NoSuchFont",
        "lines.linewidth": 9,
        "font.size": 3,
    }
    before = drawn()
    with rc_context(own):
        assert drawn() == before
        assert rcParams["text.usetex"]  # as it was


def test_a_study_may_have_as_many_arms_as_a_sweep_takes():
    arms = ["scratch", "imagenet", *(f"arm{number}" for number in range(MOST_LISTED - 2))]
    found = looks(arms)
    assert list(found) == arms
    assert found["scratch"] == LOOKS["scratch"]
    assert len({look.colour for look in list(found.values())[:6]}) == 6
