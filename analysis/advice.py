"""How each arm is trained best, as far as it was searched: the settings found, in sentences."""

from __future__ import annotations

import pandas as pd

from analysis.frames import groups, values
from analysis.words import number


def advice(best: pd.DataFrame) -> list[str]:
    """Rows of `analysis.best`, a sentence without a full stop for each arm, over all sizes."""
    return [
        f"{arm} trains best at a learning rate of {_span(mine, 'lr')} and a weight decay of"
        f" {_span(mine, 'weight_decay')}, for {_span(mine, 'length')} iterations"
        for (_, arm), mine in groups(best, "study", "arm")
    ]


def _span(table: pd.DataFrame, name: str) -> str:
    found = values(table, name)
    return " to ".join(dict.fromkeys((number(min(found)), number(max(found)))))
