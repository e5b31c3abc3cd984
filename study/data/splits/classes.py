"""The classes of a data set without those that no object has.

Hosted tools put the project's name as a class of its own before the real ones, and lists of
classes outlive what they were made for. A detector would have an output for each. Lists that are
published are left as they are: results are compared by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from study.data.index import Index

COCO = 80  # classes, with ids from 1 to 90
COCO_LAST = 90


def unused(indexes: Sequence[Index]) -> np.ndarray:
    """int64: the ids of the classes that no object has in any of the splits, crowds included."""
    ids = indexes[0].category_id
    if len(ids) == COCO and ids[-1] == COCO_LAST:
        return ids[:0]
    used = np.zeros(len(ids), bool)
    for index in indexes:
        used[index.label] = True
    return ids[~used] if used.any() else ids[:0]


def without(index: Index, category_ids: np.ndarray) -> Index:
    """The index without these classes, which no object of it has; labels are counted anew."""
    if not len(category_ids):
        return index
    kept = ~np.isin(index.category_id, category_ids)
    return replace(
        index,
        label=(np.cumsum(kept) - 1)[index.label],
        category_id=index.category_id[kept],
        category_name=index.category_name[kept],
        category_has_keypoints=index.category_has_keypoints[kept],
    )


def same_classes(train: Index, other: Index) -> None:
    """Raises ValueError unless both list the same classes, and the same keypoints if any."""
    if not np.array_equal(train.category_id, other.category_id):
        raise ValueError(
            f"{other.path}: categories: ids {other.category_id.tolist()} differ from"
            f" {train.category_id.tolist()} in {train.path}: both must list the same classes"
        )
    for id_, name, own in zip(
        other.category_id.tolist(),
        other.category_name.tolist(),
        train.category_name.tolist(),
        strict=True,
    ):
        if name != own:
            raise ValueError(
                f"{other.path}: categories id {id_}: name = {name!r}: must be {own!r}, as in"
                f" {train.path}"
            )
    names, others = train.keypoint_name.tolist(), other.keypoint_name.tolist()
    if names and others and names != others:
        raise ValueError(
            f"{other.path}: categories: keypoints {others} differ from {names} in {train.path}:"
            " both must name the same ones"
        )
