"""AP of the arms against the number of training images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.answers import settings
from analysis.answers.answer import answer
from analysis.drawing.looks import PAPER, Look
from analysis.reading.frames import Row, rows, scored, where
from analysis.reading.load import Results
from analysis.text.words import number


def by_size(results: Results, study: str, kind: str = "box") -> pd.DataFrame:
    """AP of each arm against training-set size; `kind` is box or mask.

    Columns: `arm`, `size` (images), `what` ("mean" over seeds, or one "run"), `AP`, `low`, `high`
    (points; NaN without an interval), `split` (tune while an arm is not confirmed).
    """
    found: list[dict[str, Any]] = []
    runs = where(scored(settings.confirmed(results)), study=study)
    seen: set[tuple[str, int]] = set()
    for row in rows(where(answer(results), study=study)):
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


def _grouped(value: float, _: int) -> str:
    return number(float(np.round(value)))
