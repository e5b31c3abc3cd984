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
