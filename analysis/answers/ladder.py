"""How far the ladder of lengths went at each size, and why it went no further.

A sweep adds longer trainings while some arm gains from its longest one
(`study.planning.ladder.growth`). Whether it would still, is judged here by the same rule.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from analysis.answers import columns
from analysis.reading.frames import frame, groups, scored, values, where
from analysis.reading.load import Results
from analysis.text.words import ENOUGH, images, listed, number, too_few
from study.config import Budget, Nuisance, from_dict
from study.planning.ladder import growth

End = Literal["settled", "limit", "fixed", "staged", "open"]


def ladder(results: Results) -> pd.DataFrame:
    """The ladder of each size, as `columns.LADDER`."""
    found: list[dict[str, Any]] = []
    tuned = scored(where(results.tails, role="tune"))
    for (study, size), group in groups(tuned, "study", "size"):
        asked = results.manifests[study]["question"].get("nuisance")
        if asked is None:
            continue
        given = from_dict(Nuisance, asked).at(size).lengths[-1]
        budget, staged = results.budget(study), _is_staged(results, study)
        if staged:
            budget = replace(budget, growth=1.0)
        longest = max(given, *values(group, "length"))
        best = {arm: best_by_length(where(group, arm=arm)) for arm in results.arms(study)}
        floor = growth.floor(results.manifests[study])
        gains = {arm: growth.gain(by_length, longest, floor) for arm, by_length in best.items()}
        most = growth.most(given, budget)
        row = {"study": study, "size": size, "given": given, "longest": longest}
        row |= {"most": most if budget.growth > 1 else longest}
        row |= {"gaining": ", ".join(arm for arm, gain in gains.items() if gain > growth.MARGIN)}
        row |= {"gain": max((g for g in gains.values() if math.isfinite(g)), default=None)}
        further = growth.longer(given, budget, values(group, "length"))
        end = _end(gains, any(length > longest for length in further), budget)
        row |= {"end": "staged" if staged and end == "fixed" else end}
        tried = (where(group, arm=arm)["trial_id"] for arm in results.arms(study))
        row |= {"trials": min(len(set(ids)) for ids in tried)}
        found.append(row)
    return frame(found, columns.LADDER)


def told(table: pd.DataFrame) -> list[str]:
    """Rows of `ladder` as sentences without a full stop: of ladders that grew or may have to."""
    said: list[str] = []
    capped = table.assign(trials=table["trials"].clip(upper=ENOUGH))  # more make no difference
    for (_, end, longest, given, arms, trials), group in groups(
        capped, "study", "end", "longest", "given", "gaining", "trials"
    ):
        at = listed(images(size) for size in values(group, "size"))
        grown = f"from {number(given)} to {number(longest)} iterations"
        why = {
            "settled": f"no arm gains more than {growth.MARGIN:g} AP from the longest",
            "limit": f"{_names(arms)} still gained at the longest that was allowed",
            "open": f"{_names(arms)} still gained, and the study has not ended",
        }
        if end in ("fixed", "staged") or (longest == given and end != "settled"):
            continue
        if longest == given:
            lengths = f"{number(given)} iterations are enough"
            if trials < ENOUGH:
                said.append(f"{too_few({'an arm': trials}, at)} whether {lengths}")
            else:
                said.append(f"with {at}, {lengths}: {why['settled']}")
        else:
            said.append(f"with {at}, the longest training was raised {grown}: {why[end]}")
    return said


def best_by_length(tails: pd.DataFrame) -> dict[int, float]:
    """Box AP on the tuning split by length, the best over trials and drop factors."""
    found: dict[int, float] = {}
    for length, ap in zip(values(tails, "length"), values(tails, "AP_box"), strict=True):
        found[length] = max(ap, found.get(length, -math.inf))
    return found


def _is_staged(results: Results, study: str) -> bool:
    """Whether stages of a cascade join late, so that lengths do not grow (`Design.grows`)."""
    schedule = results.manifests[study]["question"].get("fixed", {}).get("schedule", {})
    return schedule.get("cascade_last") is not None


def _end(gains: dict[str, float], is_longer_one: bool, budget: Budget) -> End:
    if all(gain <= growth.MARGIN for gain in gains.values()):
        return "settled"
    if budget.growth <= 1:
        return "fixed"
    return "open" if is_longer_one else "limit"


def _names(arms: str) -> str:
    return listed(arms.split(", "))
