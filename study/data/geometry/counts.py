"""What many masks of run lengths are, all at once and without drawing one.

COCO's compressed form writes a number in characters of five bits, the lowest first; a sixth bit
says that another follows, and the highest bit of the last one is the sign. From the fourth on, a
number is the difference to the last but one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = 48, 111  # the characters that stand for 0 … 63
MOST_CHARACTERS = 8  # of a number: 40 bits


@dataclass(frozen=True)
class Runs:
    """Masks of n objects: lengths of empty and set runs in turns, down the columns."""

    lengths: np.ndarray  # int64, those of all objects one after another
    first: np.ndarray  # int64 [n + 1]: where each object's begin
    legible: np.ndarray  # bool [n]: whether they could be read; others have no runs

    @classmethod
    def of(cls, objects: Sequence[bytes | Sequence[int]]) -> Runs:
        """From compressed counts, or from whole numbers below 2**40."""
        texts = [one if isinstance(one, bytes) else b"" for one in objects]
        values, size, legible = _numbers(texts)
        plain = np.array([not isinstance(one, bytes) for one in objects], np.bool_)
        if plain.any():
            given = [[] if isinstance(one, bytes) else one for one in objects]
            own = np.array([len(one) for one in given], np.int64)
            first = _first(size + own)
            merged = np.zeros(first[-1], np.int64)
            take = np.repeat(plain, size + own)
            merged[take] = np.array([x for one in given for x in one], np.int64)
            merged[~take] = values
            values, size = merged, size + own
        return cls(values, _first(size), legible | plain)

    def wrong(self, pixels: np.ndarray) -> list[str | None]:
        """Of each object, what is wrong with its mask of so many pixels [n], or None."""
        least = np.minimum.reduceat(np.append(self.lengths, 0), self.first[:-1])
        least[np.diff(self.first) == 0] = 0
        total = self._sums(self.lengths)
        found: list[str | None] = [None] * len(pixels)
        for at in np.flatnonzero(~self.legible | (least < 0) | (total != pixels)).tolist():
            if not self.legible[at]:
                found[at] = "cannot be read as compressed run lengths"
            elif least[at] < 0:
                found[at] = f"has a run of {least[at]} pixels: must be 0 or more"
            else:
                found[at] = (
                    f"do not add up to the image: {total[at]:,} pixels, and it has {pixels[at]:,}"
                )
        return found

    def boxes(self, heights: np.ndarray) -> np.ndarray:
        """int64 [n, 4] px: left, top, right, bottom around each mask; zeros where it is empty.

        Args:
            heights: [n] px. The masks must be in order.
        """
        number = np.diff(self.first)
        owner = np.repeat(np.arange(len(number)), number)
        ends = np.cumsum(self.lengths)
        ends -= np.append(0, ends)[self.first[:-1]][owner]  # counted from the object's first pixel
        turn = np.arange(len(owner)) - self.first[:-1][owner]
        drawn = (turn % 2 == 1) & (self.lengths > 0)
        owner, stop = owner[drawn], ends[drawn]
        start, high = stop - self.lengths[drawn], heights[owner]
        left, top = np.divmod(start, high)
        right, bottom = np.divmod(stop - 1, high)
        over = right > left  # such a run reaches the foot of one column and the head of the next
        found = np.zeros((len(number), 4), np.int64)
        found[:, :2] = np.iinfo(np.int64).max
        np.minimum.at(found[:, 0], owner, left)
        np.minimum.at(found[:, 1], owner, np.where(over, 0, top))
        np.maximum.at(found[:, 2], owner, right + 1)
        np.maximum.at(found[:, 3], owner, np.where(over, high, bottom + 1))
        found[found[:, 2] == 0] = 0
        return found

    def _sums(self, values: np.ndarray) -> np.ndarray:
        sums = np.append(0, np.cumsum(values))
        return sums[self.first[1:]] - sums[self.first[:-1]]


def _numbers(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lengths of the runs, how many each text has, and bool [n], whether it could be read."""
    sizes = np.array([len(text) for text in texts], np.int64)
    joined = np.frombuffer(b"".join(texts), np.uint8).astype(np.int64)
    owner = np.repeat(np.arange(len(texts)), sizes)
    more = ((joined - LOWEST) & 32) > 0
    legible = sizes > 0
    legible[owner[(joined < LOWEST) | (joined > HIGHEST)]] = False
    last = _first(sizes)[1:][sizes > 0] - 1
    legible[owner[last[more[last]]]] = False  # it ends in the middle of a number
    more[last] = False
    place = _since(~more)  # of a character in its number
    legible[owner[place >= MOST_CHARACTERS]] = False
    kept = legible[owner]
    joined, owner, more, place = joined[kept] - LOWEST, owner[kept], more[kept], place[kept]
    last = np.flatnonzero(~more)
    if not len(last):
        return np.zeros(0, np.int64), np.zeros(len(texts), np.int64), legible
    values = np.add.reduceat((joined & 31) << (5 * place), np.append(0, last[:-1] + 1))
    values -= np.where(joined[last] & 16, 1 << (5 * (place[last] + 1)), 0)
    owner = owner[last]
    number = np.bincount(owner, minlength=len(texts))
    return _summed(values, owner, _first(number)), number, legible


def _summed(values: np.ndarray, owner: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The numbers of which those given are the differences to the last but one."""
    turn = np.arange(len(values)) - first[:-1][owner]
    found = values.copy()
    for chosen in (turn % 2 == 1, (turn % 2 == 0) & (turn > 0)):
        own = owner[chosen]
        sums = np.cumsum(values[chosen])
        begins = np.flatnonzero(np.diff(own, prepend=-1))
        before = np.append(0, sums)[begins]
        found[chosen] = sums - np.repeat(before, np.diff(np.append(begins, len(own))))
    return found


def _since(ends: np.ndarray) -> np.ndarray:
    """How many places each is after the last one that ended, that one not counted."""
    at = np.arange(len(ends))
    last = np.maximum.accumulate(np.where(np.append(True, ends[:-1]), at, 0)) if len(at) else at
    return at - last


def _first(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
