"""Masks of a detector's results as run lengths: box by box, against whole images.

python -m benchmarks.pasting
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pycocotools import mask as rle
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from benchmarks.pairs import compare
from study.training.evaluation.detections import pasted

SIZE = (800, 1066)  # height, width px
DETECTIONS = 100
SIDES_PX = (90, 300)  # medians of the boxes' sides: objects of medium size, and large ones


def main() -> None:
    for side in SIDES_PX:
        masks, boxes = detections(side, np.random.default_rng(0))
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        share = float(areas.mean()) / (SIZE[0] * SIZE[1])
        print(f"{DETECTIONS} boxes on {SIZE[0]} × {SIZE[1]} px, {100 * share:.1f} % of it each")
        ours = [row["counts"] for row in pasted(masks, boxes, SIZE)]
        assert ours == whole(masks, boxes), "not the same run lengths"
        compare(
            {
                "in the boxes": lambda m=masks, b=boxes: list(pasted(m, b, SIZE)),
                "torchvision, pycocotools": lambda m=masks, b=boxes: whole(m, b),
            },
            rounds=15,
            warmup=1,
        )


def whole(masks: Tensor, boxes: Tensor) -> list[str]:
    """Run lengths of masks on whole images."""
    images = paste_masks_in_image(masks, boxes, SIZE)[:, 0] > 0.5
    found: list[Any] = [rle.encode(np.asfortranarray(image.numpy(), np.uint8)) for image in images]
    return [one["counts"].decode() for one in found]


def detections(side: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Masks [n, 1, 28, 28] like blobs, and boxes [n, 4] xyxy px of a wide spread of sizes."""
    height, width = SIZE
    sides = np.exp(random.normal(np.log(side), 0.8, (DETECTIONS, 2))).clip(8, 700)
    middle = random.random((DETECTIONS, 2)) * [width, height]
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], axis=1)
    boxes = boxes.clip(0, [width, height, width, height])
    y, x = np.mgrid[:28, :28] - 13.5
    uneven = random.normal(0, 0.2, (DETECTIONS, 28, 28)).cumsum(axis=1)
    masks = 1 / (1 + np.exp(np.hypot(x, y) - 11 + uneven))
    return torch.from_numpy(masks).float()[:, None], torch.from_numpy(boxes).float()


if __name__ == "__main__":
    main()
