"""A traced outline rasterises to the mask it was traced from."""

from __future__ import annotations

from typing import Any

import hotcoco.mask
import numpy as np
import pycocotools.mask
import pytest

from study.data.geometry.tracing import traced


def masks() -> list[np.ndarray]:
    """Noise of three densities, so with many parts, holes and corners that touch; and a ring."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 30, (60, 2))
    noise = [rng.random(size) < density for size in sizes for density in (0.1, 0.5, 0.9)]
    y, x = np.mgrid[0:24, 0:31]
    r = np.hypot(y - 12, x - 15)
    return [*(mask for mask in noise if mask.any()), (r < 11) & (r > 5)]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools and numpy 2
@pytest.mark.parametrize("rle", [pycocotools.mask, hotcoco.mask], ids=["pycocotools", "hotcoco"])
def test_rasterising_the_outline_gives_the_mask_back(rle: Any):
    for mask in masks():
        ring = traced(mask)
        parts = rle.frPyObjects([ring.astype(float).ravel().tolist()], *mask.shape)
        assert np.array_equal(rle.decode([rle.merge(parts)])[:, :, 0], mask)


def test_a_rectangle_has_four_corners_and_nothing_has_none():
    mask = np.zeros((9, 8), np.uint8)
    assert traced(mask).shape == (0, 2)
    mask[2:5, 3:8] = 1
    assert traced(mask).tolist() == [[3, 2], [8, 2], [8, 5], [3, 5]]


def test_no_side_has_no_length():
    """COCO's rasteriser divides by it."""
    for mask in masks():
        ring = traced(mask)
        assert (np.abs(ring - np.roll(ring, 1, axis=0)).sum(axis=1) > 0).all()
