"""Which image comes k-th: each epoch is a permutation of its own, one after another."""

from __future__ import annotations

import numpy as np

from study.randomness import Stream, generator


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
