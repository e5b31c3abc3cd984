"""The next batch is made in a thread while the step on this one computes.

A batch is a function of (seed, iteration, slot), so the thread keeps nothing that a run would have
to save: one that was made and is never asked for makes no difference.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch

from study.data.batches.loader import Batch, TrainingData


class Prefetched:
    """A worker's batches of one run, on its device."""

    def __init__(
        self, data: TrainingData, seed: int, batch_size: int, slots: range, device: torch.device
    ) -> None:
        """`seed`, `batch_size` and `slots` are those of `TrainingData.batch`."""
        self._data = data
        self._of = seed, batch_size, slots
        self._device = device
        # one thread: it alone makes batches, and so nobody else is within `data`
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def at(self, iteration: int) -> Batch:
        """The batch of an iteration; the one after it is begun.

        Raises:
            ValueError: an image cannot be read.
        """
        ahead, self._next = self._next, None
        if ahead is not None and ahead[0] == iteration:
            batch = ahead[1].result()
        else:  # the first, or another leg begins
            if ahead is not None:
                ahead[1].cancel()
            batch = self._begin(iteration).result()
        self._next = iteration + 1, self._begin(iteration + 1)
        return batch.to(self._device)

    def _begin(self, iteration: int) -> Future[Batch]:
        return self._thread.submit(_made, self._data, iteration, self._of, self._device)


def _made(
    data: TrainingData, iteration: int, of: tuple[int, int, range], device: torch.device
) -> Batch:
    batch = data.batch(iteration, *of)
    return batch.pinned() if device.type == "cuda" else batch
