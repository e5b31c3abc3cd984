"""What this package does to a frame, each with a type that a checker can follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from analysis.reading.columns import Columns


class Row(Protocol):
    """A row of a frame by column: a dictionary, or what `DataFrame.iterrows` yields."""

    def __getitem__(self, column: str, /) -> Any: ...


def frame(rows: Iterable[Mapping[str, Any]], columns: Columns) -> pd.DataFrame:
    """Rows as a frame with exactly these columns and dtypes, also when there are no rows."""
    found = list(rows)
    # column by column: to make rows into a frame and then cast it takes five times as long
    return pd.DataFrame(
        {
            name: _column([row.get(name, np.nan) for row in found], dtype)
            for name, (dtype, _) in columns.items()
        }
    )


def _column(values: list[Any], dtype: str) -> np.ndarray | pd.Series:
    if dtype in ("float64", "int64"):
        return np.array(values, dtype=dtype)  # refuses what is no number
    return pd.Series(values, dtype=object).astype(dtype)


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    names = list(table.columns)
    columns = [table[name].tolist() for name in names]  # `itertuples` takes ten times as long
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def values(table: pd.DataFrame, column: str) -> list[Any]:
    """One column as plain values."""
    return table[column].tolist()


def where(table: pd.DataFrame, **equal: Any) -> pd.DataFrame:
    """The rows in which every named column has the given value."""
    keep = np.ones(len(table), dtype=bool)
    for name, value in equal.items():
        keep &= (table[name] == value).to_numpy(dtype=bool, na_value=False)
    return table.loc[keep]


def scored(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a box AP."""
    return table.loc[table["AP_box"].notna().to_numpy()]


def by_place(table: pd.DataFrame) -> dict[tuple[str, int, str], list[dict[str, Any]]]:
    """The rows as dictionaries, by study, size and arm."""
    found: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in rows(table):
        found.setdefault((row["study"], row["size"], row["arm"]), []).append(row)
    return found


def groups(table: pd.DataFrame, *by: str) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """The rows by their values in these columns, in the order in which those first appear."""
    for key, group in table.groupby(list(by), sort=False):
        yield tuple(key) if isinstance(key, tuple) else (key,), group
