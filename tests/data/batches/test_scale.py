"""In training the shorter side may be drawn from a range, per image and iteration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.config import TINY
from study.data.batches.loader import Batch, TrainingData, evaluation_batches
from study.data.formats.coco import AnnotationFile
from study.data.geometry.resize import resized
from study.data.index import Index
from tests.data.coco_files import content, write

MODEL = replace(TINY, short_px=48, long_px=110, train_short_px=(40, 80))  # of images of 40 × 60


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.open(AnnotationFile(*write(tmp_path, "train", content(8))))


@pytest.fixture
def data(index: Index) -> TrainingData:
    return TrainingData(index, np.array(index.image_id), MODEL)


def sizes(batch: Batch) -> list[tuple[int, int]]:
    return [(image.shape[1], image.shape[2]) for image in batch.images]


def test_shorter_sides_are_drawn_from_the_range_and_longer_ones_limited(data: TrainingData):
    drawn = [size for i in range(40) for size in sizes(data.batch(i, 0, 8, range(8)))]
    short = {height for height, _ in drawn}
    assert min(short) == 40 and max(short) == 73  # 110 px of longer side are 73 of the shorter
    assert len(short) == 34  # every whole number occurs
    assert max(width for _, width in drawn) == 110
    assert all(size == tuple(resized(40, 60, MODEL, size[0]).tolist()) for size in drawn)


def test_the_space_is_the_whole_batchs_whoever_makes_which_slots(data: TrainingData):
    for iteration in range(6):
        whole = data.batch(iteration, 3, 4, range(4))
        parts = [data.batch(iteration, 3, 4, slots) for slots in (range(0, 1), range(1, 4))]
        images = [image for part in parts for image in part.images]
        assert all(torch.equal(a, b) for a, b in zip(whole.images, images, strict=True))
        heights, widths = zip(*sizes(whole), strict=True)
        assert {part.space for part in parts} == {whole.space} == {(max(heights), max(widths))}


def test_images_are_resized_once_from_their_own_pixels(index: Index, data: TrainingData):
    """As PIL would, but for 1 of 255 now and then (these images are noise); stored or not."""
    stored = TrainingData(index, data.image_ids, MODEL)
    stored.store()
    for at, size in ((0, (52, 78)), (3, (73, 110)), (5, (40, 60))):
        with Image.open(index.files(data.image_ids[[at]])[0]) as image:
            wanted = np.asarray(
                image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
            ).astype(int)
        found = data.plain(at, size).image
        assert np.abs(found - wanted).max() <= 1
        assert (found != wanted).mean() < 0.05
        assert np.array_equal(stored.plain(at, size).image, found)


def test_boxes_follow_exactly_and_masks_fit_them(data: TrainingData):
    for at, size in ((0, (40, 60)), (0, (60, 90)), (2, (70, 105))):
        example = data.plain(at, size)
        assert example.masks is not None
        assert example.image.shape == (*size, 3) and example.masks.shape[1:] == size
        scale = size[0] / 40
        assert example.boxes[0].tolist() == [5 * scale, 10 * scale, 25 * scale, 20 * scale]
        lines, columns = np.nonzero(example.masks[0])
        assert abs(columns.min() - 5 * scale) < 1 and abs(lines.max() + 1 - 20 * scale) < 1


def test_images_are_mirrored_as_without_other_sizes(index: Index, data: TrainingData):
    plain = TrainingData(index, data.image_ids, replace(MODEL, train_short_px=None))
    draws = [(data._draw(i, 0, 4, s), plain._draw(i, 0, 4, s)) for i in range(8) for s in range(4)]
    assert [a.mirrored for a, _ in draws] == [b.mirrored for _, b in draws]
    assert [a.at for a, _ in draws] == [b.at for _, b in draws]
    assert all(b.size == (48, 72) for _, b in draws)


def test_only_training_is_at_other_sizes(index: Index):
    for (batch,) in evaluation_batches(index, np.array(index.image_id), [MODEL], 8):
        assert sizes(batch) == [(48, 72)] * 8


def test_a_range_of_one_size_is_that_size(index: Index):
    one = TrainingData(index, np.array(index.image_id), replace(MODEL, train_short_px=(48, 48)))
    same = TrainingData(index, np.array(index.image_id), replace(MODEL, train_short_px=None))
    images = zip(*(d.batch(1, 0, 4, range(4)).images for d in (one, same)), strict=True)
    assert all(torch.equal(a, b) for a, b in images)
