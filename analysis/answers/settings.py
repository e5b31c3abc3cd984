"""The setting that each arm gets at each size, and the runs that repeat it.

It is chosen on the tuning split by the rule by which the sweep chooses what it confirms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import columns, ranges, stats
from analysis.reading.columns import widened
from analysis.reading.frames import by_place, frame, scored, where
from analysis.reading.load import Results
from analysis.reading.remembered import remembered
from study.planning.trials.best import rank


@remembered
def best(results: Results) -> pd.DataFrame:
    """The chosen setting of each arm and size, as `columns.BEST`.

    The best (`study.planning.trials.best`) of all records of the tuning trials, stopped and
    diverged ones too.
    """
    found: list[dict[str, Any]] = []
    at: dict[tuple[str, int], dict[str, ranges.Searched]] = {}
    for (study, size, _), group in by_place(scored(where(results.tails, role="tune"))).items():
        top = min(group, key=lambda row: rank(row["AP_box"], row["length"], row["index"]))
        if (study, size) not in at:
            at[study, size] = ranges.searched(results, study, size)
        limits, names = at[study, size], (*results.hyper_parameters, "length")
        edges = {f"{name}_edge": ranges.edge(top[name], limits.get(name)) for name in names}
        found.append(top | edges | {"trials": len({row["trial_id"] for row in group})})
    return frame(found, widened(columns.BEST, results.hyper_parameters))


def confirmed(results: Results) -> pd.DataFrame:
    """The confirm runs, scored or not, that repeat the setting chosen now.

    A study that is extended may choose anew; runs of the former choice no longer count, nor do
    those of other finalists or with another arm's setting.
    """
    return with_setting(results.confirmations, best(results), results.setting)


def margin(results: Results, study: str) -> float:
    """AP below which a difference between the study's arms counts as none."""
    within = results.budget(study).within
    return stats.MARGIN if within is None else within


def with_setting(table: pd.DataFrame, chosen: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows that have the setting which `chosen` holds for their study, arm and size.

    `names` are the columns of a setting (`Results.setting`). A run belongs to
    the setting that it has: one made for another arm's setting may since be an arm's own choice.
    """
    keys = ["study", "arm", "size"]
    both = table.merge(chosen[[*keys, *names]], on=keys, suffixes=("", "_chosen"))
    same = [
        # missing: a hyper-parameter that another study searches, and this one leaves out (None)
        np.isclose(both[name], both[f"{name}_chosen"], 1e-9, 0, equal_nan=True)
        for name in names
    ]
    return both.loc[np.logical_and.reduce(same), list(table.columns)]
