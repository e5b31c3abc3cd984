"""A table of what is in each split."""

from __future__ import annotations

import numpy as np

from study.data.index import Index
from study.data.splits import Splits


def numbers(splits: Splits) -> list[list[str]]:
    """Rows of text; the first has the names of the splits."""
    parts = {
        "to train on": (splits.train, splits.pool),
        "to tune on": splits.images("tune"),
        "to report on": splits.images("report"),
    }
    columns = [_counts(*part) for part in parts.values()]
    rows = [
        [name, *(column.get(name, "0") for column in columns)] for name in max(columns, key=len)
    ]
    return [["", *parts], *rows]


def _counts(index: Index, image_ids: np.ndarray) -> dict[str, str]:
    rows = np.array([row for i in image_ids for row in index.rows(int(i))], np.int64)
    per_image = np.array([len(index.rows(int(i))) for i in image_ids])
    crowd = index.crowd[rows]
    boxes = index.bbox[rows][~crowd]
    sides = np.sqrt(boxes[:, 2] * boxes[:, 3])
    low, middle, high = np.quantile(sides, [0.05, 0.5, 0.95]) if len(sides) else [0, 0, 0]
    masks = sum(map(index.has_mask, rows[~crowd].tolist()))
    return {
        "images": f"{len(image_ids):,}",
        "without objects": f"{int((per_image == 0).sum()):,}",
        "objects": f"{int((~crowd).sum()):,}",
        **({"objects with masks": f"{masks:,}"} if index.any_mask else {}),
        "crowd regions": f"{int(crowd.sum()):,}",
        "object size, px": f"{middle:.0f} ({low:.0f} to {high:.0f})",
    }
