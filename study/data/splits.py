"""A study's images: what is trained on, tuned on and reported on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from study.config import DataConfig
from study.data import subsets
from study.data.index import Index, read_image_ids
from study.data.shapes.files import shapes_folder


@dataclass(frozen=True)
class Splits:
    """Three sets of images that share none; ids int64 ascending."""

    train: Index
    pool: np.ndarray  # ids of `train` that may be trained on
    tune: Index
    tune_ids: np.ndarray
    val: Index
    val_ids: np.ndarray
    limits: tuple[str, ...] = ()  # what leaves images out of the pool, for messages

    def subset(self, size: int, draw: int = 0) -> np.ndarray:
        """The ids that a run of `size` images trains on.

        Raises:
            ValueError: there are not so many.
        """
        if size > len(self.pool):
            images = len(self.train.image_id)
            held = len(self.tune_ids) if self.tune is self.train else 0
            if images > held + len(self.pool):
                why = (
                    f"{len(self.pool)} of them {' and '.join(self.limits)}; ask for a smaller size"
                )
            else:
                why = (
                    f"{held} of them held out for tuning, which leaves {len(self.pool)} to train"
                    " on; ask for a smaller size" + (", or lower data.tune-size" if held else "")
                )
            raise ValueError(f"size = {size}: {self.train.path} has {images} images, {why}")
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

    def digest(self, name: str) -> str:
        """One of `digests`, or of a subset: "1000 draw 0".

        Raises:
            ValueError: no such name.
        """
        if subset := re.fullmatch(r"(\d+) draw (\d+)", name):
            return subsets.digest(self.subset(int(subset[1]), int(subset[2])))
        known = self.digests()
        if name not in known:
            names = ", ".join(known)
            raise ValueError(f"data.digests: {name!r}: one of {names}, or like '1000 draw 0'")
        return known[name]

    def compare(self, recorded: dict[str, str]) -> None:
        """Raises ValueError unless the images are those whose digests were recorded."""
        for name, digest in recorded.items():
            found = self.digest(name)
            if found != digest:
                raise ValueError(
                    f"data.digests: {name} = {digest!r} is recorded, and the data are {found!r}:"
                    f" not the same images or annotations (train: {self.train.path}, val:"
                    f" {self.val.path})"
                )


def open_splits(data: DataConfig) -> Splits:
    """Open, or for `shapes` generate, a study's images.

    Raises:
        ValueError: files that are missing or not COCO's format; splits that do not fit together.
    """
    data = located(data)
    train = Index.open(_given(data.train), _given(data.train_images))
    val = Index.open(_given(data.val), _given(data.val_images))
    same_classes(train, val)
    inside, outside = _within(train, data.train_within)
    if data.tune is not None:
        tune, pool = Index.open(data.tune, _given(data.tune_images)), inside
        same_classes(train, tune)
        tune_ids = np.array(tune.image_id)
    elif len(outside):
        tune, pool = train, inside
        tune_ids, _ = subsets.hold_out(outside, data.tune_size)
    else:
        tune = train
        tune_ids, pool = subsets.hold_out(inside, data.tune_size)
    val_ids = np.array(val.image_id[: data.val_size])
    limits = ("in data.train_within",) if data.train_within else ()
    if data.annotated_only != "no":
        pool = _annotated(train, pool, data.annotated_only)
        limits += (f"that suit data.annotated_only = {data.annotated_only!r}",)
    splits = Splits(train, pool, tune, tune_ids, val, val_ids, limits)
    splits.compare(data.digests)
    return splits


def _within(train: Index, path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The ids of `train` that stand in the annotation file `path` too, and the others."""
    ids = np.array(train.image_id)
    if path is None:
        return ids, ids[:0]
    try:
        inside = np.isin(ids, read_image_ids(Path(path)))
    except ValueError as error:
        raise ValueError(f"data.train_within: {error}") from error
    if not inside.any():
        raise ValueError(f"data.train_within: {path}: has none of the images of {train.path}")
    return ids[inside], ids[~inside]


def _annotated(train: Index, pool: np.ndarray, by: Literal["objects", "keypoints"]) -> np.ndarray:
    """The ids of the pool whose images have at least one usable object, or one labelled keypoint.

    Detectron trains on such images alone. A usable object is no crowd region and has an area.
    """
    usable = ~train.crowd & (train.area > 0) & (train.bbox[:, 2:] > 0).all(axis=1)
    if by == "keypoints":
        usable &= (train.keypoints[..., 2] > 0).any(axis=1)
    before = np.concatenate([[0], usable.cumsum()])  # usable annotations before each one
    number = np.diff(before[train.first])  # [I] in each image
    kept = pool[np.isin(pool, train.image_id[number > 0])]
    if not len(kept):
        raise ValueError(
            f"data.annotated_only = {by!r}: {train.path}: no image that may be trained on has {by}"
        )
    return kept


def located(data: DataConfig) -> DataConfig:
    """The same data with absolute paths, those of what is generated too."""
    if data.name != "shapes":
        return data.absolute()
    folder = shapes_folder()
    paths = {name: str(folder / f"{name}.json") for name in ("train", "val")}
    images = {f"{name}_images": str(folder / name) for name in ("train", "val")}
    return replace(data, name="generated", **paths, **images)


def same_classes(train: Index, other: Index) -> None:
    """Raises ValueError unless both files have the same category ids, and keypoints if any."""
    if not np.array_equal(train.category_id, other.category_id):
        raise ValueError(
            f"{other.path}: categories: ids {other.category_id.tolist()} differ from"
            f" {train.category_id.tolist()} in {train.path}: both must list the same classes"
        )
    names, others = train.keypoint_name.tolist(), other.keypoint_name.tolist()
    if names and others and names != others:
        raise ValueError(
            f"{other.path}: categories: keypoints {others} differ from {names} in {train.path}:"
            " both must name the same ones"
        )


def _given(path: str | None) -> str:
    assert path is not None  # DataConfig has seen to it
    return path
