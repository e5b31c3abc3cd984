"""What the page says beside the answer: where a lead ends, how soon it is caught up, and what
tuning, luck and each hyper-parameter had to do with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis import panels
from analysis import tuning as curves
from analysis.catching_up import catch_up
from analysis.catching_up import told as catch_up_told
from analysis.crossover import of_answer as crossover
from analysis.crossover import told as crossover_told
from analysis.frames import rows
from analysis.importance import importance
from analysis.importance import told as importance_told
from analysis.load import Results
from analysis.looks import Look
from analysis.variation import told as variation_told
from analysis.variation import variation


def frames(results: Results, answer: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The frames behind it, by the names of their files; `answer` is that of the results."""
    return {
        "crossover": crossover(answer),
        "catch_up": catch_up(results),
        "tuning_curve": curves.tuning_curve(results, _rng()),
        "variation": variation(results, _rng()),
        "importance": importance(results),
    }


def context(
    results: Results, study: str, looks: dict[str, Look], made: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    """Sentences and panels, by the names that the page's template calls them by."""
    tuned = made["tuning_curve"]
    return {
        "beyond": beyond(made["crossover"], made["catch_up"]),
        "importance": importance_told(made["importance"]),
        "luck": variation_told(made["variation"]),
        "tuning_told": curves.told(tuned),
        "no_band": sorted({why for why in tuned["no_band"] if why}),
        "tuning": panels.tuning(tuned, study, results.sizes(study), looks),
        "leaps": panels.leaps(results, study, looks),
        "losses": panels.losses(results, study, looks),
        "parallel": panels.parallel(results, study, looks),
        "timeline": panels.timeline(results, study, looks),
        "spent": panels.spent(results, study, looks),
    }


def beyond(ends: pd.DataFrame, met: pd.DataFrame) -> list[str]:
    """What follows the headline, in sentences: where leads end, and how soon they are caught up.

    `ends`, `met`: the frames that `analysis.crossover` and `analysis.catch_up` give.
    """
    said = [text for text in map(crossover_told, rows(ends)) if text]
    said += [
        f"On the tuning split, {catch_up_told(row)}"
        for row in rows(met)
        if row["AP_box_arm"] > row["margin"]  # or there is nothing to reach
    ]
    return [f"{text[0].upper()}{text[1:]}." for text in said]


def _rng() -> np.random.Generator:
    """Bands and resamples stay the same when a page is written anew."""
    return np.random.default_rng(0)
