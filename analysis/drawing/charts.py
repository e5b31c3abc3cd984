"""More figures in two halves, as in `plots`: learning, searching, stopping and spending.

Arms are told apart by colour and marker; what else differs (roles, how a trial ended) by hatch,
marker or line, so that nothing hangs on colour alone.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.answers import tables
from analysis.drawing.looks import INK, PAPER, RULE, Look
from analysis.reading.frames import groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.words import number

HATCHES = {"tune": "", "audit": "....", "confirm": "////", "cross": "xxxx"}
ENDS = {"finished": "o", "stopped": "|", "diverged": "x", "failed": "X"}
AXES = {"lr": "learning rate", "weight_decay": "weight decay", "length": "length", "AP_box": "AP"}


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


def parallel(results: Results, study: str, size: int) -> pd.DataFrame:
    """The tuning trials of a size as lines across their hyper-parameters and their AP.

    Columns: `trial_id`, `arm`, `chosen`, `axis` (lr, weight_decay, length or AP_box), `value` (in
    its own unit; the length of the best record), `at` (0 to 1 between the least and the greatest
    value of all trials, by the logarithm except for AP). Trials without a score are left out.
    """
    trials = scored(where(results.trials, study=study, size=size, role="tune"))
    chosen = set(where(tables.best(results), study=study, size=size)["trial_id"])
    found: list[dict[str, Any]] = []
    for axis in AXES:
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
    names = list(AXES)
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
    ax.set_xticks(range(len(names)), [AXES[name] for name in names])
    ax.tick_params(axis="x", pad=16, length=0)
    ax.set_yticks([])
    ax.set_ylim(-0.02, 1.06)
    ax.margins(x=0.1)
    ax.grid(visible=False)
    ax.spines[["left", "bottom"]].set_visible(False)


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
        _above(ax)
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
    _above(ax)
    ax.set_xticks(range(len(sizes)), [number(size) for size in sizes])
    ax.set_xlabel("training images")
    ax.set_ylabel("device hours")
    ax.margins(y=0.12)
    ax.grid(axis="x", visible=False)


def _above(ax: Axes) -> None:
    """A legend on one line above the Axes, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 0.98), "borderaxespad": 0.0}
    ax.legend(frameon=False, fontsize=9, ncols=5, handletextpad=0.5, columnspacing=1.2, **place)


def _of_chosen(results: Results, study: str, size: int) -> pd.DataFrame:
    """The evaluations of the trials that hold their arm's chosen setting, by iteration."""
    chosen = where(tables.best(results), study=study, size=size)["trial_id"].tolist()
    curves = scored(where(results.curves, study=study, size=size, role="tune"))
    return curves.loc[curves["trial_id"].isin(chosen).to_numpy()].sort_values(
        ["arm", "iteration"], kind="stable"
    )


def _against_iterations(ax: Axes, what: str) -> None:
    ax.set_xlabel("iterations")
    ax.set_ylabel(what)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter(FuncFormatter(_short))
    ax.grid(axis="x", visible=False)


def _short(value: float, _: int) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
