"""Which arm to start from at which size: who leads there, and who may be as good.

The leader of a size is the confirmed arm that scores highest. It is looked for after the scores
are seen; that is allowed because the intervals of all pairs at a size hold together
(`analysis.answers.pairs`), whichever of them is looked at. An arm is behind only if the whole
interval says so.

The leader is what to start from. The one exception is scratch, where it is shown to be as good:
it needs no weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from analysis.answers import columns, settings, stats
from analysis.answers import learnt as learning
from analysis.answers.pairs import Together, of_study
from analysis.reading.frames import by_place, frame, groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.table import ARM, Column, Table
from analysis.text.words import at_sizes, images, listed, points

Standing = Literal["leader", "open", "equal", "behind", "unconfirmed", "missing"]

NEEDS_NOTHING = "scratch"
CAPTION = (
    "Box AP (average precision, 0 to 100); in brackets how far it is shown to be behind the"
    " highest of its size; >: start here; ?: may be as good; =: as good"
)
_MARKS = {"open": "?", "equal": "=", "unconfirmed": ", not confirmed"}
FEW = 3  # arms, from which on a study has more to say than one comparison


def starts(
    results: Results, level: float = stats.LEVEL, margin: float | None = None
) -> pd.DataFrame:
    """How each arm stands at each size, in box AP, as `columns.STARTS`.

    Raises:
        ValueError: see `stats.require_level` and `stats.require_margin`.
    """
    stats.require_level(level)
    stats.require_margin(margin)
    found: list[dict[str, Any]] = []
    repeats = scored(settings.confirmed(results))
    tuned = by_place(settings.best(results))
    stages = learning.by_arm(learning.learnt(results))
    for study in results.manifests:
        compared = of_study(results, study, repeats)["box"]
        least = settings.margin(results, study) if margin is None else margin
        for size, runs in compared.scores.items():
            means = {
                a: stats.mean_interval(mine.values()).mean for a, mine in runs.items() if mine
            }
            leader = max(means, key=lambda arm: means[arm], default=None)
            here: list[dict[str, Any]] = []
            reached = stages.get((study, size), {})
            unlearnt = learning.told(reached, list(runs))
            for arm in runs:
                row = {"study": study, "size": size, "arm": arm, "leader": leader}
                row |= {"unlearnt": unlearnt}
                row |= {"level": level, "margin": least, "compared": compared.compared[size]}
                best = tuned.get((study, size, arm), [])
                split = "report" if arm in means else "tune" if best else ""
                alone = best[0]["AP_box"] if best else math.nan
                row |= {"split": split, "seeds": len(runs[arm]), "AP_box": means.get(arm, alone)}
                row["lacks"] = "" if split else _why(results, study, size, arm)
                here.append(row | _standing(row, compared))
            by_stage = {arm: row["stage"] for arm, row in reached.items()}
            is_early = by_stage.get(leader or "") == "nothing" or "learnt" not in by_stage.values()
            recommended = None if is_early else _recommended(here)
            found += [row | {"recommended": row["arm"] == recommended} for row in here]
    return frame(found, columns.STARTS)


def several(table: pd.DataFrame) -> bool:
    """Whether `starts` of one study says more than its one comparison would."""
    return len(set(values(table, "arm"))) >= FEW


def layout(table: pd.DataFrame) -> Table:
    """`starts` of one study as people read it: a line for each arm, a column for each size."""
    sizes = sorted(set(values(table, "size")))
    shown = [
        [arm, *map(_short, rows(mine.sort_values("size", kind="stable")))]
        for (arm,), mine in groups(table, "arm")
    ]
    return Table(CAPTION, [ARM, *(Column(images(size), number=False) for size in sizes)], shown)


def told(table: pd.DataFrame) -> list[str]:
    """`starts` of one study as sentences; sizes that say the same are one."""
    tried = sorted(set(values(table, "size")))
    alike: dict[tuple[Any, ...], list[list[dict[str, Any]]]] = {}
    for _, group in groups(table.sort_values("size", kind="stable"), "size"):
        here = rows(group)
        names = ("arm", "standing", "recommended", "lacks")
        said = (here[0]["unlearnt"], *(row[name] for row in here for name in names))
        alike.setdefault(said, []).append(here)
    first = sorted(alike.values(), key=lambda found: not found[0][0]["unlearnt"])
    return [_sentence(found, tried) for found in first]


def in_a_cell(row: Mapping[str, Any]) -> str:
    """How an arm stands at a size, in a few words beside its AP."""
    behind = points(row["behind"])
    return {
        "leader": "highest",
        "open": f"{behind} lower, may be as good",
        "equal": f"as good (within {points(row['margin'])})",
        "behind": f"{behind} behind",
        "unconfirmed": "not confirmed",
        "missing": row["lacks"],
    }[row["standing"]]


def _short(row: Mapping[str, Any]) -> str:
    if row["standing"] == "missing":
        return f"  {row['lacks']}"
    behind = f" (−{points(row['behind'])})" if row["standing"] == "behind" else ""
    mark = "> " if row["recommended"] else "  "
    return f"{mark}{points(row['AP_box'])}{_MARKS.get(row['standing'], behind)}"


def _standing(row: Mapping[str, Any], compared: Together) -> dict[str, Any]:
    arm, leader, level = row["arm"], row["leader"], row["level"]
    found: dict[str, Any] = dict.fromkeys(("behind", "behind_low", "behind_high"), math.nan)
    if row["split"] != "report":
        return found | {"standing": "unconfirmed" if row["split"] else "missing"}
    if arm == leader:
        return found | {"standing": "leader", "behind": 0.0}
    gap = compared.difference(row["size"], leader, arm, level)
    found |= {"behind": gap.mean, "behind_low": gap.low, "behind_high": gap.high}
    shown = "equal" if gap.within(row["margin"]) else "open"
    return found | {"standing": "behind" if gap.low > 0 else shown}


def _recommended(here: Sequence[Mapping[str, Any]]) -> str | None:
    """The arm to start from at a size; none before two arms are confirmed there."""
    confirmed = [row for row in here if row["split"] == "report"]
    if len(confirmed) < 2:
        return None
    plain = [row["arm"] for row in confirmed if row["standing"] == "equal"]
    return NEEDS_NOTHING if NEEDS_NOTHING in plain else confirmed[0]["leader"]


def _sentence(found: Sequence[Sequence[Mapping[str, Any]]], tried: Sequence[int]) -> str:
    """What is said of sizes at which all arms stand alike."""
    here = found[0]
    at = f"With {at_sizes([arms[0]['size'] for arms in found], tried, 'training image')}"
    if unlearnt := here[0]["unlearnt"]:
        return f"{at}, {unlearnt}. {_standings(here, 'So far')}"
    return _standings(here, at)


def _standings(here: Sequence[Mapping[str, Any]], at: str) -> str:
    """How the arms of a size stand, in a sentence that begins with `at`."""
    by: dict[Standing, list[str]] = {}
    for row in here:
        by.setdefault(row["standing"], []).append(row["arm"])
    lacking, margin = _lacking(here), f"{points(here[0]['margin'])} AP"
    behind, maybe = by.get("behind", []), by.get("open", [])
    as_good = [arm for arm in by.get("equal", []) if arm != NEEDS_NOTHING]
    start = next((row["arm"] for row in here if row["recommended"]), None)
    if start is None and here[0]["unlearnt"]:
        return f"No start can be recommended yet.{lacking}"
    if start is None:
        only = f"only {by['leader'][0]}" if "leader" in by else "no start"
        return f"{at}, {only} is confirmed, so nothing can be recommended yet.{lacking}"
    leader = by["leader"][0]
    if len(behind) == sum(map(len, by.values())) - 1:
        return f"{at}, start from {leader}: it is shown to be better than every other start."
    if start != leader:
        why = f"it needs no weights, and is as good as {leader}, which scores highest"
        said = [f"start from {start}: {why} (they differ by less than {margin})"]
    elif behind or as_good:
        said = [f"start from {leader}, which scores highest"]
    else:
        said = [f"no start is shown to be better than another, and {leader} scores highest"]
        return f"{at}, {said[0]}.{lacking}"
    if as_good:
        said.append(f"{listed(as_good)} {_be(as_good)} as good (within {margin})")
    if maybe:
        said.append(f"{listed(maybe)} may be as good")
    if behind:
        said.append(f"{listed(behind)} {_be(behind)} shown to be behind")
    return f"{at}, {'; '.join(said)}.{lacking}"


def _lacking(here: Sequence[Mapping[str, Any]]) -> str:
    """What is not known at a size, in sentences that go on from another."""
    alone = [row["arm"] for row in here if row["standing"] == "unconfirmed"]
    missing = [f"{row['arm']} ({row['lacks']})" for row in here if row["standing"] == "missing"]
    text = f" Not confirmed there: {listed(alone)}." if alone else ""
    return text + (f" Without a score there: {listed(missing)}." if missing else "")


def _why(results: Results, study: str, size: int, arm: str) -> str:
    """Why an arm has no score at a size."""
    states = values(where(results.trials, study=study, size=size, arm=arm), "state")
    for state in ("failed", "diverged"):
        if states and set(states) == {state}:
            return f"all {len(states)} trials {state}" if len(states) > 1 else f"its trial {state}"
    return "no score yet" if states else "not run"


def _be(arms: Sequence[str]) -> str:
    return "is" if len(arms) == 1 else "are"
