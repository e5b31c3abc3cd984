"""Training within another file's images: the pool, the tuning split, and what is recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.commands.options.spaces import find
from study.config import DataConfig
from study.data.checks import problems
from study.data.splits import open_splits
from tests.data.published_files import write_coco

SPACES = ("coco_35k", "coco_10k", "coco_1k")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    """40 training images, 24 of them in the older file; 5 of the other 16 to tune on.

    One of the 24 has no object, and is trained on all the same.
    """
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    write_coco(tmp_path / "coco")
    data = replace(find("coco_10k").fixed.data, root=str(tmp_path / "coco"), tune_size=5)
    return replace(data, annotated_only="no")


def older(data: DataConfig) -> Path:
    return Path(data.root or "") / str(data.train_within)


def test_all_images_within_are_trained_on_and_others_tuned_on(data: DataConfig):
    splits = open_splits(data)
    assert splits.pool.tolist() == list(range(10, 34))
    assert len(splits.tune_ids) == 5
    assert set(splits.tune_ids.tolist()) <= set(range(34, 50))
    assert splits.tune is splits.train  # never a report image
    assert problems(data, sizes=(24,)) == []
    assert "24 of them in data.train_within" in problems(data, sizes=(25,))[0]


def test_the_three_spaces_draw_from_the_same_images():
    spaces = [find(name) for name in SPACES]
    assert len({repr(space.fixed.data) for space in spaces}) == 1


def test_the_spaces_leave_out_those_within_that_have_no_object(data: DataConfig):
    annotated_only = find("coco_10k").fixed.data.annotated_only
    every, some = open_splits(data), open_splits(replace(data, annotated_only=annotated_only))
    assert set(every.pool) - set(some.pool) == {11}
    assert some.tune_ids.tolist() == every.tune_ids.tolist()
    small, middle, all_of_them = (set(some.subset(n, 0)) for n in (2, 9, 23))
    assert small < middle < all_of_them == set(some.pool)


def test_smaller_subsets_are_parts_of_larger_ones(data: DataConfig):
    """1k ⊂ 10k ⊂ 35k for each draw, in miniature, with the draws' own images."""
    splits = open_splits(data)
    for draw in range(3):
        small, middle, all_of_them = (set(splits.subset(n, draw)) for n in (2, 9, 24))
        assert small < middle < all_of_them == set(splits.pool)
    assert set(splits.subset(9, 0)) != set(splits.subset(9, 1))


def test_a_given_tuning_set_and_a_pool_of_everything(data: DataConfig):
    own = replace(data, tune=data.val, tune_images=data.val_images)
    assert len(open_splits(own).pool) == 24
    everything = replace(data, train_within=data.train)
    splits = open_splits(everything)
    assert (len(splits.pool), len(splits.tune_ids)) == (35, 5)  # held out of the pool then


def test_other_files_move_the_digests(data: DataConfig):
    before = open_splits(data).digests()
    content = json.loads(older(data).read_text())
    content["images"] = content["images"][1:]
    older(data).write_text(json.dumps(content))
    after = open_splits(data).digests()
    assert {name for name in before if before[name] != after[name]} == {"pool", "tune_ids"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("{}", "images: must be a list"),
        ('{"images": [{"id": "a"}]}', "images[0]: id = 'a': must be a whole number"),
        ('{"images": [{"id": 7}]}', "has none of the images of"),
    ],
)
def test_a_bad_file_is_named_with_its_field(data: DataConfig, text: str, words: str):
    older(data).write_text(text)
    (line,) = problems(data)
    assert line.startswith("data.train_within: ") and words in line and str(older(data)) in line


def test_a_file_that_is_not_there_is_named_with_its_field(data: DataConfig):
    (line,) = problems(replace(data, name="mine", train_within="none.json"))
    assert line.startswith("data.train_within: ") and "none.json: no such file" in line


def test_recorded_digests_are_compared(data: DataConfig):
    splits = open_splits(data)
    names = ("train", "val", "pool", "tune_ids", "val_ids", "9 draw 2")
    recorded = {name: splits.digest(name) for name in names}
    assert np.array_equal(open_splits(replace(data, digests=recorded)).pool, splits.pool)
    for name, found in recorded.items():
        (line,) = problems(replace(data, digests=recorded | {name: "0123456789abcdef"}))
        assert name in line and "0123456789abcdef" in line and found in line
    (line,) = problems(replace(data, digests={"9": "0123456789abcdef"}))
    assert "'9': one of train, val, tune, pool" in line
