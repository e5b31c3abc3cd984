"""Several indexes as one, for training on the images of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from study.config import digest
from study.data.index import Index


def joined(indexes: Sequence[Index]) -> Index:
    """The images and objects of all, which list the same classes, one index after another.

    Ids of images and annotations are their places, from 0 on; file names are absolute. The columns
    are copies in memory.
    """
    first = indexes[0]
    names = [str(file) for index in indexes for file in index.files()]
    of_images = ("width", "height", "upright")
    every = {
        name: np.concatenate([getattr(index, name) for index in indexes])
        for name in (*of_images, "bbox", "label", "area", "crowd", "rle", "point")
    }
    starts = {
        name: _one_after_another([getattr(index, name) for index in indexes])
        for name in ("first", "rle_first", "ring_first", "rings_first")
    }
    return replace(
        first,
        image_id=np.arange(len(names)),
        file_name=np.array(names, np.str_),
        annotation_id=np.arange(len(every["label"])),
        keypoints=np.concatenate([_keypoints(index, first) for index in indexes]),
        **every,
        **starts,
        digest=digest([index.digest for index in indexes]),
    )


def _one_after_another(starts: Sequence[np.ndarray]) -> np.ndarray:
    """int64: where parts begin, and the end; each of `starts` begins with 0."""
    found, end = [starts[0][:1]], 0
    for own in starts:
        found.append(own[1:] + end)
        end += int(own[-1])
    return np.concatenate(found)


def _keypoints(index: Index, like: Index) -> np.ndarray:
    """float32 [A, K, 3] with the K of another index; an index may name none."""
    number = len(like.keypoint_name)
    if index.keypoints.shape[1] == number:
        return index.keypoints
    return np.zeros((len(index.label), number, 3), np.float32)
