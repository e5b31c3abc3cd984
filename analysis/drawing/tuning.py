"""The search: where its trials were, what they scored, and what more of them would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from analysis.answers import settings
from analysis.drawing.looks import INK, RULE, Look
from analysis.drawing.style import THERMAL
from analysis.reading.frames import groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.words import number, points, titled

NARROW = 4.0  # highest over lowest value, from which on ticks at 1, 2 and 5 are enough


def trial_map(results: Results, study: str, size: int, arm: str) -> pd.DataFrame:
    """Where the trials of one arm and size were, and what they scored.

    Columns: `trial_id`, one for each hyper-parameter, `AP_box` (points, NaN if never scored),
    `state`, `chosen`.
    """
    trials = where(results.trials, study=study, size=size, arm=arm, role="tune")
    chosen = set(where(settings.best(results), study=study, size=size, arm=arm)["trial_id"])
    names = ["trial_id", *results.hyper_parameters, "AP_box", "state"]
    frame = trials.reindex(columns=names).reset_index(drop=True)
    return frame.assign(chosen=[trial in chosen for trial in frame["trial_id"]])


def draw_trial_map(
    ax: Axes, frame: pd.DataFrame, look: Look, highest: float, axes: tuple[str, str]
) -> PathCollection:
    """`trial_map` on an Axes: coloured by AP from 0 to `highest`, crosses without a score.

    `axes` are the two hyper-parameters against which it is drawn. Returns the coloured points,
    for a colour bar.
    """
    x, y = axes
    there = frame["AP_box"].notna().to_numpy()
    hit, miss = frame.loc[there], frame.loc[~there]
    drawn = ax.scatter(
        hit[x],
        hit[y],
        c=hit["AP_box"],
        cmap=THERMAL,
        vmin=0,
        vmax=highest,
        marker=look.marker,
        s=52,
        edgecolors=INK,
        linewidths=0.5,
        zorder=3,
    )
    ax.scatter(miss[x], miss[y], marker="x", s=32, color=INK, linewidths=1.2)
    for row in rows(where(frame, chosen=True)):
        at = (row[x], row[y])
        ax.scatter(*at, s=190, facecolors="none", edgecolors=look.colour, linewidths=1.8, zorder=4)
        offset = {"xytext": (0, 11), "textcoords": "offset points", "ha": "center"}
        ax.annotate(points(row["AP_box"]), at, weight="bold", **offset)
    ax.set(xscale=_scale(values(frame, x)), yscale=_scale(values(frame, y)))
    ax.margins(0.12)
    for axis, name, steps in ((ax.xaxis, x, (1, 2, 5)), (ax.yaxis, y, (1,))):
        low, high = min(values(frame, name)), max(values(frame, name))
        wide = low > 0 and high / low > NARROW
        axis.set_major_locator(LogLocator(subs=steps) if wide else MaxNLocator(nbins=4))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axis.set_minor_locator(NullLocator())
    ax.set_xlabel(titled(x))
    ax.set_ylabel(titled(y))
    return drawn


def parallel(results: Results, study: str, size: int) -> pd.DataFrame:
    """The tuning trials of a size as lines across their hyper-parameters and their AP.

    Columns: `trial_id`, `arm`, `chosen`, `axis` (what was searched, length, and AP_box), `value`
    (in its own unit; the length of the best record), `at` (0 to 1 between the least and the
    greatest value of all trials, by the logarithm except for AP). Trials without a score are left
    out.
    """
    trials = scored(where(results.trials, study=study, size=size, role="tune"))
    chosen = set(where(settings.best(results), study=study, size=size)["trial_id"])
    found: list[dict[str, Any]] = []
    for axis in (*results.searched(study), "length", "AP_box"):
        raw = [float(value) for value in values(trials, axis)]
        scale = raw if axis == "AP_box" else [math.log(value) for value in raw]
        low, high = min(scale, default=0.0), max(scale, default=0.0)
        found += [
            {"trial_id": row["trial_id"], "arm": row["arm"], "chosen": row["trial_id"] in chosen}
            | {"axis": axis, "value": value, "at": (x - low) / (high - low) if high > low else 0.5}
            for row, value, x in zip(rows(trials), raw, scale, strict=True)
        ]
    names = ["trial_id", "arm", "chosen", "axis", "value", "at"]
    return pd.DataFrame(found, columns=pd.Index(names))


def draw_parallel(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`parallel` on an Axes: better trials darker, the chosen of each arm bold."""
    names = list(dict.fromkeys(frame["axis"]))
    for (_, arm), trial in groups(frame, "trial_id", "arm"):
        at = dict(zip(trial["axis"], trial["at"], strict=True))
        bold, look = bool(trial["chosen"].iloc[0]), looks[arm]
        ax.plot(
            range(len(names)),
            [at[name] for name in names],
            color=look.colour,
            alpha=1.0 if bold else 0.12 + 0.5 * at["AP_box"],
            linewidth=2.4 if bold else 0.8,
            marker=look.marker if bold else "",
            markersize=5.5,
            zorder=3 if bold else 2,
        )
    for place, axis in enumerate(names):
        ax.axvline(place, color=RULE, linewidth=1.0, zorder=1)
        mine = values(where(frame, axis=axis), "value")
        for value, y, side in ((min(mine), 0, "top"), (max(mine), 1, "bottom")):
            offset = {"xytext": (0, -5 if y == 0 else 5), "textcoords": "offset points"}
            text = f"{value:.1f}" if axis == "AP_box" else number(value)
            ax.annotate(text, (place, y), ha="center", va=side, fontsize=9, **offset)
    ax.set_xticks(range(len(names)), [axis_title(name) for name in names])
    ax.tick_params(axis="x", pad=16, length=0)
    ax.set_yticks([])
    ax.set_ylim(-0.02, 1.06)
    ax.margins(x=0.1)
    ax.grid(visible=False)
    ax.spines[["left", "bottom"]].set_visible(False)


def axis_title(axis: str) -> str:
    """An axis of `parallel` as people call it."""
    return "AP" if axis == "AP_box" else titled(axis)


def _scale(found: Sequence[float]) -> str:
    return "log" if min(found) > 0 else "linear"


def draw_tuning(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """Rows of `analysis.tuning_curve` of one size: a curve per arm, with its band if any."""
    for (arm,), mine in groups(frame, "arm"):
        look = looks[arm]
        ax.plot(mine["trials"], mine["AP_box"], color=look.colour, linewidth=1.8)
        last = rows(mine)[-1]
        end = {"color": look.colour, "marker": look.marker, "s": 42, "zorder": 3}
        ax.scatter(last["trials"], last["AP_box"], **end)
        band = {"color": look.colour, "alpha": 0.16, "linewidth": 0}
        ax.fill_between(mine["trials"], mine["AP_box_low"], mine["AP_box_high"], **band)
    ax.set_xlabel("trials")
    ax.set_ylabel("expected best box AP")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.grid(axis="x", visible=False)
