"""How many confirm runs make a difference between arms as sharp as asked.

In two stages (Stein 1945, Ann. Math. Stat. 16, 243-258): the first runs of every arm and size tell
how much differences scatter, and so how many runs make their interval narrow enough. That number
is fixed then; nobody looks again after each run, which would stop where chance made the interval
short. The interval uses what the first runs told about the scatter, and the mean of all runs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from study.planning.confirming import scatter
from study.planning.confirming.scatter import Scores

LEVEL = 0.95
MARGIN = 0.5  # AP; smaller differences count as none, unless a study was asked for another
EQUAL = 0.6
"""How often arms that are equal are to be shown equal, within what was asked for."""


def earliest(scores: Scores, first: int | None) -> dict[Hashable, float]:
    """The scores, by (seed, draw), of the first so many repeats; None: of all.

    Draws are numbered from 1.
    """
    if first is None:
        return dict(scores)
    draws: dict[Hashable, int] = {key: key[1] for key in scores}  # type: ignore[index]
    return {key: scores[key] for key, draw in draws.items() if draw <= first}


def repeats(
    scores: Mapping[int, Mapping[str, Scores]],
    within: float,
    first: int,
    most: int,
    level: float = LEVEL,
) -> dict[int, int]:
    """How many runs every arm needs, by size; at least `first`, at most `most`.

    Args:
        scores: box AP (points) of the first runs, by size, arm, and (seed, draw).
        within: AP that the interval of each difference may reach to either side.
        first: runs of the first stage.
        most: runs that the budget allows.
        level: of the intervals; those of a size hold together.
    """
    known = scatter.differences(scores)
    found = dict.fromkeys(scores, first)
    for (size, *_), spread in known.spreads.items():
        if not spread.variance > 0:
            continue  # no two runs to tell of it, or all alike
        runs = needed(spread, within, scatter.single(level, known.compared[size]))
        found[size] = max(found[size], min(runs, most))
    return found


def needed(spread: scatter.Spread, within: float, level: float) -> int:
    """Runs that make the interval of a mean at most `within` to either side.

    And that show arms that are equal to differ by less than `within` (two one-sided tests) in the
    share `EQUAL` of studies.
    """
    from scipy import special  # here: most bills need none, and it takes a while to import

    interval = special.stdtrit(spread.freedom, (1 + level) / 2)
    equality = special.stdtrit(spread.freedom, level)
    equality += special.stdtrit(spread.freedom, (1 + EQUAL) / 2)
    return math.ceil(spread.variance * (max(interval, equality) / within) ** 2)
