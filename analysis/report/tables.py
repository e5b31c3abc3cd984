"""The report's tables: frames as the strings that people read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.answers.answer import by_arm
from analysis.reading.columns import STATES
from analysis.reading.frames import groups, rows, values
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import between, counted, images, number, points, titled
from study.commands.words import duration

_ROLES = {
    "audit": "a stopped trial that was continued",
    "cross": "a run with another arm's best setting",
}
_SPLITS = {"report": "report split", "tune": "tuning split"}


def answer(table: pd.DataFrame) -> Table:
    """Both arms of every size, and below them how far they are apart."""
    kinds = [
        "box",
        *(["mask"] if any(map(math.isfinite, values(table, "AP_mask_reference"))) else []),
    ]
    titles = [Column(f"{kind} AP") for kind in kinds]
    columns = [IMAGES, ARM, *titles, Column("seeds"), Column("scored on", number=False)]
    found: list[list[str]] = []
    sides, shown = by_arm(table), set[tuple[int, str]]()
    for row in rows(table):
        size = number(row["size"])
        arms = [row[side] for side in ("reference", "arm") if isinstance(row[side], str)]
        for place in ((row["size"], arm) for arm in arms):
            if place not in shown:
                shown.add(place)
                mine, side = sides[row["study"], *place]
                scores = [_ends(mine, f"AP_{kind}_{side}") for kind in kinds]
                on = _SPLITS[mine["split"]] if math.isfinite(mine[f"AP_box_{side}"]) else "–"
                found.append([size, place[1], *scores, str(mine[f"seeds_{side}"]), on])
        if len(arms) == 2:
            gaps = [_signed(row, f"AP_{kind}_difference") for kind in kinds]
            paired = "paired" if row["paired"] else ""
            name = f"{row['arm']} − {row['reference']}"
            found.append([size, name, *gaps, paired, _surely(row)])
    level = f"{table['level'].iloc[0] * 100:g}" if len(table) else "95"
    caption = f"Tuned AP, mean over seeds, with {level} % intervals in brackets"
    if several := max(values(table, "compared"), default=1) > 1:
        caption += ", those of all differences at one size together"
    if any(map(math.isfinite, values(table, "AP_box_probability"))):
        caption += "; P: probability that the difference in box AP is above 0"
        caption += ", of each pair by itself" if several else ""
    if "tune" in values(table, "split"):
        caption += (
            "; on the tuning split: the best of many trials, with one seed, so too high on average"
        )
    return Table(caption, columns, found)


def by_size(table: pd.DataFrame) -> Table:
    """Of two arms a line for each size: both, and how far they are apart."""
    first = rows(table)[0]
    arms = [name for name in (first["reference"], first["arm"]) if isinstance(name, str)]
    columns = [IMAGES, *map(Column, arms), *[Column("difference")] * (len(arms) == 2)]
    found: list[list[str]] = []
    for row in rows(table):
        scores = [_plain(row[f"AP_box_{side}"]) for side in ("reference", "arm")[: len(arms)]]
        gap = [_signed(row, "AP_box_difference")] if len(arms) == 2 else []
        found.append([number(row["size"]), *scores, *gap])
    level = f"{table['level'].iloc[0] * 100:g}"
    splits = {*values(table, "split")}
    if "tune" in splits:
        part = "partly " * (len(splits) > 1)
        on = f"{part}on the tuning split, where the best of many trials looks too good"
    else:
        on = "on images that nothing was chosen on"
    caption = f"Box AP (average precision, 0 to 100) {on}; in brackets {level} % intervals"
    return Table(caption, columns, found)


def _plain(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


def settings(best: pd.DataFrame, names: Sequence[str]) -> Table:
    """The chosen setting of each arm and size; an asterisk marks the end of what was searched.

    `names` are the hyper-parameters to show (`Results.hyper_parameters`).
    """
    titles = (*map(titled, names), "length", "drop factor", "AP, tuning split", "images per run")
    columns = [IMAGES, ARM, *map(Column, titles)]
    found = [
        [
            number(row["size"]),
            row["arm"],
            *(
                number(row[name]) + ("*" if row[f"{name}_edge"] else "")
                for name in (*names, "length")
            ),
            number(row["factor"]),
            points(row["AP_box"]),
            number(row["images_seen"]),
        ]
        for row in rows(best)
    ]
    caption = "Best settings, chosen on the tuning split; *: at the edge of what was searched"
    return Table(caption, columns, found)


def costs(table: pd.DataFrame) -> Table:
    """What was spent, whatever became of the trials."""
    texts = [Column("role", number=False), Column("trials"), Column("of which", number=False)]
    columns = [IMAGES, ARM, *texts, Column("images spent"), Column("device time")]

    def cells(of: pd.DataFrame) -> list[str]:
        ended = {state: sum(values(of, state)) for state in STATES}
        return [
            number(sum(values(of, "trials"))),
            ", ".join(f"{count} {state}" for state, count in ended.items() if count),
            number(sum(values(of, "images"))),
            duration(sum(values(of, "device_seconds"))),
        ]

    found = [
        [number(size), arm, role, *cells(group)]
        for (size, arm, role), group in groups(table, "size", "arm", "role")
    ]
    caption = "Training images and device time (wall time × workers) of all trials, lost ones too"
    there = set(values(table, "role"))
    caption += "".join(f"; {role}: {text}" for role, text in _ROLES.items() if role in there)
    return Table(caption, columns, found, ["all", "", "", *cells(table)] if found else ())


def saving(table: pd.DataFrame) -> str:
    """The bill in a sentence."""
    names = ("trials", "images", "independent_images", "device_seconds", "eval_seconds")
    trials, spent, alone, seconds, scoring = (sum(values(table, name)) for name in names)
    if not trials:
        return "No trial has begun."
    text = (
        f"{counted(trials, 'trial')} trained on {images(spent)} in"
        f" {duration(seconds)} of device time; evaluation took {duration(scoring)} of wall time."
    )
    if alone > spent > 0:
        text += (
            f" Separate trainings of every recorded length would have taken {number(alone)}"
            f" images, {alone / spent:.1f} times as many."
        )
    return text


def trials(table: pd.DataFrame, names: Sequence[str]) -> Table:
    """Every trial on a line, with its values of the hyper-parameters named."""
    texts = ("role", "state")
    columns = [IMAGES, ARM, *(Column(text, number=False) for text in texts)]
    kinds = {"AP_box": "box AP"} | ({"AP_mask": "mask AP"} if has_masks(table) else {})
    titles = ("seed", *map(titled, names), "length", *kinds.values(), "images")
    columns += [*map(Column, titles), Column("device time"), Column("error", False, wrap=True)]
    found = [
        [
            *(number(row["size"]), row["arm"]),
            *("cross" if row["strategy"] == "cross" else row["role"], row["state"]),
            str(row["seed"]),
            *(number(row[name]) for name in (*names, "length")),
            *(points(row[name]) for name in kinds),
            *(number(row["images"]), duration(row["device_seconds"])),
            row["error"].strip().rsplit("\n", 1)[-1],
        ]
        for row in rows(table)
    ]
    return Table("Best record of every trial", columns, found, tall=True)


def has_masks(trials: pd.DataFrame) -> bool:
    """Whether any trial has a mask AP: where the data have none, nothing is said of masks."""
    return any(map(math.isfinite, values(trials, "AP_mask")))


def init_report(table: pd.DataFrame) -> Table:
    """Parameters loaded, random and frozen."""
    kinds = ("loaded", "random", "frozen", "trials")
    columns = [ARM, Column("parameters", number=False), *map(Column, kinds)]
    found = [[r["arm"], r["group"], *(number(r[kind]) for kind in kinds)] for r in rows(table)]
    classes = [r["classes"] for r in rows(table)]
    if any(classes):
        columns.append(Column("classes with loaded rows", False, wrap=True))
        found = [[*row, own] for row, own in zip(found, classes, strict=True)]
    return Table(
        "Parameters that were loaded, that began at random, and that are frozen", columns, found
    )


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


def _surely(row: dict[str, Any]) -> str:
    """How probable it is that the arm is the better one, and whether both are equal."""
    chance = row["AP_box_probability"]
    if not math.isfinite(chance):
        return ""
    percent = 100 * chance
    text = "> 99" if percent > 99 else "< 1" if percent < 1 else f"{percent:.0f}"
    return f"P {text} %" + (", equal" if row["AP_box_equal"] else "")


def _signed(row: dict[str, Any], name: str) -> str:
    return ("+" if row[name] > 0 else "") + _ends(row, name)


def _ends(row: dict[str, Any], name: str) -> str:
    return between(row[name], row[f"{name}_low"], row[f"{name}_high"])
