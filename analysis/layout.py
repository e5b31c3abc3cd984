"""Frames as the strings that people read: in the report and on the terminal alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.frames import rows
from analysis.words import between, claim, duration, images, number, points, verdict


@dataclass(frozen=True)
class Column:
    """A column as shown."""

    title: str
    number: bool = True  # set to the right
    arm: bool = False  # shown with the arm's mark
    wrap: bool = False


@dataclass(frozen=True)
class Table:
    """A table as shown: strings, in the order of the columns."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    tall: bool = False  # may need its own scroll bar


IMAGES, ARM = Column("images"), Column("arm", number=False, arm=True)


def answer(table: pd.DataFrame) -> Table:
    """Both arms of every size, with the difference in the row of the arm compared."""
    columns = [
        IMAGES,
        ARM,
        *(Column(f"{kind} {what}") for what in ("AP", "difference") for kind in ("box", "mask")),
        Column("seeds"),
        Column("scored on", number=False),
    ]
    found: list[list[str]] = []
    shown: set[tuple[int, str]] = set()
    for row in rows(table):
        on = "report split" if row["split"] == "report" else "tuning split, one seed, optimistic"
        for side in ("reference", "arm"):
            arm, place = row[side], (row["size"], row[side])
            if not isinstance(arm, str) or place in shown:
                continue
            shown.add(place)
            scores = [_ends(row, f"AP_{kind}_{side}") for kind in ("box", "mask")]
            gaps = [_ends(row, f"AP_{kind}_difference") for kind in ("box", "mask")]
            gaps = gaps if side == "arm" else ["", ""]
            seeds = str(row[f"seeds_{side}"])
            found.append([number(row["size"]), arm, *scores, *gaps, seeds, on])
    level = f"{table['level'].iloc[0] * 100:g}" if len(table) else "95"
    caption = f"Tuned AP, mean over seeds, with {level} % intervals in brackets"
    return Table(caption, columns, found)


def settings(best: pd.DataFrame) -> Table:
    """The chosen setting of each arm and size; an asterisk marks the end of what was searched."""
    titles = ("learning rate", "weight decay", "length", "factor")
    more = ("AP when tuned", "images a run", "trials")
    columns = [IMAGES, ARM, *map(Column, titles + more)]
    found = [
        [
            number(row["size"]),
            row["arm"],
            *(
                number(row[name]) + ("*" if row[f"{name}_edge"] else "")
                for name in ("lr", "weight_decay", "length")
            ),
            number(row["factor"]),
            points(row["AP_box"]),
            number(row["images_seen"]),
            number(row["trials"]),
        ]
        for row in rows(best)
    ]
    caption = "Chosen on the tuning split; * at the end of what was searched"
    return Table(caption, columns, found)


def costs(table: pd.DataFrame) -> Table:
    """What was spent, whatever became of the trials."""
    counts = ("trials", "finished", "stopped", "diverged", "failed")
    titles = (*counts, "under way", "images", "iterations", "device time", "as separate runs")
    columns = [IMAGES, ARM, Column("role", number=False), *map(Column, titles)]
    table = table.assign(under_way=table["running"] + table["preempted"])
    sums = table.select_dtypes("number").sum()

    def cells(row: Any) -> list[str]:
        plain = [number(row[name]) for name in (*counts, "under_way", "images", "iterations")]
        return [*plain, duration(row["device_seconds"]), number(row["independent_images"])]

    found = [[number(r["size"]), r["arm"], r["role"], *cells(r)] for r in rows(table)]
    caption = "Training images, iterations and wall time x workers; last: images had every length"
    caption += " been trained on its own"
    return Table(caption, columns, found, ["all", "", "", *cells(sums)])


def saving(table: pd.DataFrame) -> str:
    """The bill in a sentence."""
    spent, alone = int(table["images"].sum()), int(table["independent_images"].sum())
    text = (
        f"{number(table['trials'].sum())} trials trained on {number(spent)} images in"
        f" {duration(table['device_seconds'].sum())} of device time."
    )
    if alone > spent > 0:
        text += (
            f" Separate trainings of every recorded length would have taken {number(alone)}"
            f" images, {alone / spent:.1f} times as many."
        )
    return text


def trials(table: pd.DataFrame) -> Table:
    """Every trial on a line."""
    texts = ("role", "state")
    columns = [IMAGES, ARM, *(Column(text, number=False) for text in texts)]
    titles = ("seed", "learning rate", "weight decay", "length", "box AP", "mask AP", "images")
    columns += [*map(Column, titles), Column("device time"), Column("error", False, wrap=True)]
    found = [
        [
            *(number(row["size"]), row["arm"], row["role"], row["state"], str(row["seed"])),
            *(number(row[name]) for name in ("lr", "weight_decay", "length")),
            *(points(row[name]) for name in ("AP_box", "AP_mask")),
            *(number(row["images"]), duration(row["device_seconds"])),
            row["error"].strip().rsplit("\n", 1)[-1],
        ]
        for row in rows(table)
    ]
    return Table("Best record of every trial", columns, found, tall=True)


def audit(table: pd.DataFrame) -> Table:
    """Parameters loaded, random and frozen."""
    kinds = ("loaded", "random", "frozen", "trials")
    columns = [ARM, Column("parameters", number=False), *map(Column, kinds)]
    found = [[r["arm"], r["group"], *(number(r[kind]) for kind in kinds)] for r in rows(table)]
    return Table("Parameters by where they come from", columns, found)


@dataclass(frozen=True)
class Verdict:
    """One row of the answer as the page opens with it."""

    size: str
    gap: str
    leader: str  # the arm that is ahead; empty if none may be called so
    claimed: bool
    text: str
    bar: dict[str, float] | None  # per cent of the width: zero, mean, low, width


def verdicts(table: pd.DataFrame) -> list[Verdict]:
    """The rows of the answer on one common scale."""
    names = [f"AP_box_difference{end}" for end in ("", "_low", "_high")]
    values = [v for name in names for v in table[name] if math.isfinite(v)]
    low, high = min([0.0, *values]), max([0.0, *values])
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    found: list[Verdict] = []
    for row in rows(table):
        what, (mean, bottom, top) = claim(row), (row[name] for name in names)
        leader = {"ahead": row["arm"], "behind": row["reference"]}.get(what, "")
        bar = None
        if math.isfinite(mean):
            bar = {"zero": at(0), "mean": at(mean)}
            if math.isfinite(bottom):
                bar |= {"low": at(bottom), "width": round(at(top) - at(bottom), 2)}
            else:
                bar |= {"low": 0.0, "width": 0.0}
        sign = "+" if mean > 0 else ""
        text = verdict(row).split(": ", 1)[1]
        text = text[0] + text[1:] + "."
        gap = f"{sign}{points(mean)}"
        found.append(Verdict(images(row["size"]), gap, leader, bool(leader), text, bar))
    return found


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as (dotted name, text)."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            found += flat(value, f"{name}.")
        elif isinstance(value, list):
            found.append((name, ", ".join(map(str, value))))
        else:
            found.append((name, "none" if value is None else str(value)))
    return found


def _ends(row: dict[str, Any], name: str) -> str:
    return between(row[name], row[f"{name}_low"], row[f"{name}_high"])
