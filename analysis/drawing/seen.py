"""What the arms have seen in pre-training and training: the paper's Fig. 2."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis.drawing.looks import PAPER, Look
from analysis.reading.frames import rows, where


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
        scale = row["ratio"] / row["total"] if row["total"] else math.nan
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
