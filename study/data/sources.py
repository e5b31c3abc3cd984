"""A study's images: what is trained on, tuned on and reported on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from study.config import DataConfig
from study.data import subsets
from study.data.index import Index
from study.data.shapes_coco import shapes_folder


@dataclass(frozen=True)
class Splits:
    """Three sets of images that share none; ids int64 ascending."""

    train: Index
    pool: np.ndarray  # ids of `train` that may be trained on
    tune: Index
    tune_ids: np.ndarray
    val: Index
    val_ids: np.ndarray

    def subset(self, size: int, draw: int = 0) -> np.ndarray:
        """The ids that a run of `size` images trains on.

        Raises:
            ValueError: there are not so many.
        """
        if size > len(self.pool):
            held = len(self.tune_ids) if self.tune is self.train else 0
            raise ValueError(
                f"size = {size}: {self.train.path} has {len(self.train.image_id)} images,"
                f" {held} of them held out for tuning, which leaves {len(self.pool)} to train"
                " on; ask for a smaller size" + (", or lower data.tune-size" if held else "")
            )
        return subsets.subset(self.pool, size, draw)

    def images(self, split: Literal["tune", "report"]) -> tuple[Index, np.ndarray]:
        """The index and ids of the tuning or the report split."""
        return (self.tune, self.tune_ids) if split == "tune" else (self.val, self.val_ids)

    def digests(self) -> dict[str, str]:
        """What identifies the data, wherever they lie."""
        return {
            "train": self.train.digest,
            "val": self.val.digest,
            "tune": self.tune.digest,
            "pool": subsets.digest(self.pool),
            "tune_ids": subsets.digest(self.tune_ids),
            "val_ids": subsets.digest(self.val_ids),
        }


def open_splits(data: DataConfig) -> Splits:
    """Open, or for `shapes` generate, a study's images.

    Raises:
        ValueError: files that are missing or not COCO's format; splits that do not fit together.
    """
    data = located(data)
    train = Index.open(_given(data.train), _given(data.train_images))
    val = Index.open(_given(data.val), _given(data.val_images))
    same_classes(train, val)
    if data.tune is None:
        tune = train
        tune_ids, pool = subsets.hold_out(train.image_id, data.tune_size)
    else:
        tune = Index.open(data.tune, _given(data.tune_images))
        same_classes(train, tune)
        tune_ids, pool = np.array(tune.image_id), np.array(train.image_id)
    return Splits(train, pool, tune, tune_ids, val, np.array(val.image_id[: data.val_size]))


def located(data: DataConfig) -> DataConfig:
    """The same data with the paths of what is generated."""
    if data.name != "shapes":
        return data
    folder = shapes_folder()
    return DataConfig(
        name="generated",
        train=str(folder / "train.json"),
        train_images=str(folder / "train"),
        val=str(folder / "val.json"),
        val_images=str(folder / "val"),
        tune_size=data.tune_size,
        val_size=data.val_size,
    )


def same_classes(train: Index, other: Index) -> None:
    """Raises ValueError unless both files have the same category ids."""
    if not np.array_equal(train.category_id, other.category_id):
        raise ValueError(
            f"{other.path}: categories: ids {other.category_id.tolist()} differ from"
            f" {train.category_id.tolist()} in {train.path}: both must list the same classes"
        )


def _given(path: str | None) -> str:
    assert path is not None  # DataConfig has seen to it
    return path
