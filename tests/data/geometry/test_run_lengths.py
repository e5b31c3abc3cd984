"""Run lengths are those of pycocotools, also where only a part of a mask was looked at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hotcoco import mask as rle
from pycocotools import mask as peer

from study.data.geometry.run_lengths import encoded, encoded_part

HEIGHT, WIDTH = 9, 11


def test_masks_survive_encoding():
    mask = np.random.default_rng(0).random((17, 23)) < 0.3
    assert np.array_equal(rle.decode(encoded(mask)).astype(bool), mask)


def same_as_whole(part: np.ndarray, top: int, left: int):
    whole = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    found = encoded_part(part, top, left, (HEIGHT, WIDTH))
    assert found == encoded(whole)
    assert found["counts"].encode() == peer.encode(whole)["counts"]


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_a_part_has_the_run_lengths_of_the_whole_mask(share: float):
    """Every height and width at every place: runs go on from column to column, or do not."""
    rng = np.random.default_rng(0)
    for height, width in itertools.product((0, 1, 4, HEIGHT - 1, HEIGHT), (0, 1, 5, WIDTH)):
        part = rng.random((height, width)) < share
        for top, left in itertools.product(range(HEIGHT - height + 1), range(WIDTH - width + 1)):
            same_as_whole(part, top, left)


def test_a_part_may_be_a_view_of_any_order():
    part = np.random.default_rng(0).random((16, 12)) < 0.5
    for view in (part[3:11, 2:9], part.T[1:9, ::-2], part[::-2, ::3]):
        same_as_whole(view, 1, 0)
