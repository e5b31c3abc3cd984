"""Batches of labelled images, read ahead by threads.

What a slot of a batch holds is a function of (seed, iteration, slot), so that threads may read
ahead and a resumed training sees the same images.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from study.data.classification.crops import centre_box, cropped, random_box
from study.data.classification.folders import Labelled
from study.data.splits.draws import Order
from study.randomness import Stream, generator

AHEAD = 2  # batches that are read while one is trained on


def training_batches(
    data: Labelled, px: int, seed: int, batch_size: int, iterations: range
) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    """Images uint8 [B, px, px, 3], cropped and mirrored at random, and labels int64 [B].

    Iterations take up where the one before ended, epoch after epoch, each in an order of its own.

    Raises:
        ValueError: an image that cannot be read any more.
    """
    order = Order(len(data))

    def one(at: int, iteration: int, slot: int) -> np.ndarray:
        rng = generator(Stream.AUGMENT, seed, iteration, slot)
        image = cropped(data.files[at], px, partial(random_box, rng=rng), data.scale)
        return image[:, ::-1] if rng.random() < 0.5 else image

    def begin(iteration: int, pool: ThreadPoolExecutor) -> _Pending:
        chosen = [order.at(iteration * batch_size + slot, seed) for slot in range(batch_size)]
        images = [pool.submit(one, at, iteration, slot) for slot, at in enumerate(chosen)]
        return images, data.labels[chosen]

    yield from _ahead(begin, iterations)


def held_out_batches(
    data: Labelled, px: int, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The middle of every image once, as `training_batches` gives them; the last are fewer."""

    def begin(number: int, pool: ThreadPoolExecutor) -> _Pending:
        chosen = slice(number * batch_size, (number + 1) * batch_size)
        files = data.files[chosen]
        images = [pool.submit(cropped, file, px, centre_box, data.scale) for file in files]
        return images, data.labels[chosen]

    yield from _ahead(begin, range(-(-len(data) // batch_size)))


_Pending = tuple[list["Future[np.ndarray]"], np.ndarray]


def _ahead(
    begin: Callable[[int, ThreadPoolExecutor], _Pending], numbers: range
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of these numbers in their order, a few of them begun before they are wanted."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        pending: deque[_Pending] = deque()
        for number in numbers:
            pending.append(begin(number, pool))
            if len(pending) > AHEAD:
                yield _ready(pending.popleft())
        while pending:
            yield _ready(pending.popleft())


def _ready(pending: _Pending) -> tuple[np.ndarray, np.ndarray]:
    images, labels = pending
    return np.stack([image.result() for image in images]), labels
