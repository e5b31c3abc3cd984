"""Which images are trained on: seeded, nested draws that are a function of the image ids alone."""

from __future__ import annotations

import hashlib

import numpy as np

from study.randomness import Stream, generator

MOST_HELD_OUT = 128


def hold_out(image_ids: np.ndarray, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """`count` ids for tuning and all others, int64 ascending; the same for every arm and draw.

    None: 128 ids, or a quarter of all if that is less.

    Raises:
        ValueError: nothing would be left to train on.
    """
    if count is None:
        count = min(MOST_HELD_OUT, max(1, len(image_ids) // 4))
    if count >= len(image_ids):
        raise ValueError(
            f"data.tune_size = {count}: to be held out of {len(image_ids)} images, of which some"
            " must be left over; hold out fewer, or give data.tune"
        )
    order = generator(Stream.SPLIT).permutation(np.sort(image_ids))
    return np.sort(order[:count]), np.sort(order[count:])


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
