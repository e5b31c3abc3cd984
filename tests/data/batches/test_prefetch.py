"""A batch made ahead is the batch that would have been made: a thread adds nothing of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from study.config import TINY, DataConfig
from study.data.batches import decoded
from study.data.batches.loader import Batch, TrainingData
from study.data.batches.prefetch import Prefetched
from study.data.splits import Splits, open_splits

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def splits() -> Splits:
    return open_splits(DataConfig())


def data(splits: Splits) -> TrainingData:
    return TrainingData(splits.train, splits.subset(10), TINY)


def same(a: Batch, b: Batch) -> bool:
    images = zip(a.images, b.images, strict=True)
    return a.image_ids == b.image_ids and all(torch.equal(x, y) for x, y in images)


def test_batches_are_those_asked_for_wherever_iterations_jump(splits: Splits):
    batches, plain = Prefetched(data(splits), 5, 4, range(1, 3), CPU), data(splits)
    for iteration in (0, 1, 2, 3, 40, 41, 3, 4, 4, 5, 0):  # tails begin, runs begin again
        assert same(batches.at(iteration), plain.batch(iteration, 5, 4, range(1, 3)))


def test_the_next_batch_is_made_meanwhile(splits: Splits, monkeypatch: pytest.MonkeyPatch):
    watched = data(splits)
    made, own = {}, watched.batch
    begun = threading.Event()

    def batch(iteration: int, *rest: object) -> Batch:
        made[iteration] = threading.current_thread()
        if iteration == 8:
            begun.set()
        return own(iteration, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(watched, "batch", batch)  # of this one: other runs' threads may still live
    batches = Prefetched(watched, 0, 4, range(4), CPU)
    batches.at(7)
    assert begun.wait(10)
    assert set(made.values()) != {threading.current_thread()} and len(set(made.values())) == 1
    batches.at(8)
    assert list(made)[:2] == [7, 8]


def test_an_error_is_the_steps_own_and_only_if_it_is_asked_for(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
):
    own = TrainingData.batch

    def batch(self: TrainingData, iteration: int, *rest: object) -> Batch:
        if iteration == 2:
            raise ValueError("a2.jpg: cannot be read as an image: cut off")
        return own(self, iteration, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingData, "batch", batch)
    batches = Prefetched(data(splits), 0, 4, range(4), CPU)
    batches.at(0)
    batches.at(1)
    batches.at(9)
    batches.at(1)
    with pytest.raises(ValueError, match=r"^a2\.jpg: cannot be read as an image: cut off$"):
        batches.at(2)
    assert same(batches.at(3), data(splits).batch(3, 0, 4, range(4)))


def test_the_thread_ends_with_its_batches(splits: Splits):
    before = set(threading.enumerate())
    batches = Prefetched(data(splits), 0, 4, range(4), CPU)
    batches.at(0)
    (thread,) = set(threading.enumerate()) - before
    del batches
    thread.join(10)
    assert not thread.is_alive()


def test_of_a_few_iterations_only_their_images_are_stored(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path))
    made: list[Path] = []
    own = decoded.read_rgb

    def reading(file: Path, *how: Any) -> np.ndarray:
        made.append(file)
        return own(file, *how)

    monkeypatch.setattr(decoded, "read_rgb", reading)
    many = TrainingData(splits.train, splits.subset(200), TINY)
    many.store_shown(range(3), 1, 4)
    assert len(made) == 12
    for iteration in range(3):
        many.batch(iteration, 1, 4, range(4))
    assert len(made) == 12  # they are the ones
