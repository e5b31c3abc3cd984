"""Randomness as a function, not a state.

What a run draws depends on (seed, iteration, slot) alone, one stream per purpose. A checkpoint
then needs no generator's state, and nothing depends on how many workers share a batch.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """One independent stream of random numbers per purpose."""

    SPLIT = 0  # which images are held out for tuning
    SUBSET = 1  # which images a subset draws
    ORDER = 2  # the order of an epoch
    AUGMENT = 3
    RPN = 4  # which anchors the RPN's loss samples
    ROI = 5  # which proposals the heads' losses sample
    INIT = 6  # initial weights


def generator(stream: Stream, *key: int) -> np.random.Generator:
    """The generator that belongs to `key`, for instance (seed, iteration, slot)."""
    return np.random.default_rng((int(stream), *key))


def seed(stream: Stream, *key: int) -> int:
    """A 63-bit seed for another library's generator."""
    state = np.random.SeedSequence((int(stream), *key)).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))
