"""AP of the arms against the number of training images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.answers import settings
from analysis.answers.answer import answer, by_arm
from analysis.answers.starts import FEW
from analysis.drawing.looks import INK, PAPER, Look
from analysis.drawing.style import from_zero, shortened_name
from analysis.reading.frames import Row, rows, scored, where
from analysis.reading.load import Results
from analysis.text.words import number

ASIDE = 0.05  # of the way between two sizes, between two arms at one size


def by_size(results: Results, study: str, kind: str = "box") -> pd.DataFrame:
    """AP of each arm against training-set size; `kind` is box or mask.

    Columns: `arm`, `size` (images), `what` ("mean" over seeds, or one "run"), `AP`, `low`, `high`
    (points; NaN without an interval), `split` (tune while an arm is not confirmed).
    """
    found: list[dict[str, Any]] = []
    runs = where(scored(settings.confirmed(results)), study=study)
    told, order = by_arm(where(answer(results), study=study)), results.arms(study)
    for _, size, arm in sorted(told, key=lambda place: (place[1], order.index(place[2]))):
        row, side = told[study, size, arm]
        name = f"AP_{kind}_{side}"
        if not math.isfinite(row[name]):
            continue
        ends = {"AP": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
        base = {"arm": arm, "size": size, "split": row["split"]}
        found.append(base | {"what": "mean"} | ends)
        if row["split"] == "report":
            mine = where(runs, arm=arm, size=size)[f"AP_{kind}"]
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
    beside = _beside(frame, looks)
    for arm in dict.fromkeys(frame["arm"]):
        look, mine = looks[arm], where(frame, arm=arm)
        means, runs = (beside(where(mine, what=what), arm) for what in ("mean", "run"))
        _draw_means(ax, means, look)
        ax.scatter(runs["size"], runs["AP"], s=9, color=look.colour, alpha=0.55, linewidths=0)
    _against_sizes(ax, frame)
    from_zero(ax)
    if len(looks) < FEW:  # the shades of several arms would hide one another
        for end in ends:
            _draw_crossover(ax, end, looks[end["arm"]])
    ax.set_ylabel(f"{kind} AP")


def leads(table: pd.DataFrame) -> pd.DataFrame:
    """Each arm's lead over the reference, from rows of `analysis.answer` of one study.

    Columns: `arm`, `size` (images), `AP` (box, the arm minus the reference, points), `low`, `high`
    (NaN without an interval), `split` (tune while not both are confirmed).
    """
    ends = {"AP": "", "low": "_low", "high": "_high"}
    found = [
        {name: row[name] for name in ("arm", "size", "split")}
        | {name: row[f"AP_box_difference{end}"] for name, end in ends.items()}
        for row in rows(table)
        if math.isfinite(row["AP_box_difference"])
    ]
    return pd.DataFrame(found, columns=pd.Index(["arm", "size", *ends, "split"]))


def draw_leads(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look], reference: str) -> None:
    """`leads` on an Axes: as `draw_by_size`, with a line where an arm is as good as another."""
    beside = _beside(frame, looks)
    ax.axhline(0, color=INK, linewidth=1.0, zorder=1)
    for arm in dict.fromkeys(frame["arm"]):
        _draw_means(ax, beside(where(frame, arm=arm), arm), looks[arm])
    _against_sizes(ax, frame)
    ax.set_ylabel(f"box AP above {shortened_name(reference)}")


def _beside(frame: pd.DataFrame, looks: dict[str, Look]) -> Callable[[pd.DataFrame, str], Any]:
    """Moves the rows of an arm a little aside, where bars of several would lie on each other."""
    sizes = sorted(set(frame["size"]))
    nearest = min((b / a for a, b in itertools.pairwise(sizes)), default=1.0)
    arms = [arm for arm in looks if arm in set(frame["arm"])]

    def moved(rows_: pd.DataFrame, arm: str) -> pd.DataFrame:
        if len(looks) < FEW:
            return rows_
        by = nearest ** (ASIDE * (arms.index(arm) - (len(arms) - 1) / 2))
        return rows_.assign(size=rows_["size"] * by)

    return moved


def _draw_means(ax: Axes, means: pd.DataFrame, look: Look) -> None:
    ax.plot(means["size"], means["AP"], color=look.colour, linewidth=1.8, zorder=3)
    ax.vlines(means["size"], means["low"], means["high"], color=look.colour, linewidth=1.8)
    for split, face in (("report", look.colour), ("tune", PAPER)):
        here = where(means, split=split)
        style = {"s": 42, "marker": look.marker, "zorder": 4, "linewidths": 1.4}
        ax.scatter(here["size"], here["AP"], facecolors=face, edgecolors=look.colour, **style)


def _against_sizes(ax: Axes, frame: pd.DataFrame) -> None:
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(frame["size"]))))
    ax.xaxis.set_major_formatter(FuncFormatter(_grouped))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(x=0.08)
    ax.set_xlabel("training images")
    ax.grid(axis="x", visible=False)


def _draw_crossover(ax: Axes, end: Row, look: Look) -> None:
    """The interval in the arm's colour, the estimate as a line; open ends reach the frame's."""
    left, right = ax.get_xlim()
    low, high = (min(max(end[f"crossover_{side}"], left), right) for side in ("low", "high"))
    ax.axvspan(low, high, color=look.colour, alpha=0.13, linewidth=0, zorder=0)
    if left < end["crossover"] < right:
        ax.axvline(end["crossover"], color=look.colour, linestyle="--", linewidth=1.2, zorder=1)
    ax.set_xlim(left, right)


def _grouped(value: float, _: int) -> str:
    return number(float(np.round(value)))
