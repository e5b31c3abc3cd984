"""Which images a run sees, and in what order: functions of seeds and image ids alone.

Draws of a training set are nested; each epoch is a permutation of its own, one after another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from study.randomness import Stream, generator

MOST_HELD_OUT = 128


def hold_out(
    image_ids: np.ndarray,
    count: int | None,
    name: str = "data.tune_size",
    groups: Sequence[np.ndarray] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """`count` ids to tune or report on and all others, the same for every arm and draw.

    Args:
        image_ids: in whatever order.
        count: None: 128 ids, or a quarter of all if that is less.
        name: of the count, for messages.
        groups: ids that are held out together or not at all; they share none. A group that would
            make it more than `count` is not held out; what is drawn without groups is the same
            without any.

    Returns:
        both int64, ascending. Fewer than `count` are held out where whole groups do not add up.

    Raises:
        ValueError: nothing would be left to train on.
    """
    if count is None:
        count = min(MOST_HELD_OUT, max(1, len(image_ids) // 4))
    if count >= len(image_ids):
        raise ValueError(
            f"{name} = {count}: to be held out of {len(image_ids)} images, of which some must be"
            " left over; hold out fewer"
        )
    order = generator(Stream.SPLIT).permutation(np.sort(image_ids))
    held = _whole(order, count, groups) if len(groups) else order[:count]
    if count and not len(held):
        raise ValueError(
            f"{name} = {count}: all images are in larger groups of near-duplicates, which are held"
            " out together or not at all; hold out more"
        )
    return np.sort(held), np.setdiff1d(order, held)


def _whole(order: np.ndarray, count: int, groups: Sequence[np.ndarray]) -> np.ndarray:
    """At most `count` ids in that order, each with all of its group that is there."""
    there = [ids[np.isin(ids, order)].tolist() for ids in groups]
    group = {id_: ids for ids in there for id_ in ids}
    held: dict[int, None] = {}
    for id_ in order.tolist():
        together = group.get(id_, [id_])
        if id_ not in held and len(held) + len(together) <= count:
            held |= dict.fromkeys(together)
        if len(held) == count:
            break
    return np.array(list(held), np.int64)


def subset(pool: np.ndarray, size: int, draw: int) -> np.ndarray:
    """`size` ids of the pool, in the order drawn: a smaller size of one draw is its beginning.

    Raises:
        ValueError: the pool is smaller.
    """
    if size > len(pool):
        raise ValueError(f"size = {size}: only {len(pool)} images can be trained on")
    return generator(Stream.SUBSET, draw).permutation(np.sort(pool))[:size]


def digest(image_ids: np.ndarray) -> str:
    """Sixteen hex digits that identify a set of ids, in whatever order."""
    return hashlib.sha256(np.sort(image_ids).astype("<i8").tobytes()).hexdigest()[:16]


class Order:
    """The order of `count` images over all epochs, a function of the seed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._epoch: tuple[int, int] | None = None  # whose permutation is at hand: seed, epoch
        self._permutation = np.empty(0, np.int64)

    def at(self, k: int, seed: int) -> int:
        """The place 0 … count - 1 of the k-th image, from 0."""
        epoch, place = divmod(k, self.count)
        if self._epoch != (seed, epoch):
            self._epoch = seed, epoch
            self._permutation = generator(Stream.ORDER, seed, epoch).permutation(self.count)
        return int(self._permutation[place])
