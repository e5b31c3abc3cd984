"""COCO average precision of a detector's results: as the study computes it, against pycocotools.

python -m benchmarks.metric
"""

from __future__ import annotations

import numpy as np

from benchmarks.pairs import compare
from study.config import DataConfig
from study.data.splits import open_splits
from study.training.evaluation.coco import average_precision


def main() -> None:
    splits = open_splits(DataConfig())
    index, ids = splits.images("report")
    truth = index.coco(ids)
    random = np.random.default_rng(0)
    found = [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"] if random.random() < 0.7 else 1,
            "bbox": (np.array(row["bbox"]) + random.normal(0, 2, 4)).clip(0.5).tolist(),
            "segmentation": row["segmentation"],
            "score": float(random.random()),
        }
        for row in truth["annotations"]
        for _ in range(4)
    ]
    print(f"{len(ids)} images, {len(found):,} detections, boxes and masks")
    compare(
        {
            "hotcoco": lambda: average_precision(truth, found),
            "pycocotools": lambda: average_precision(truth, found, backend="pycocotools"),
        },
        rounds=5,
        warmup=1,
    )


if __name__ == "__main__":
    main()
