"""Subsets nest, and what is tuned or reported on is never trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import DataConfig
from study.data.splits import Splits, draws, open_splits
from tests.data.coco_files import content, write


@pytest.fixture(scope="module")
def splits() -> Splits:
    return open_splits(DataConfig())


def test_sizes_nest_and_draws_differ(splits: Splits):
    small, large = splits.subset(24, draw=1), splits.subset(1024, draw=1)
    assert large[:24].tolist() == small.tolist()
    assert len(set(large.tolist())) == 1024
    assert set(splits.subset(24, draw=2).tolist()) != set(small.tolist())


def test_tuning_images_are_never_trained_on(splits: Splits):
    index, held = splits.images("tune")
    assert index is splits.train
    assert len(held) == 128
    assert not set(held.tolist()) & set(splits.pool.tolist())
    assert len(held) + len(splits.pool) == len(splits.train.image_id)


def test_a_subset_does_not_depend_on_the_order_of_ids():
    ids = np.arange(100, 150)
    shuffled = np.random.default_rng(0).permutation(ids)
    assert draws.subset(ids, 10, 3).tolist() == draws.subset(shuffled, 10, 3).tolist()
    assert draws.hold_out(ids, 9)[0].tolist() == draws.hold_out(shuffled, 9)[0].tolist()
    assert draws.digest(ids) == draws.digest(shuffled) != draws.digest(ids[1:])


def test_a_quarter_is_held_out_of_a_small_set():
    held, pool = draws.hold_out(np.arange(40), None)
    assert (len(held), len(pool)) == (10, 30)


def test_too_large_a_size_says_what_is_left(splits: Splits):
    with pytest.raises(ValueError, match=r"1280 images, 128 of them held out.*leaves 1152"):
        splits.subset(1153)


def test_a_given_tuning_set_leaves_all_to_train_on(tmp_path: Path):
    parts = {name: write(tmp_path, name, content(4, name)) for name in ("train", "val", "tune")}
    given: dict[str, Any] = {name: str(path) for name, (path, _) in parts.items()}
    given |= {f"{name}_images": str(folder) for name, (_, folder) in parts.items()}
    data = DataConfig(name="custom", **given, val_size=2)
    splits = open_splits(data)
    assert len(splits.pool) == 4
    assert splits.images("tune")[0].path == parts["tune"][0]
    assert len(splits.images("report")[1]) == 2


def test_the_embedded_data_are_what_they_were(splits: Splits):
    """Studies of it that were begun before are taken up again."""
    assert splits.digests() == {
        "train": "b46a5e1a5ff00c3a",
        "val": "a7cfa270edbc5b37",
        "tune": "b46a5e1a5ff00c3a",
        "pool": "6d59cad07da2128b",
        "tune_ids": "64990bf3e55ea70b",
        "val_ids": "7b53bd8fc86cf43e",
    }
