"""Frames that many tables of a report begin with are made once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec
from weakref import WeakKeyDictionary

import pandas as pd

from analysis.reading.load import Results

More = ParamSpec("More")


def remembered(
    make: Callable[Concatenate[Results, More], pd.DataFrame],
) -> Callable[Concatenate[Results, More], pd.DataFrame]:
    """`make`, which computes once for each `Results` and further arguments.

    Every caller gets a copy of its own. Frames of the results are taken not to change.
    """
    made: WeakKeyDictionary[Results, dict[Hashable, pd.DataFrame]] = WeakKeyDictionary()

    @wraps(make)
    def of(results: Results, *args: More.args, **more: More.kwargs) -> pd.DataFrame:
        known = made.setdefault(results, {})
        key = args, tuple(sorted(more.items()))
        try:
            hash(key)
        except TypeError:  # a list, say: `make` refuses it in its own words
            return make(results, *args, **more)
        if key not in known:
            known[key] = make(results, *args, **more)
        return known[key].copy()

    return of
