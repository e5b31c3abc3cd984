"""What an image holds on average is what the training data then show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from study.config import TINY, DataConfig
from study.data.batches.loader import TrainingData
from study.data.splits import Splits, open_splits
from study.data.statistics import per_image

WIDE = replace(TINY, short_px=64, long_px=80)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return open_splits(DataConfig())


def test_the_means_are_those_of_an_epoch(splits: Splits):
    ids = splits.subset(24)
    batch = TrainingData(splits.train, ids, WIDE).batch(0, seed=3, batch_size=24, slots=range(24))
    assert sorted(batch.image_ids) == sorted(ids.tolist())
    assert per_image(splits.train, ids, WIDE) == {
        "instances": np.mean([len(target["boxes"]) for target in batch.targets]),
        "pixels": np.mean([image[0].numel() for image in batch.images]),
    }


def test_of_a_range_of_sides_it_is_the_mean(splits: Splits):
    ids = splits.subset(5)
    ranged = replace(TINY, train_short_px=(40, 42), long_px=200)
    assert per_image(splits.train, ids, ranged)["pixels"] == pytest.approx(
        np.mean([side**2 for side in (40, 41, 42)])
    )


def test_what_crops_cut_off_is_not_known(splits: Splits):
    cropped = replace(TINY, short_px=200, long_px=300, crop_px=64)
    assert per_image(splits.train, splits.subset(5), cropped) == {
        "instances": None,
        "pixels": 64 * 64,
    }
