"""What the words mean that a reader of an answer needs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MEANINGS = {
    "AP": "average precision, from 0 to 100: how well objects are found",
    "tuning split": "images that settings are chosen on",
    "report split": "images that nothing was chosen on",
    "confirm run": "a training of the chosen setting with a new seed",
}


EVERY = tuple(_MEANINGS)


def meanings(texts: Iterable[str] = EVERY) -> str:
    """What the words mean that the texts use, in a line; empty if they use none."""
    whole = " ".join(" ".join(texts).split())
    found = [
        f"{word}: {meaning}"
        for word, meaning in _MEANINGS.items()
        if re.search(rf"\b{word}(s\b|\b)", whole, re.IGNORECASE if word != "AP" else 0)
    ]
    text = "; ".join(found)
    return f"{text[0].upper()}{text[1:]}." if text else ""
