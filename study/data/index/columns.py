"""Annotations in COCO's form as columns: what `study.data.index` maps from the cache.

They come piece by piece in any order. Of a piece only numbers are kept, so that the objects of a
large file are never all in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from study.data.geometry.run_lengths import other_size
from study.data.index import parts
from study.data.index.areas import complete

VERSION = 5  # of the columns; a change makes all entries anew
BLOCK = 2**16  # annotations that are put in order at once
JOINED = 256  # small parts to one: the memory of a large array goes back when it is let go


class Columns:
    """The columns of an `Index` of all that was added."""

    def __init__(self) -> None:
        self._categories: list[dict[str, Any]] = []
        self._parts: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self._recent: defaultdict[str, list[np.ndarray]] = defaultdict(list)

    def add(self, kind: str, items: Sequence[dict[str, Any]]) -> None:
        """Some of the "images", "annotations" or "categories".

        Raises:
            KeyError, TypeError, ValueError: they are not in COCO's form.
        """
        if kind == "categories":
            self._categories += items
        elif items:
            found = parts.of_images(items) if kind == "images" else parts.of_annotations(items)
            for name, values in found.items():
                recent = self._recent[name]
                recent.append(values)
                if len(recent) == JOINED:
                    self._parts[name].append(np.concatenate(recent))
                    recent.clear()

    def build(self) -> dict[str, np.ndarray]:
        """All columns by name. Nothing can be added afterwards.

        Raises:
            KeyError, TypeError, ValueError: what was added is not in COCO's form.
        """
        images = self._images()
        categories = sorted(self._categories, key=lambda category: category["id"])
        category_id = parts.whole([category["id"] for category in categories])
        owner = _places(images["image_id"], self._taken("owner", np.int64))
        size = np.stack([images["height"], images["width"]], axis=1)[owner]  # [A, 2] px
        self._require_sizes(size)
        annotation_id = self._taken("annotation_id", np.int64)
        order = np.lexsort((annotation_id, owner))
        label = _places(category_id, self._taken("category", np.int64))[order]
        numbers = np.array([len(c.get("keypoints") or []) for c in categories], np.int64)
        masks = self._masks(order)
        bbox = self._taken("bbox", np.float64).reshape(-1, 4)[order]
        area = self._taken("area", np.float64)[order]
        return {
            **images,
            "first": np.searchsorted(owner[order], np.arange(len(images["image_id"]) + 1)),
            "annotation_id": annotation_id[order],
            "bbox": bbox,
            "label": label,
            "area": complete(area, bbox, masks, size[order]),
            "crowd": self._taken("crowd", np.bool_)[order],
            **masks,
            "keypoints": self._keypoints(order, numbers[label], numbers.max(initial=0)),
            "keypoint_name": np.array(keypoint_names(categories), np.str_),
            "category_id": category_id,
            "category_name": np.array([category["name"] for category in categories], np.str_),
            "category_has_keypoints": numbers > 0,
        }

    def _images(self) -> dict[str, np.ndarray]:
        """Columns of the images, by id."""
        dtypes = {"file_name": np.str_, "width": np.int32, "height": np.int32}
        image_id = self._taken("image_id", np.int64)
        order = np.argsort(image_id, kind="stable")
        found = {name: self._taken(name, dtype)[order] for name, dtype in dtypes.items()}
        return {"image_id": image_id[order], **found}

    def _masks(self, order: np.ndarray) -> dict[str, np.ndarray]:
        lengths = self._taken("rle_bytes", np.int64)
        rings, ring_points = self._taken("rings", np.int64), self._taken("ring_points", np.int64)
        before = _first(ring_points)[_first(rings)]  # points of the annotations before each
        point = self._taken("point", np.float64).reshape(-1, 2)
        return {
            "rle": _ordered(self._taken("rle", np.uint8), lengths, order),
            "rle_first": _first(lengths[order]),
            "point": _ordered(point, np.diff(before), order),
            "ring_first": _first(_ordered(ring_points, rings, order)),
            "rings_first": _first(rings[order]),
        }

    def _keypoints(self, order: np.ndarray, own: np.ndarray, most: int) -> np.ndarray:
        """[A, most, 3] in that order; `own`: how many keypoints each one's category names."""
        given = self._taken("keypoint_numbers", np.int64)
        values = _ordered(self._taken("keypoint", np.float32), given, order)
        given = given[order]
        read = (own > 0) & (given > 0)
        if (wrong := np.flatnonzero(read & (given != 3 * own))).size:
            at = wrong[0]
            raise ValueError(f"keypoints: {given[at]} numbers, for {own[at]} of its category")
        keypoints = np.zeros((len(order), 3 * most), np.float32)
        keypoints[np.arange(3 * most) < np.where(read, given, 0)[:, None]] = values[
            np.repeat(read, given)
        ]
        return keypoints.reshape(len(order), most, 3)

    def _require_sizes(self, image: np.ndarray) -> None:
        """Run lengths must be of the height and width of their `image` [A, 2]."""
        given = self._taken("rle_size", np.int64).reshape(-1, 2)
        wrong = np.flatnonzero((given != parts.NO_SIZE).all(1) & (given != image).any(1))
        if wrong.size:
            raise other_size(given[wrong[0]].tolist(), image[wrong[0]].tolist())

    def _taken(self, name: str, dtype: type[np.generic]) -> np.ndarray:
        """What was added; of `dtype` where that is nothing. The parts are let go."""
        found = [*self._parts.pop(name, ()), *self._recent.pop(name, ())]
        return np.concatenate(found) if found else np.zeros(0, dtype)


def keypoint_names(categories: list[dict[str, Any]]) -> list[str]:
    """Those of the category that names most; in a file in order all that have any agree."""
    return max((c.get("keypoints") or [] for c in categories), key=len, default=[])


def _places(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where in ascending ids those wanted stand.

    Raises:
        KeyError: there is none of that id.
    """
    if not (there := np.isin(wanted, ids)).all():
        raise KeyError(int(wanted[~there][0]))
    return np.searchsorted(ids, wanted, side="right") - 1


def _first(lengths: np.ndarray) -> np.ndarray:
    """int64 [n + 1]: where groups of these lengths begin, and the end."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _ordered(values: np.ndarray, lengths: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Groups of `lengths`, one after another in `values`, in another order."""
    first, to = _first(lengths), _first(lengths[order])
    found = np.empty_like(values)
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        begin, end = to[start], to[start + len(block)]
        moved = np.repeat(first[block] - to[start : start + len(block)], lengths[block])
        found[begin:end] = values[moved + np.arange(begin, end)]
    return found
