"""The answer in words, and numbers as people read them.

A sentence never says more than its interval allows: an arm is ahead only if the whole interval
lies on its side of zero, two are called equal only if an equivalence test shows it, a single run
or the tuning split shows nothing, and "no difference is shown" is not "there is none".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from analysis.reading.frames import Row, rows

Conclusion = Literal[
    "ahead",
    "behind",
    "equal",
    "undecided",
    "unrepeated",
    "unconfirmed",
    "missing",
    "alone",
    "unlearnt",  # neither arm has learnt anything
]

_TITLES = {"lr": "learning rate"}

MANY = 3  # sizes that are listed one by one
ENOUGH = 3  # trials of an arm at a size, below which nothing is concluded from their scores


def conclusion(row: Row) -> Conclusion:
    """What a row of `answer` allows to be said about its arm against the reference, in box AP."""
    alone = not isinstance(row["arm"], str)
    if math.isnan(row["AP_box_reference"] if alone else row["AP_box_difference"]):
        return "missing"
    if {row["stage_reference"], "nothing" if alone else row["stage_arm"]} == {"nothing"}:
        return "unlearnt"
    if alone:
        return "alone"
    if row["split"] != "report":
        return "unconfirmed"
    if not math.isfinite(row["AP_box_difference_low"]):
        return "unrepeated"
    if row["AP_box_difference_low"] > 0:
        return "ahead"
    if row["AP_box_difference_high"] < 0:
        return "behind"
    return "equal" if row["AP_box_equal"] else "undecided"


def in_words(row: Row) -> str:
    """One row of `answer` as a sentence, with its size, without a full stop."""
    arm, reference, gap = row["arm"], row["reference"], row["AP_box_difference"]
    low, high = row["AP_box_difference_low"], row["AP_box_difference_high"]
    what = conclusion(row)
    first, second = (arm, reference) if gap >= 0 else (reference, arm)
    if what == "behind":
        low, high = -high, -low
    interval = f"{row['level'] * 100:g}\u00a0% interval {points(low)} to {points(high)}"
    text = {
        "ahead": f"{first} is ahead of {second} by {points(abs(gap))} AP ({interval})",
        "behind": f"{first} is ahead of {second} by {points(abs(gap))} AP ({interval})",
        "equal": f"{arm} and {reference} differ by less than {points(row['margin'])} AP"
        f" ({arm} minus {reference}: {points(gap)} AP, {interval})",
        "undecided": "no difference is shown"
        f" ({arm} minus {reference}: {points(gap)} AP, {interval})",
        "unrepeated": f"{arm} minus {reference} is {points(gap)} AP, but the repeats are too few,"
        " or too alike, for an interval (--confirm 2 or more): no difference is shown",
        "unconfirmed": f"{first} scored {points(abs(gap))} AP more than {second} on the tuning"
        " split (one seed, optimistic); no difference is shown before it is confirmed",
        "missing": f"too early to compare {reference} and {arm}: no score yet",
        "alone": f"{reference} reaches {_alone(row)}; there is no second arm",
        "unlearnt": "",
    }
    if what == "missing" and not isinstance(arm, str):
        return f"{images(row['size'])}: no score yet for {reference}"
    so_far = f"{'; so far, ' * bool(text[what])}{text[what]}"
    said = f"{row['unlearnt']}{so_far}" if _speaks_of_learning(what, row) else text[what]
    return f"{images(row['size'])}: {said}"


def headline(table: pd.DataFrame) -> str:
    """What a whole `answer` table says, in one or two sentences per arm compared.

    Of several studies each sentence begins with the name of its own.
    """
    sentences: list[str] = []
    contrasts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows(table):
        contrasts.setdefault((row["study"], str(row["arm"])), []).append(row)
    studies = {study for study, _ in contrasts}
    several = len(contrasts) > len(studies)
    for (study, arm), group in contrasts.items():
        reference = group[0]["reference"]
        found: dict[tuple[str, Conclusion], list[dict[str, Any]]] = {}
        for row in group:
            what = conclusion(row)
            text = row["unlearnt"] if _speaks_of_learning(what, row) else ""
            found.setdefault((text, what), []).append(row)
        tried = [row["size"] for row in group]
        # what has yet to learn comes first: it decides what the rest is worth
        for (unlearnt, what), same in sorted(found.items(), key=lambda item: not item[0][0]):
            if unlearnt:
                at = at_sizes([row["size"] for row in same], tried, "training image")
                text = f"With {at}, {unlearnt}."
                if what != "unlearnt":
                    further = _sentence(what, same, tried, arm, reference)
                    text += further.replace(f"With {at},", " So far,", 1)
            elif what == "missing" and several:
                at = at_sizes([row["size"] for row in same], tried, "training image")
                text = f"With {at}, {arm} and {reference} cannot be compared: a score is missing."
            else:
                text = _sentence(what, same, tried, arm, reference)
            sentences.append(f"{study}: {text}" if len(studies) > 1 else text)
    return " ".join(dict.fromkeys(sentences)) or "Nothing has been asked of this study yet."


def points(ap: float) -> str:
    """AP to one decimal, or to the first that is not 0, so that 0.04 does not read as none."""
    if not math.isfinite(ap):
        return "–"
    decimals = 1
    while ap and round(ap, decimals) == 0 and decimals < 3:
        decimals += 1
    return f"{ap:.{decimals}f}".replace("-", "−")


def between(mean: float, low: float, high: float) -> str:
    """A mean with its interval, if it has one."""
    if not math.isfinite(low):
        return points(mean)
    return f"{points(mean)} ({points(low)} to {points(high)})"


def images(count: int) -> str:
    return counted(count, "image")


def counted(count: int, noun: str) -> str:
    """1 image, 2,000 images."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def too_few(trials: Mapping[str, int], at: str) -> str:
    """What begins a sentence about arms with fewer than `ENOUGH` trials: how many each has."""
    counts = set(trials.values())
    if len(counts) == 1 < len(trials):
        has = f"{counted(min(counts), 'trial')} each of {listed(trials)}"
    else:
        has = listed(f"{counted(count, 'trial')} of {arm}" for arm, count in trials.items())
    return f"with {at}, only {has}: not enough to say"


def number(value: float) -> str:
    """A count or a hyper-parameter: thousands grouped, three significant digits below 1,000."""
    if pd.isna(value):
        return "–"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def titled(name: str) -> str:
    """A hyper-parameter, by its name in OptimConfig, as people call it."""
    return _TITLES.get(name, name.replace("_", " "))


def listed(items: Iterable[str]) -> str:
    """a, b and c."""
    *rest, last = items
    return f"{', '.join(rest)} and {last}" if rest else last


def _speaks_of_learning(what: Conclusion, row: Row) -> bool:
    """Whether it is said first that an arm has yet to learn: not where there is no score."""
    return bool(row["unlearnt"]) and what != "missing"


def _alone(row: Row) -> str:
    ends = (row["AP_box_reference"], row["AP_box_reference_low"], row["AP_box_reference_high"])
    on = "" if row["split"] == "report" else " on the tuning split (one seed, optimistic)"
    return f"{between(*ends)} AP{on}"


def at_sizes(sizes: Sequence[int], tried: Sequence[int], noun: str = "image") -> str:
    """64 and 256 images; several neighbours among those tried as a range: 35 to 2,048 images."""
    text = _spanned([f"{size:,}" for size in sizes], _neighbours(sizes, tried))
    return f"{text} {noun}{'' if text == '1' else 's'}"


def by_points(values: Sequence[float], sizes: Sequence[int], tried: Sequence[int]) -> str:
    """What belongs to those sizes, in AP: each, or the range where the sizes are one."""
    together = _neighbours(sizes, tried)
    texts = [points(value) for value in (sorted(values) if together else values)]
    return f"{_spanned(texts, together)} AP"


def _neighbours(sizes: Sequence[int], tried: Sequence[int]) -> bool:
    """Whether the sizes are too many to be listed, and none that was tried lies among them."""
    within = [size for size in tried if min(sizes) <= size <= max(sizes)]
    return len(sizes) > MANY and len(within) == len(sizes)


def _spanned(texts: list[str], together: bool) -> str:
    return " to ".join(dict.fromkeys((texts[0], texts[-1]))) if together else listed(texts)


def _sentence(
    what: Conclusion, same: list[dict[str, Any]], tried: Sequence[int], arm: str, reference: str
) -> str:
    sizes = [row["size"] for row in same]
    at = at_sizes(sizes, tried, "training image")
    by = by_points([abs(row["AP_box_difference"]) for row in same], sizes, tried)
    alone = by_points([row["AP_box_reference"] for row in same], sizes, tried)
    if any(row["split"] == "tune" for row in same):
        alone += " on the tuning split (one seed, optimistic)"
    return {
        "ahead": f"With {at}, {arm} beats {reference} by {by}.",
        "behind": f"With {at}, {reference} beats {arm} by {by}.",
        "equal": f"With {at}, {arm} and {reference} differ by less than"
        f" {points(same[0]['margin'])} AP.",
        "undecided": f"With {at}, no difference between {arm} and {reference} is shown.",
        "unrepeated": f"With {at}, the repeats of {arm} and {reference} are too few, or too"
        " alike, to show a difference.",
        "unconfirmed": f"With {at}, {arm} and {reference} are tuned but not confirmed:"
        " nothing is shown yet.",
        "missing": f"With {at}, there are no scores to compare yet.",
        "alone": f"With {at}, {reference} reaches {alone}; there is no second arm.",
        "unlearnt": "",  # what has yet to learn is all that is said
    }[what]
