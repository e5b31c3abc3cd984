"""Where scatter comes from: seeds and draws, and the luck of the search.

Two sources, for each arm and size and for the arms' difference:

    runs     how much confirm runs of one setting scatter, over seeds and draws of the subset.
             The intervals of `answer` are made of this, and of nothing else.
    tuning   how far the chosen setting's AP would move if the search had tried other points. It
             is in no interval: `answer` speaks of the settings that were found.

The second is a bootstrap over the tuning trials (Efron 1979, Ann. Stat. 7, 1-26): as many are
drawn with replacement, alike for arms that tried the same points, and the best of them is chosen
anew. That is an approximation. What the chosen one scored on the tuning split stands for what it
is worth, whose noise it therefore holds, and better points than those tried are never drawn. On
studies with a known truth it comes out as benchmarks/README.md says, "Calibration of the
statistics". A bootstrap of a maximum is not consistent: read it as an order of magnitude.

The third source, which images are scored on, is `analysis.image_bootstrap`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers.settings import confirmed
from analysis.reading.frames import frame, rows, scored, where
from analysis.reading.load import Results
from analysis.tuning import columns
from study.planning.confirming import scatter

RESAMPLES = 1000
FEWEST = 4  # trials below which drawing among them says nothing

Point = tuple[float, ...]
"""The values of the hyper-parameters."""


def variation(
    results: Results, rng: np.random.Generator, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Standard deviations by source, one row per size and arm, as `columns.VARIATION`.

    Differences are the arm's minus the reference's; the reference's own row has none.
    """
    runs, tuned = scored(confirmed(results)), scored(where(results.tails, role="tune"))
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        arms = results.arms(study)
        for size in results.sizes(study):
            place = {"study": study, "size": size}
            trials = {
                arm: _best_of_trials(where(tuned, arm=arm, **place), results.searched(study))
                for arm in arms
            }
            moved = _other_searches(trials, rng, resamples)
            scores = {arm: _by_seed(where(runs, arm=arm, **place)) for arm in arms}
            for arm in arms:
                gaps = scatter.pairs(scores[arm], scores[arms[0]]) if arm != arms[0] else []
                found.append(
                    place
                    | {"arm": arm, "runs": len(scores[arm]), "trials": len(trials[arm])}
                    | {"sd_runs": _sd(list(scores[arm].values())), "sd_tuning": _sd(moved[arm])}
                    | {"pairs": len(gaps), "sd_difference_runs": _sd(gaps)}
                    | {"sd_difference_tuning": math.nan}
                )
                if arm != arms[0]:
                    luck = np.asarray(moved[arm]) - np.asarray(moved[arms[0]])
                    found[-1]["sd_difference_tuning"] = _sd(luck)
    return frame(found, columns.VARIATION)


def told(table: pd.DataFrame) -> list[str]:
    """The rows with a difference as sentences: how much of it another search might move."""
    said: list[str] = []
    for row in rows(table):
        luck, error = row["sd_difference_tuning"], row["sd_difference_runs"]
        if math.isfinite(luck):
            text = f"{row['size']:,} images: with other points tried, the lead of {row['arm']}"
            text += f" would move by about {luck:.1f} AP (standard deviation)"
            if math.isfinite(error) and row["pairs"]:
                mean = error / math.sqrt(row["pairs"])
                text += f"; with other seeds by {mean:.1f}"
            said.append(f"{text}.")
    return said


def _best_of_trials(tails: pd.DataFrame, names: Sequence[str]) -> dict[Point, float]:
    """Each trial's best AP, by its point."""
    found: dict[Point, float] = {}
    for row in rows(tails):
        point = tuple(row[name] for name in names)
        found[point] = max(row["AP_box"], found.get(point, -math.inf))
    return found


def _other_searches(
    trials: dict[str, dict[Point, float]], rng: np.random.Generator, resamples: int
) -> dict[str, np.ndarray]:
    """By arm, the best AP of each resample; NaN for an arm with too few trials.

    Points that several arms tried are drawn for all of them at once.
    """
    points = sorted({point for tried in trials.values() for point in tried})
    drawn = rng.integers(len(points), size=(resamples, len(points))) if points else None
    found: dict[str, np.ndarray] = {}
    for arm, tried in trials.items():
        if drawn is None or len(tried) < FEWEST:
            found[arm] = np.full(resamples, math.nan)
            continue
        scores = np.array([tried.get(point, -math.inf) for point in points])
        best = scores[drawn].max(axis=1)
        found[arm] = np.where(np.isfinite(best), best, min(tried.values()))
    return found


def _by_seed(runs: pd.DataFrame) -> dict[Any, float]:
    return {(row["seed"], row["draw"]): row["AP_box"] for row in rows(runs)}


def _sd(values: Any) -> float:
    sample = np.asarray(values, dtype=float)
    return float(sample.std(ddof=1)) if len(sample) > 1 else math.nan
