"""How the arms learn: every trial by images seen, and the chosen ones on their way."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.answers import settings
from analysis.drawing.looks import PAPER, Look
from analysis.drawing.style import from_zero, shortened
from analysis.reading.frames import groups, rows, scored, where
from analysis.reading.load import Results


def learning_curves(results: Results, study: str, size: int) -> pd.DataFrame:
    """AP at the end of each length, for every tune trial of one size.

    Columns: `trial_id`, `arm`, `images_seen` (images behind the weights), `AP_box` (points, the
    best factor at that length), `chosen` (whether the trial holds its arm's chosen setting).
    """
    tails = scored(where(results.tails, study=study, size=size, role="tune"))
    chosen = set(where(settings.best(results), study=study, size=size)["trial_id"])
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
    from_zero(ax)
    ax.xaxis.set_major_formatter(FuncFormatter(shortened))
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="x", visible=False)


def leaps(results: Results, study: str, size: int) -> pd.DataFrame:
    """AP of each arm's chosen trial on its way: the paper's Figs. 1 and 3 for one size.

    Columns: `arm`, `part` (trunk, or tail: the end of a length's training, at its best drop
    factor), `length` (iterations T of the tail, 0 on the trunk), `iteration`, `AP_box` (points).
    A tail has two rows, from the trunk's AP where it forks, if that was evaluated, else one.
    """
    schedule = results.manifests[study]["question"].get("fixed", {}).get("schedule", {})
    before = (schedule.get("tail") or [0])[0]  # iterations of a tail
    found: list[dict[str, Any]] = []
    for (arm,), curve in groups(_of_chosen(results, study, size), "arm"):
        trunk = {r["iteration"]: r["AP_box"] for r in rows(where(curve, weights="trunk"))}
        base = {"arm": arm, "part": "trunk", "length": 0}
        found += [base | {"iteration": at, "AP_box": ap} for at, ap in sorted(trunk.items())]
        ends: dict[int, float] = {}
        for row in rows(where(curve, weights="tail")):
            ends[row["length"]] = max(row["AP_box"], ends.get(row["length"], -math.inf))
        for length, ap in sorted(ends.items()):
            tail = {"arm": arm, "part": "tail", "length": length}
            if (fork := length - before) in trunk:
                found.append(tail | {"iteration": fork, "AP_box": trunk[fork]})
            found.append(tail | {"iteration": length, "AP_box": ap})
    names = ["arm", "part", "length", "iteration", "AP_box"]
    return pd.DataFrame(found, columns=pd.Index(names))


def draw_leaps(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`leaps` on an Axes: the trunk thin, each tail a leap up from it to a mark."""
    for (arm,), mine in groups(frame, "arm"):
        look, trunk = looks[arm], where(mine, part="trunk")
        ax.plot(trunk["iteration"], trunk["AP_box"], color=look.colour, linewidth=0.9)
        tails = where(mine, part="tail")
        ends = tails.drop_duplicates("length", keep="last")
        joined = "none" if len(trunk) else ":"
        ax.plot(
            ends["iteration"],
            ends["AP_box"],
            color=look.colour,
            linestyle=joined,
            linewidth=1.2,
            marker=look.marker,
            markersize=6.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            zorder=3,
        )
        for _, tail in groups(tails, "length"):
            ax.plot(tail["iteration"], tail["AP_box"], color=look.colour, linewidth=2.0)
    _against_iterations(ax, "box AP, tuning split")


def losses(results: Results, study: str, size: int) -> pd.DataFrame:
    """Training loss of each arm's chosen trial, beside `leaps` the paper's Figs. 7 and 8.

    Columns: `arm`, `part` (trunk or tail), `iteration` (at the end of a leg), `loss` (the sum of
    all losses, mean over the iterations of that leg).
    """
    curve = _of_chosen(results, study, size)
    curve = curve.loc[
        (curve["weights"] != "average").to_numpy() & curve["loss"].notna().to_numpy()
    ]
    frame = curve.drop_duplicates(["arm", "weights", "iteration"])
    frame = frame[["arm", "weights", "iteration", "loss"]].rename(columns={"weights": "part"})
    return frame.sort_values(["arm", "iteration"], kind="stable", ignore_index=True)


def draw_losses(ax: Axes, frame: pd.DataFrame, looks: dict[str, Look]) -> None:
    """`losses` on an Axes: a line per arm and part, tails marked."""
    for (arm, part), mine in groups(frame, "arm", "part"):
        look = looks[arm]
        marks = {"marker": look.marker, "markersize": 6.0} if part == "tail" else {}
        line = "-" if part == "trunk" else "--"
        ax.plot(mine["iteration"], mine["loss"], color=look.colour, linestyle=line, **marks)
    _against_iterations(ax, "training loss")


def _of_chosen(results: Results, study: str, size: int) -> pd.DataFrame:
    """The evaluations of the trials that hold their arm's chosen setting, by iteration."""
    chosen = where(settings.best(results), study=study, size=size)["trial_id"].tolist()
    curves = scored(where(results.curves, study=study, size=size, role="tune"))
    return curves.loc[curves["trial_id"].isin(chosen).to_numpy()].sort_values(
        ["arm", "iteration"], kind="stable"
    )


def _against_iterations(ax: Axes, what: str) -> None:
    ax.set_xlabel("iterations")
    ax.set_ylabel(what)
    ax.set_xlim(left=0)
    from_zero(ax)
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter(FuncFormatter(shortened))
    ax.grid(axis="x", visible=False)
