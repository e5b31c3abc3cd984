"""One colour and one marker per arm, the same in every figure and table.

The colours are those of Okabe and Ito (2008, Color Universal Design), told apart with any common
colour blindness; the markers tell the arms apart in black and white.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

INK, RULE, PAPER = "#1b1b1a", "#d8d6d0", "#ffffff"


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    colour: str
    marker: str  # matplotlib's name
    dark: str  # the colour on a dark page


_LOOKS = (
    Look("#d55e00", "o", "#f28a3c"),
    Look("#0072b2", "s", "#56b4e9"),
    Look("#009e73", "^", "#3ec79f"),
    Look("#b65a94", "D", "#dd94c0"),
    Look("#8a6d00", "v", "#e6c229"),
    Look("#5b5bd6", "P", "#a3a3ff"),
)
_KNOWN = {"scratch": 0, "pretext": 1, "imagenet": 2}


def looks(arms: Iterable[str]) -> dict[str, Look]:
    """A look for each arm; the usual arms have the same one in every study."""
    arms = list(arms)
    taken = {_KNOWN[arm] for arm in arms if arm in _KNOWN}
    own = [i for i in range(len(_LOOKS)) if i not in taken]
    free = itertools.chain(own, itertools.cycle(range(len(_LOOKS))))
    return {arm: _LOOKS[_KNOWN[arm] if arm in _KNOWN else next(free)] for arm in arms}
