"""Masks as they are drawn."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from study.data.geometry.run_lengths import encoded
from study.trained.drawing import COLOURS, LEAST_PX, MASK, drawn

SIDE = LEAST_PX  # so that the picture is not enlarged
NAMES = {7: "cat", 9: "dog"}


def found(mask: np.ndarray, category: int, score: float) -> dict:
    """Its box is outside of the picture, so that the mask alone is drawn."""
    box = [4.0 * SIDE, 4.0 * SIDE, 1.0, 1.0]
    return {
        "category_id": category,
        "score": score,
        "bbox": box,
        "segmentation": encoded(mask),
    }


def test_masks_cover_the_picture_one_after_the_other_to_the_grey_level():
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    masks = np.zeros((4, SIDE, SIDE), bool)
    masks[0, 10:400, 20:300] = random.random((390, 280)) < 0.6
    masks[1, :, SIDE - 1], masks[2, SIDE - 40 :, :] = True, True  # to the edges; 3 is empty
    rows = [found(mask, (7, 9)[at % 2], 0.9 - at / 10) for at, mask in enumerate(masks)]
    expected = picture.copy()
    for mask, row in reversed([*zip(masks, rows, strict=True)]):  # the best on top
        colour = np.array(COLOURS[row["category_id"] == 9])
        expected[mask] = ((1 - MASK) * expected[mask] + MASK * colour).astype(np.uint8)
    given = Image.fromarray(picture)
    given.info["icc_profile"] = b"of the photo"
    found_ = drawn(given, rows, NAMES)
    seen = np.asarray(found_)[: SIDE - 30]  # below it the labels are
    assert np.array_equal(seen, expected[: SIDE - 30])
    assert not found_.info and np.array_equal(np.asarray(given), picture)


@pytest.mark.parametrize("height", [1000, 1])
def test_a_mask_takes_a_byte_for_a_pixel(height: int):
    mask = np.ones((height, 1000), bool)
    row, picture = found(mask, 7, 0.9), Image.new("RGB", (1000, height))
    tracemalloc.start()
    try:
        drawn(picture, [row], NAMES)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * mask.size + 300_000  # a font, too
    finally:
        tracemalloc.stop()
