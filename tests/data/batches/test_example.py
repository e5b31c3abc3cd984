"""Masks are resized and mirrored as the plain expressions say, however they lie in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from study.data.batches.example import Example, cropped, flipped, nearest

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "by lines": np.ascontiguousarray,
    "as run lengths are decoded": lambda masks: np.asfortranarray(
        masks.transpose(1, 2, 0)
    ).transpose(2, 0, 1),
    "every other": lambda masks: np.repeat(masks, 2, axis=2)[:, :, ::2],
}


def random_masks(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (count, height, width), dtype=np.uint8)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "size", [(53, 31), (54, 62), (106, 93), (17, 90), (90, 17), (1, 1), (52, 30)]
)
def test_masks_take_the_nearest_pixel(layout: str, count: int, size: tuple[int, int]):
    masks = LAYOUTS[layout](random_masks(count, 53, 31))
    height, width = size
    lines = ((np.arange(height) + 0.5) * 53 / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * 31 / width).astype(np.int64)
    found = nearest(masks, height, width)
    assert found.dtype == np.uint8
    assert np.array_equal(found, masks[:, lines[:, None], columns])


def test_no_masks_have_the_size_asked_for():
    assert nearest(np.zeros((0, 1, 1), np.uint8), 7, 9).shape == (0, 7, 9)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [0, 3])
def test_mirrored_masks_are_read_backwards(layout: str, count: int):
    masks = LAYOUTS[layout](random_masks(3, 53, 31))[:count]
    plain = Example(
        image=np.zeros((53, 31, 3), np.uint8),
        boxes=np.zeros((count, 4), np.float32),
        labels=np.ones(count, np.int64),
        masks=masks,
        polygons=None,
        keypoints=None,
    )
    mirror = flipped(plain, np.arange(0)).masks
    assert mirror is not None and mirror.dtype == np.uint8
    assert np.array_equal(mirror, masks[:, :, ::-1])


def test_of_an_object_12_px_must_be_seen():
    masks = np.zeros((2, 8, 24), np.uint8)
    masks[0, :2, :6], masks[1, 3, :11] = 1, 1  # 12 px, and 11
    whole = Example(
        image=np.zeros((8, 24, 3), np.uint8),
        boxes=np.array([[0, 0, 6, 2], [0, 3, 11, 4]], np.float32),
        labels=np.array([1, 2]),
        masks=masks,
        polygons=None,
        keypoints=None,
    )
    found = cropped(whole, 24, np.random.default_rng(0))
    assert found.labels.tolist() == [1] and found.boxes.tolist() == [[0, 0, 6, 2]]
