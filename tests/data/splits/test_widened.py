"""Training on the tuning and the report split too: every image with its own objects and labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import DataConfig, RunConfig
from study.data.index import Index
from study.data.splits import open_splits
from tests.data.coco_files import content, write


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    """Three files with the same ids and names, and a class that no object has."""
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    for seed, (split, count) in enumerate({"train": 5, "val": 3, "tune": 2}.items()):
        own = content(count, "a")
        own["categories"] = [{"id": 1, "name": "project"}, *own["categories"]]
        path, _ = write(tmp_path, split, own, seed)
        path.rename(tmp_path / f"instances_{split}.json")
    return DataConfig(name="own", folder=str(tmp_path))


def objects(index: Index, image_ids: np.ndarray) -> dict[str, list]:
    """Of each file its size and, for each object, all that is known."""
    found = {}
    for image_id, file in zip(image_ids.tolist(), index.files(image_ids), strict=True):
        rows = index.rows(image_id)
        found[str(file)] = [
            (
                index.bbox[row].tolist(),
                index.category_name[index.label[row]],
                bool(index.crowd[row]),
                index.masks([row]).tobytes(),
                [ring.tolist() for ring in index.polygons(row)],
            )
            for row in rows
        ]
    return found


def test_images_of_other_files_keep_their_objects(data: DataConfig):
    before = open_splits(data)
    assert before.train is not before.tune and before.tune is not before.val
    assert "project" not in before.train.category_name  # no object has it
    train, tune, val = (
        objects(*own)
        for own in (
            (before.train, before.pool),
            (before.tune, before.tune_ids),
            (before.val, before.val_ids),
        )
    )
    two = open_splits(replace(data, train_on="train+tune"))
    assert objects(two.train, two.pool) == train | tune
    assert objects(two.val, two.val_ids) == val
    every = open_splits(replace(data, train_on="all"))
    assert objects(every.train, every.pool) == train | tune | val
    assert len(every.pool) == len(train) + len(tune) + len(val) == 10


def test_held_out_images_come_back_into_the_pool(data: DataConfig, tmp_path: Path):
    for split in ("tune", "val"):
        (tmp_path / f"instances_{split}.json").unlink()
    data = replace(data, tune_size=1, val_size=1)
    before = open_splits(data)
    two, every = (open_splits(replace(data, train_on=on)) for on in ("train+tune", "all"))
    assert set(two.pool) == {*before.pool, *before.tune_ids}
    assert set(every.pool) == {*before.pool, *before.tune_ids, *before.val_ids}
    assert two.train.path == before.train.path


def test_what_is_recorded_must_agree_before_anything_is_added(data: DataConfig):
    recorded = open_splits(data).digests()
    open_splits(replace(data, train_on="all", digests=recorded))
    with pytest.raises(ValueError, match="pool = 'other' is recorded"):
        open_splits(replace(data, train_on="all", digests=recorded | {"pool": "other"}))


def test_nothing_is_evaluated_on_what_was_trained_on(data: DataConfig):
    wrong: list[tuple[Any, Any]] = [("tune", "train+tune"), ("tune", "all"), ("report", "all")]
    for split, on in wrong:
        with pytest.raises(ValueError, match=f"split = '{split}'"):
            RunConfig(split=split, data=replace(data, train_on=on))
    assert RunConfig(split="none", data=replace(data, train_on="all"))
