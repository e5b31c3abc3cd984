"""Figures in two halves: a function that computes a frame, and one that draws it on given Axes.

The drawing half does no arithmetic, so that what is seen can be tested as a frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from analysis.answers import tables
from analysis.drawing.looks import INK, PAPER, RULE, Look
from analysis.reading.frames import Row, rows, scored, where
from analysis.reading.load import Results
from analysis.text.words import number, points

STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and restyled
}

THERMAL = "cividis"  # for AP; monotone in lightness and readable with any colour blindness


def learning_curves(results: Results, study: str, size: int) -> pd.DataFrame:
    """AP at the end of each length, for every tune trial of one size.

    Columns: `trial_id`, `arm`, `images_seen` (images behind the weights), `AP_box` (points, the
    best factor at that length), `chosen` (whether the trial holds its arm's chosen setting).
    """
    tails = scored(where(results.tails, study=study, size=size, role="tune"))
    chosen = set(where(tables.best(results), study=study, size=size)["trial_id"])
    top: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows(tails):
        point = {key: row[key] for key in ("trial_id", "arm", "images_seen", "AP_box")}
        place = (row["trial_id"], row["length"])
        if place not in top or row["AP_box"] > top[place]["AP_box"]:
            top[place] = point | {"chosen": row["trial_id"] in chosen}
    return pd.DataFrame(
        list(top.values()), columns=["trial_id", "arm", "images_seen", "AP_box", "chosen"]
    ).sort_values(["chosen", "trial_id", "images_seen"], ignore_index=True)


def draw_learning_curves(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`learning_curves` on an Axes: every trial thin, the chosen one of each arm bold."""
    for _, trial in frame.groupby("trial_id", sort=False):
        last = rows(trial)[-1]
        look, bold = looks[last["arm"]], last["chosen"]
        ax.plot(
            trial["images_seen"],
            trial["AP_box"],
            color=look.colour,
            linewidth=2.2 if bold else 0.8,
            alpha=1.0 if bold else 0.45,
            marker=look.marker,
            markersize=6 if bold else 2.5,
            markeredgecolor=PAPER if bold else look.colour,
            markeredgewidth=0.8 if bold else 0,
            zorder=3 if bold else 2,
        )
    ax.set_xlabel("training images seen")
    ax.set_ylabel("box AP, tuning split")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_formatter(FuncFormatter(_short))
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="x", visible=False)


def by_size(results: Results, study: str, kind: str = "box") -> pd.DataFrame:
    """AP of each arm against training-set size; `kind` is box or mask.

    Columns: `arm`, `size` (images), `what` ("mean" over seeds, or one "run"), `AP`, `low`, `high`
    (points; NaN without an interval), `split` (tune while an arm is not confirmed).
    """
    found: list[dict[str, Any]] = []
    runs = where(scored(tables.confirmed(results)), study=study)
    seen: set[tuple[str, int]] = set()
    for row in rows(where(tables.answer(results), study=study)):
        for side in ("reference", "arm"):
            place = (row[side], row["size"])
            name = f"AP_{kind}_{side}"
            if place in seen or not math.isfinite(row[name]):
                continue
            seen.add(place)
            ends = {"AP": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
            base = {"arm": row[side], "size": row["size"], "split": row["split"]}
            found.append(base | {"what": "mean"} | ends)
            if row["split"] == "report":
                mine = where(runs, arm=row[side], size=row["size"])[f"AP_{kind}"]
                found += [base | {"what": "run", "AP": ap} for ap in mine]
    names = ["arm", "size", "what", "AP", "low", "high", "split"]
    return pd.DataFrame(found, columns=pd.Index(names))


def draw_by_size(
    ax: Axes,
    frame: pd.DataFrame,
    looks: dict[str, Look],
    kind: str = "box",
    ends: Sequence[Row] = (),
) -> None:
    """`by_size` on an Axes: means joined, intervals as bars, runs as dots, tuning split hollow.

    `ends`: rows of `analysis.crossover`; a shade over the sizes at which a lead may end.
    """
    for arm in dict.fromkeys(frame["arm"]):
        look, mine = looks[arm], where(frame, arm=arm)
        means, runs = where(mine, what="mean"), where(mine, what="run")
        ax.plot(means["size"], means["AP"], color=look.colour, linewidth=1.8, zorder=3)
        ax.vlines(means["size"], means["low"], means["high"], color=look.colour, linewidth=1.8)
        ax.scatter(runs["size"], runs["AP"], s=9, color=look.colour, alpha=0.55, linewidths=0)
        for split, face in (("report", look.colour), ("tune", PAPER)):
            here = where(means, split=split)
            style = {"s": 42, "marker": look.marker, "zorder": 4, "linewidths": 1.4}
            ax.scatter(here["size"], here["AP"], facecolors=face, edgecolors=look.colour, **style)
    ax.set_xscale("log")
    sizes = sorted(set(frame["size"]))
    ax.xaxis.set_major_locator(FixedLocator(sizes))
    ax.xaxis.set_major_formatter(FuncFormatter(_grouped))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(x=0.08)
    ax.set_ylim(bottom=0)
    for end in ends:
        _draw_crossover(ax, end, looks[end["arm"]])
    ax.set_xlabel("training images")
    ax.set_ylabel(f"{kind} AP")
    ax.grid(axis="x", visible=False)


def _draw_crossover(ax: Axes, end: Row, look: Look) -> None:
    """The interval in the arm's colour, the estimate as a line; open ends reach the frame's."""
    left, right = ax.get_xlim()
    low, high = (min(max(end[f"crossover_{side}"], left), right) for side in ("low", "high"))
    ax.axvspan(low, high, color=look.colour, alpha=0.13, linewidth=0, zorder=0)
    if left < end["crossover"] < right:
        ax.axvline(end["crossover"], color=look.colour, linestyle="--", linewidth=1.2, zorder=1)
    ax.set_xlim(left, right)


def settings(results: Results, study: str, size: int, arm: str) -> pd.DataFrame:
    """Where the trials of one arm and size were, and what they scored.

    Columns: `trial_id`, `lr`, `weight_decay`, `AP_box` (points, NaN if never scored), `state`,
    `chosen`.
    """
    trials = where(results.trials, study=study, size=size, arm=arm, role="tune")
    chosen = set(where(tables.best(results), study=study, size=size, arm=arm)["trial_id"])
    names = ["trial_id", "lr", "weight_decay", "AP_box", "state"]
    frame = trials.reindex(columns=names).reset_index(drop=True)
    return frame.assign(chosen=[trial in chosen for trial in frame["trial_id"]])


def draw_settings(ax: Axes, frame: pd.DataFrame, look: Look, highest: float) -> PathCollection:
    """`settings` on an Axes: coloured by AP from 0 to `highest`, crosses without a score.

    Returns the coloured points, for a colour bar.
    """
    there = frame["AP_box"].notna().to_numpy()
    hit, miss = frame.loc[there], frame.loc[~there]
    drawn = ax.scatter(
        hit["lr"],
        hit["weight_decay"],
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
    ax.scatter(miss["lr"], miss["weight_decay"], marker="x", s=32, color=INK, linewidths=1.2)
    for row in rows(where(frame, chosen=True)):
        at = (row["lr"], row["weight_decay"])
        ax.scatter(*at, s=190, facecolors="none", edgecolors=look.colour, linewidths=1.8, zorder=4)
        offset = {"xytext": (0, 11), "textcoords": "offset points", "ha": "center"}
        ax.annotate(points(row["AP_box"]), at, weight="bold", **offset)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis, steps in ((ax.xaxis, (1, 2, 5)), (ax.yaxis, (1,))):
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axis.set_minor_locator(NullLocator())
    ax.margins(0.12)
    ax.set_xlabel("learning rate")
    ax.set_ylabel("weight decay")
    return drawn


def seen(account: pd.DataFrame) -> pd.DataFrame:
    """What arms have seen, as the segments of bars: the paper's Fig. 2.

    `account`: the rows of `analysis.seen` of one study and size, or of `analysis.seen.paper`.

    Columns: `arm`, `currency`, `part` (pretraining or training), `low`, `high` (its ends, in
    multiples of all that the reference has seen), `ratio` (the arm's total over the reference's).
    What is nothing, or not known, has no row.
    """
    found: list[dict[str, Any]] = []
    for row in rows(account):
        own = {name: row[name] for name in ("arm", "currency", "ratio")}
        scale = row["ratio"] / row["total"]
        low = 0.0
        for part in ("pretraining", "training"):
            if (high := low + scale * row[part]) > low:
                found.append(own | {"part": part, "low": low, "high": high})
                low = high
    names = ["arm", "currency", "part", "low", "high", "ratio"]
    return pd.DataFrame(found, columns=pd.Index(names))


def draw_seen(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`seen` on an Axes: a bar per currency and arm, pre-training hatched, training solid."""
    arms = [arm for arm in looks if arm in set(frame["arm"])]
    currencies = list(dict.fromkeys(frame["currency"]))
    width = 0.8 / max(1, len(arms))
    for place, currency in enumerate(currencies):
        for side, arm in enumerate(arms):
            at = place + (side - (len(arms) - 1) / 2) * width
            parts = rows(where(frame, arm=arm, currency=currency))
            for part in parts:
                before = part["part"] == "pretraining"
                ax.bar(
                    at,
                    part["high"] - part["low"],
                    0.9 * width,
                    bottom=part["low"],
                    facecolor=PAPER if before else looks[arm].colour,
                    edgecolor=looks[arm].colour,
                    hatch="////" if before else None,
                    linewidth=0.8,
                )
            if parts:
                above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
                ax.annotate(f"{parts[-1]['ratio']:.3g}×", (at, parts[-1]["high"]), **above)
    ax.set_xticks(range(len(currencies)), currencies)
    ax.set_ylabel("seen, as multiples")
    ax.margins(y=0.12)
    ax.grid(axis="x", visible=False)


def _short(value: float, _: int) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _grouped(value: float, _: int) -> str:
    return number(float(np.round(value)))
