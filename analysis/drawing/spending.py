"""What a study cost, and when its trials ran."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.drawing.looks import INK, PAPER, Look
from analysis.drawing.style import legend_above
from analysis.reading.frames import groups, rows, where
from analysis.reading.load import Results
from analysis.text.words import number

HATCHES = {"tune": "", "audit": "....", "confirm": "////", "cross": "xxxx"}
ENDS = {"finished": "o", "stopped": "|", "diverged": "x", "failed": "X"}


def timeline(results: Results, study: str) -> pd.DataFrame:
    """When every trial ran, and how it ended.

    Columns: `trial_id`, `arm`, `size`, `role`, `state`, `place` (0, 1, … in the order of their
    beginnings), `began` and `ended` (hours since the study's first trial began; the last event or
    record so far; waiting included).
    """
    trials = where(results.trials, study=study)
    trials = trials.loc[trials["started"].notna().to_numpy()]
    trials = trials.sort_values(["started", "trial_id"], kind="stable", ignore_index=True)
    first = trials["started"].min()
    return pd.DataFrame(
        {
            **{name: trials[name] for name in ("trial_id", "arm", "size", "role", "state")},
            "place": np.arange(len(trials)),
            "began": (trials["started"] - first).dt.total_seconds() / 3600,
            "ended": (trials["updated"] - first).dt.total_seconds() / 3600,
        }
    )


def draw_timeline(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`timeline` on an Axes: a bar per trial from the top down, and a mark for how it ended."""
    many = len(frame) > 60
    for (arm,), mine in groups(frame, "arm"):
        how = {"color": looks[arm].colour, "linewidth": 0.8 if many else 2.2, "alpha": 0.75}
        ax.hlines(mine["place"], mine["began"], mine["ended"], **how)
    for state, marker in ENDS.items():
        ended = where(frame, state=state)
        size = 6 if many else 20
        style = {"marker": marker, "s": size, "color": INK, "linewidths": 0.8, "zorder": 3}
        if len(ended) and state != "finished":
            ax.scatter(ended["ended"], ended["place"], label=state, **style)
    if any(state in ENDS and state != "finished" for state in frame["state"]):
        legend_above(ax)
    ax.invert_yaxis()
    ax.set_yticks([])
    ax.set_xlim(left=0)
    ax.set_xlabel("hours since the study began")
    ax.set_ylabel("trials, first to last")
    ax.grid(axis="y", visible=False)


def spent(results: Results, study: str) -> pd.DataFrame:
    """What each arm and size cost by role.

    Columns: `size`, `arm`, `role`, `device_hours` (wall time × workers), `images`, `low` and
    `high` (ends of its segment when roles are stacked, in device hours).
    """
    found: list[dict[str, Any]] = []
    for (size, arm), group in groups(where(results.costs, study=study), "size", "arm"):
        low = 0.0
        for row in rows(group):
            hours = row["device_seconds"] / 3600
            place = {"size": size, "arm": arm, "role": row["role"], "images": row["images"]}
            found.append(place | {"device_hours": hours, "low": low, "high": low + hours})
            low += hours
    names = ["size", "arm", "role", "device_hours", "images", "low", "high"]
    return pd.DataFrame(found, columns=pd.Index(names))


def draw_spent(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`spent` on an Axes: a bar per size and arm, a hatch per role."""
    arms = [arm for arm in looks if arm in set(frame["arm"])]
    sizes = sorted(set(frame["size"]))
    width, told = 0.8 / max(1, len(arms)), set()
    for row in rows(frame):
        at = sizes.index(row["size"]) + (arms.index(row["arm"]) - (len(arms) - 1) / 2) * width
        tune, look = row["role"] == "tune", looks[row["arm"]]
        ax.bar(
            at,
            row["device_hours"],
            0.9 * width,
            bottom=row["low"],
            facecolor=look.colour if tune else PAPER,
            edgecolor=look.colour,
            hatch=HATCHES.get(row["role"], "--"),
            linewidth=0.8,
        )
        told.add(row["role"])
    for role in (role for role in HATCHES if role in told):
        face, hatch = INK if role == "tune" else PAPER, HATCHES[role]
        ax.bar(0, 0, label=role, hatch=hatch, linewidth=0.8, facecolor=face, edgecolor=INK)
    legend_above(ax)
    ax.set_xticks(range(len(sizes)), [number(size) for size in sizes])
    ax.set_xlabel("training images")
    ax.set_ylabel("device hours")
    ax.margins(y=0.12)
    ax.grid(axis="x", visible=False)
