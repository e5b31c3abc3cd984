"""Images that teach nothing may be left out of training, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from study.config import DataConfig
from study.data.checks import problems
from study.data.splits import open_splits
from tests.data.coco_files import content, with_keypoints, write


@pytest.fixture
def data(tmp_path: Path) -> DataConfig:
    """Eight images: 11 is empty, 12 has a crowd, 13 no area, 14 no keypoint, 15 a right thing."""
    train = with_keypoints(content(8, "train"))
    by_image = {a["image_id"]: a for a in train["annotations"]}
    by_image[12]["iscrowd"] = 1
    by_image[13]["area"] = 0
    by_image[14]["keypoints"] = [0] * 9
    by_image[15]["category_id"] = 90
    del by_image[15]["keypoints"]
    files = [write(tmp_path, "train", train), write(tmp_path, "val", content(3, "val"), 1)]
    (path, images), (val, val_images) = files
    return DataConfig(
        name="custom",
        train=str(path),
        train_images=str(images),
        val=str(val),
        val_images=str(val_images),
        tune=str(val),
        tune_images=str(val_images),
    )


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        ("no", [10, 11, 12, 13, 14, 15, 16, 17]),
        ("objects", [10, 14, 15, 16, 17]),
        ("keypoints", [10, 16, 17]),
    ],
)
def test_the_pool_has_images_with_usable_objects(
    data: DataConfig, only: Literal["no", "objects", "keypoints"], ids: list[int]
):
    assert open_splits(replace(data, annotated_only=only)).pool.tolist() == ids


def test_what_is_tuned_and_reported_on_stays(data: DataConfig):
    held_out = replace(data, tune=None, tune_images=None, tune_size=3)
    everything = open_splits(held_out)
    some = open_splits(replace(held_out, annotated_only="objects"))
    assert np.array_equal(some.tune_ids, everything.tune_ids)
    assert np.array_equal(some.val_ids, everything.val_ids)
    assert set(some.pool) == set(everything.pool) & {10, 14, 15, 16, 17}
    before, after = everything.digests(), some.digests()
    assert {name for name in before if before[name] != after[name]} == {"pool"}


def test_too_few_images_are_explained(data: DataConfig):
    chosen = replace(data, annotated_only="keypoints")
    with pytest.raises(ValueError, match=r"3 of them that suit data\.annotated_only"):
        open_splits(chosen).subset(4)


def test_nothing_to_train_on_is_refused_with_the_file(data: DataConfig, tmp_path: Path):
    plain, images = write(tmp_path, "plain", content(4, "plain"), 2)
    chosen = replace(data, train=str(plain), train_images=str(images), annotated_only="keypoints")
    (line,) = problems(replace(chosen, tune=None, tune_images=None))
    assert line.startswith("data.annotated_only = 'keypoints': ") and str(plain) in line
