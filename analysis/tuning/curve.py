"""What more trials would have bought: the expected best AP against the number of trials.

Where trials are independent draws from the search space (`--search random --then none
--stopping none --growth 1`), the curve has bands that hold for all numbers of trials at once:
opda's (Lourie, He and Cho 2024, "Show Your Work with Confidence"), exact for any distribution of
scores. Elsewhere there is a curve but no band, and the frame says why: Sobol points keep out of
each other's way, TPE learns from what it has seen, and of stopped trials it depends on the others
what they reach, as it does of trials that went on to longer lengths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from opda.nonparametric import EmpiricalDistribution
from scipy.special import comb

from analysis.answers import stats
from analysis.answers.ladder import ladder
from analysis.reading.frames import frame, groups, rows, values, where
from analysis.reading.load import Results
from analysis.text.words import ENOUGH, at_sizes, by_points, images, points, too_few
from analysis.tuning import columns

INDEPENDENT = {"random"}
EXCHANGEABLE = {"random", "sobol", "grid"}  # one order of them is as good as another
HIGHEST = 100.0  # AP


def tuning_curve(
    results: Results, rng: np.random.Generator, level: float = stats.LEVEL
) -> pd.DataFrame:
    """The expected best box AP of the first n trials on the tuning split, as `columns.TUNING`.

    A trial counts by its best record, with 0 if it has none. Those in strips beyond a range, which
    only some studies have, do not count; the best of them stands beside the curve, as it may be
    the chosen one. Bands are drawn with `rng`.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    found: list[dict[str, Any]] = []
    every = where(results.trials, role="tune")
    tuned = every.loc[(every["strategy"] != "strip").to_numpy()]
    given = {(row["study"], row["size"]): row["given"] for row in rows(ladder(results))}
    for (study, size, arm), group in groups(tuned, "study", "size", "arm"):
        strips = where(every, study=study, size=size, arm=arm, strategy="strip")
        beyond = {"strips": len(strips), "AP_box_strips": strips["AP_box"].max()}
        scores = [_score(ap) for ap in values(group.sort_values(by="index"), "AP_box")]
        each = group["images"].mean()
        tails = where(results.tails, study=study, size=size, arm=arm, role="tune")
        why = _why_no_band(group, _longest(tails, given.get((study, size), 0)))
        strategies = set(values(group, "strategy"))
        means = (
            expected_best(scores) if strategies <= EXCHANGEABLE else np.maximum.accumulate(scores)
        )
        low, high = (
            _bands(scores, level, rng) if not why else (np.full(len(scores), math.nan),) * 2
        )
        for n in range(len(scores)):
            place = {"study": study, "size": size, "arm": arm, "trials": n + 1}
            band = {"AP_box": means[n], "AP_box_low": low[n], "AP_box_high": high[n]}
            found.append(
                place | band | beyond | {"images": (n + 1) * each, "no_band": why, "level": level}
            )
    return frame(found, columns.TUNING)


def expected_best(scores: Sequence[float]) -> np.ndarray:
    """Mean of the highest of n scores drawn without replacement, for n = 1 … N.

    The mean over all subsets of that size, so that it hangs on no order of the trials.
    """
    ranked, total = np.sort(scores), len(scores)
    place = np.arange(total)  # the i-th smallest is the highest of C(i, n - 1) subsets of n
    n = np.arange(1, total + 1)[:, None]
    return (comb(place, n - 1) / comb(total, n)) @ ranked


def told(table: pd.DataFrame) -> list[str]:
    """For each arm, what the last trial added on average at each size, as a sentence.

    Not from fewer than `ENOUGH` trials: a sentence says so.
    """
    gains: dict[str, dict[int, float]] = {}
    above: list[str] = []
    few: dict[int, dict[str, int]] = {}  # trials by size and arm
    for (_, size, arm), group in groups(table, "study", "size", "arm"):
        if len(group) >= ENOUGH:
            *_, before, last = rows(group)
            gains.setdefault(arm, {})[size] = last["AP_box"] - before["AP_box"]
            if last["AP_box_strips"] > last["AP_box"]:
                above.append(
                    f"{arm}: with {images(size)}, the best setting lies beyond the first ranges."
                    f" It scored {points(last['AP_box_strips'])} AP; the curve, which ends at"
                    f" {points(last['AP_box'])}, does not count it."
                )
        else:
            few.setdefault(size, {})[arm] = len(group)
    tried = sorted(set(values(table, "size")))
    alike: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for size, counts in few.items():
        alike.setdefault(tuple(counts.items()), []).append(size)
    untold = [
        f"W{too_few(dict(counts), at_sizes(sizes, tried))[1:]} what another one would bring."
        for counts, sizes in alike.items()
    ]
    return (
        [
            f"{arm}: on average the last trial raised the best AP by"
            f" {by_points(list(by_size.values()), list(by_size), tried)}, with"
            f" {at_sizes(list(by_size), tried)}."
            for arm, by_size in gains.items()
        ]
        + above
        + untold
    )


def _score(ap: float) -> float:
    return ap if math.isfinite(ap) else 0.0


def _longest(tails: pd.DataFrame, given: int) -> dict[str, int]:
    """By trial, the longest length that it came to; the one that all were given if none longer."""
    found: dict[str, int] = {}
    for row in rows(tails):
        found[row["trial_id"]] = max(row["length"], found.get(row["trial_id"], given))
    return found


def _why_no_band(trials: pd.DataFrame, lengths: dict[str, int]) -> str:
    if {"running", "preempted", "failed"} & set(values(trials, "state")):
        return "trials are unfinished"
    if "stopped" in values(trials, "state"):
        return "some trials were stopped: what they reach depends on the others"
    ended = set(values(where(trials, state="finished"), "trial_id"))
    if len({lengths[trial] for trial in ended & lengths.keys()}) > 1:
        return "some trials went on to longer lengths: which of them depends on the others"
    dependent = sorted(set(values(trials, "strategy")) - INDEPENDENT)
    return f"trials of {' and '.join(dependent)} are not independent draws" if dependent else ""


def _bands(
    scores: Sequence[float], level: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the expected best of n; the upper band of the scores' CDF gives the lower one."""
    upper, _, lower = EmpiricalDistribution.confidence_bands(
        np.array(scores), level, a=0.0, b=HIGHEST, generator=rng, method="ks", n_jobs=1
    )
    n = np.arange(1, len(scores) + 1)
    return lower.average_tuning_curve(n), upper.average_tuning_curve(n)
