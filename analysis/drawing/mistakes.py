"""What each kind of mistake costs the arms: bars side by side."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from analysis.detections.mistakes import KINDS
from analysis.drawing.looks import INK, Look
from analysis.reading.frames import rows, where
from analysis.text.words import points

HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++")


def draw_errors(ax: Axes, table: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`errors` of one study and size on an Axes: a group of bars for each kind, a bar an arm."""
    arms = [arm for arm in looks if arm in set(table["arm"])]
    height = 0.8 / max(1, len(arms))
    for side, arm in enumerate(arms):
        costs = {row["error"]: row["cost"] for row in rows(where(table, arm=arm))}
        at = [place + (side - (len(arms) - 1) / 2) * height for place in range(len(KINDS))]
        ax.barh(
            at,
            [costs[error] for error in KINDS],
            0.9 * height,
            color=looks[arm].colour,
            hatch=HATCHES[side % len(HATCHES)],
            edgecolor=INK,
            linewidth=0.4,
        )
        for place, error in zip(at, KINDS, strict=True):
            beside = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
            ax.annotate(points(costs[error]), (costs[error], place), fontsize=9, **beside)
    ax.set_yticks(range(len(KINDS)), list(KINDS))
    ax.invert_yaxis()
    ax.set_xlabel("AP50 lost to it, points")
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
