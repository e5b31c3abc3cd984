"""A study's images: what is trained on, tuned on and reported on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from study.config import DataConfig, digest
from study.data.distribution.downloads import PUBLISHED
from study.data.formats import data_set
from study.data.formats.coco import read_image_ids
from study.data.formats.format import DataSet
from study.data.geometry.boxes import learnable
from study.data.index import Index
from study.data.scaling import scale_of
from study.data.splits import draws
from study.data.splits.classes import same_classes, unused, without
from study.data.splits.near_duplicates import groups as near_duplicates
from study.data.splits.widened import widened


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
    twins: int = 0  # images left out, as near-duplicates of them had to be held out
    together: tuple[np.ndarray, ...] = ()  # near-duplicates of `train`: each group in one split
    left_out: tuple[str, ...] = ()  # a line for each image and object of --skip-bad
    unused: tuple[str, ...] = ()  # classes that are left out, as no object has them

    def subset(self, size: int, draw: int = 0) -> np.ndarray:
        """The ids that a run of `size` images trains on.

        Raises:
            ValueError: there are not so many.
        """
        if size > len(self.pool):
            raise ValueError(f"size = {size}: {self._room()}")
        return draws.subset(self.pool, size, draw)

    def _room(self) -> str:
        """How many images there are to train on and why, for messages."""
        images, left = len(self.train.image_id), len(self.pool)
        tuned = len(self.tune_ids) if self.tune is self.train else 0
        reported = len(self.val_ids) if self.val is self.train else 0
        found = f"{self.train.path} has {images} images"
        if images > left + tuned + reported + self.twins:
            return f"{found}, {left} of them {' and '.join(self.limits)}; ask for a smaller size"
        held = {
            f"{tuned} of them held out for tuning": tuned,
            f"{reported} of them held out for the report": reported,
            f"{self.twins} left out that show nearly the same pictures": self.twins,
        }
        lower = {"data.tune-size": tuned, "data.val-size": reported}
        out = [text for text, count in held.items() if count]
        why = f", {', '.join(out)}, which leaves {left} to train on" if out else ""
        return " or lower ".join(
            [f"{found}{why}; ask for a smaller size", *(name for name, n in lower.items() if n)]
        )

    @property
    def note(self) -> str | None:
        """What is to be said of the report split where the data have no val split."""
        if self.val is not self.train:
            return None
        return (
            f"{self.train.path} has no val split: {len(self.val_ids)} of its"
            f" {len(self.train.image_id)} images are held out to report on, the same ones for"
            " every command and seed"
        )

    @property
    def note_together(self) -> str | None:
        """What is to be said of near-duplicates, where there are any."""
        if not self.together:
            return None
        count, groups = sum(map(len, self.together)), len(self.together)
        many = f"in {groups} groups, each group" if groups > 1 else "a group that"
        left = f"; {self.twins} of them are not used" if self.twins else ""
        return f"{count} near-duplicate images, {many} is kept in one split{left}"

    @property
    def notes(self) -> list[str]:
        """What is to be said before any work starts."""
        every = (
            *(self.note, self.note_together, self.note_left_out, self.note_unused),
            self.note_scale,
        )
        return [note for note in every if note]

    @property
    def note_unused(self) -> str | None:
        """What is to be said of classes that no object has."""
        if not self.unused:
            return None
        what = "a class" if len(self.unused) == 1 else f"{len(self.unused)} classes"
        more = f" and {len(self.unused) - 5} more" if len(self.unused) > 5 else ""
        return f"{what} that no object has, left out: {', '.join(self.unused[:5])}{more}"

    @property
    def note_scale(self) -> str | None:
        """What is to be said of pixels of more than 8 bits."""
        scale = self.train.scale
        return scale and (
            f"pixels of more than 8 bits ({scale.kind}): {scale.low:g} and less is shown black,"
            f" {scale.high:g} and more white, in all images alike; found from those to train on"
        )

    @property
    def note_left_out(self) -> str | None:
        """What --skip-bad left out, where it did."""
        count = len(self.left_out)
        if not count:
            return None
        more = f" … and {count - 1} more" if count > 1 else ""
        return f"--skip-bad left out what has a mistake, {count} found: {self.left_out[0]}{more}"

    def images(self, split: Literal["tune", "report", "none"]) -> tuple[Index, np.ndarray]:
        """The index and ids of the tuning or the report split, or of no images."""
        if split == "none":
            return self.val, self.val_ids[:0]
        return (self.tune, self.tune_ids) if split == "tune" else (self.val, self.val_ids)

    def digests(self) -> dict[str, str]:
        """What identifies the data, wherever they lie."""
        return {
            "train": self.train.digest,
            "val": self.val.digest,
            "tune": self.tune.digest,
            "pool": draws.digest(self.pool),
            "tune_ids": draws.digest(self.tune_ids),
            "val_ids": draws.digest(self.val_ids),
            **({"classes": digest(self.train.category_name.tolist())} if self.unused else {}),
            **({"pixels": str(self.train.scale)} if self.train.scale else {}),
        }

    def digest(self, name: str) -> str:
        """One of `digests`, or of a subset: "1000 draw 0".

        Raises:
            ValueError: no such name.
        """
        if subset := re.fullmatch(r"(\d+) draw (\d+)", name):
            return draws.digest(self.subset(int(subset[1]), int(subset[2])))
        known = self.digests()
        if name not in known:
            names = ", ".join(known)
            raise ValueError(f"data.digests: {name!r}: one of {names}, or like '1000 draw 0'")
        return known[name]

    def compare(self, recorded: dict[str, str]) -> None:
        """Raises ValueError unless the images are those whose digests were recorded."""
        for name, known in recorded.items():
            found = self.digest(name)
            if found != known:
                raise ValueError(
                    f"data.digests: {name} = {known!r} is recorded, but the data have {found!r}:"
                    f" they are not the same images or annotations (train: {self.train.path}, val:"
                    f" {self.val.path})"
                )


def open_splits(data: DataConfig) -> Splits:
    """Open, or generate, a study's images.

    Raises:
        ValueError: files that are missing or not in their format; splits that do not fit together.
    """
    data = data.absolute()
    if data.skip_bad:
        from study.data.checks.skipping import usable_set  # here: the checks know splits too

        found = usable_set(data)
    else:
        found = data_set(data)
    train = Index.open(found.train)
    inside, outside = _within(train, data.train_within)
    published = data.generated or data.name in PUBLISHED  # compared as they are
    together = () if published or (found.val and found.tune) else tuple(near_duplicates(train))
    twins = 0
    if found.val is not None:
        val = Index.open(found.val)
        same_classes(train, val)
        val_ids = np.array(val.image_id[: data.val_size])
        if len(val_ids) < (data.val_size or 0):
            raise ValueError(
                f"data.val_size = {data.val_size}: {val.path} has {len(val_ids)} images; ask for"
                " no more, or leave it out to report on all"
            )
    else:
        val, places = train, outside if len(outside) else inside
        val_ids, _ = draws.hold_out(places, data.val_size, "data.val_size", together)
        inside, left = _apart(inside, val_ids, together)
        outside, more = _apart(outside, val_ids, together)
        twins += left + more
    if found.tune is not None:
        tune, pool = Index.open(found.tune), inside
        same_classes(train, tune)
        tune_ids = np.array(tune.image_id)
    else:
        tune, places = train, outside if len(outside) else inside
        tune_ids, _ = draws.hold_out(places, data.tune_size, groups=together)
        pool, left = _apart(inside, tune_ids, together)
        twins += left
    limits = ("in data.train_within",) if data.train_within else ()
    if data.annotated_only != "no":
        pool = _annotated(train, pool, data.annotated_only)
        limits += (f"that suit data.annotated_only = {data.annotated_only!r}",)
    every = (train, tune, val)
    own = data.folder and not (published or found.every_class)
    spare = unused(every) if own else train.category_id[:0]
    names = tuple(train.category_name[np.isin(train.category_id, spare)].tolist())
    scale = None
    if not published:
        files = {str(index.path): index.files() for index in every}
        scale = scale_of(files, train.files(pool))
    # a split may be another's index
    same = {id(index): replace(without(index, spare), scale=scale) for index in every}
    train, tune, val = (same[id(index)] for index in every)
    splits = Splits(
        train, pool, tune, tune_ids, val, val_ids, limits, twins, together, _left_out(found), names
    )
    splits.compare(data.digests)
    if data.train_on == "train":
        return splits
    splits = widened(splits, data.train_on)
    if data.annotated_only == "no":
        return splits
    return replace(splits, pool=_annotated(splits.train, splits.pool, data.annotated_only))


def _apart(
    image_ids: np.ndarray, held: np.ndarray, together: Sequence[np.ndarray]
) -> tuple[np.ndarray, int]:
    """The ids that are not held out, without near-duplicates of any that is; how many these are.

    There are such only where images are held out of a part of the data.
    """
    others = np.setdiff1d(image_ids, held)
    near = [ids for ids in together if np.isin(ids, held).any()]
    left = np.setdiff1d(others, np.concatenate([held, *near]))
    return left, len(others) - len(left)


def _left_out(found: DataSet) -> tuple[str, ...]:
    sources = (found.train, found.val, found.tune)
    return tuple(line for source in sources for line in getattr(source, "left_out", ()))


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
    """The ids of the pool whose images have an object to learn from, or such with a keypoint.

    Detectron trains on such images alone. There an object must have some stated area too.
    """
    usable = learnable(train)[0] & (train.area > 0)
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
