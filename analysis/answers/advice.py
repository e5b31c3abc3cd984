"""How each arm is trained best, as far as it was searched: the settings found, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from analysis.reading.frames import groups, rows, values
from analysis.text.words import ENOUGH, MANY, at_sizes, listed, number, titled, too_few


def advice(best: pd.DataFrame, searched: Callable[[str], Sequence[str]]) -> list[str]:
    """Rows of `analysis.best`, a sentence without a full stop for each setting, over all sizes.

    `searched` gives the hyper-parameters that a study searched (`Results.searched`).
    """
    found: dict[tuple[str, str], list[str]] = {}
    told = best.loc[(best["trials"] >= ENOUGH).to_numpy()]
    for (study, arm), mine in groups(told, "study", "arm"):
        setting = listed(f"a {titled(name)} of {_by_size(mine, name)}" for name in searched(study))
        setting += f", for {_by_size(mine, 'length', ' iterations')}"
        found.setdefault((study, setting), []).append(arm)
    return [
        f"{listed(arms)} {'trains' if len(arms) == 1 else 'train'} best at {setting}"
        for (_, setting), arms in found.items()
    ] + untold(best)


def untold(best: pd.DataFrame) -> list[str]:
    """The sizes and arms of which no setting can be called the best, as such sentences."""
    few = best.loc[(best["trials"] < ENOUGH).to_numpy()]
    tried = sorted(set(values(best, "size")))
    alike: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for (_, size), mine in groups(few, "study", "size"):
        counts = zip(values(mine, "arm"), values(mine, "trials"), strict=True)
        alike.setdefault(tuple(counts), []).append(size)
    return [
        f"{too_few(dict(counts), at_sizes(sizes, tried))} which setting is best"
        for counts, sizes in alike.items()
    ]


def _by_size(table: pd.DataFrame, name: str, unit: str = "") -> str:
    """One value, a few with their sizes, or the range of many."""
    found = values(table, name)
    if min(found) == max(found):
        return number(found[0]) + unit
    if len(found) > MANY:
        return f"{number(min(found))} to {number(max(found))}{unit}"
    return listed(f"{number(r[name])}{unit} with {r['size']:,} images" for r in rows(table))
