"""A detector's detections as rows of a COCO results file.

They are in the original image's pixels and have the annotation file's own category and image ids.
What a detector has no head for, its rows do not have: masks, keypoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from study.data.batches.loader import Batch
from study.data.geometry import keypoints
from study.data.geometry.run_lengths import encoded_part
from study.data.index import Index
from study.models.detector import Detector
from study.models.vision import expand_boxes, expand_masks
from study.training.evaluation.metric import Detection


@torch.no_grad()
def detect(detector: Detector, batches: Iterable[Batch], index: Index) -> list[Detection]:
    """The detector's detections on all images of `batches`."""
    training = detector.training
    detector.eval()
    detections: list[Detection] = []
    for batch in batches:
        outputs = detector(batch.images)
        for image, output in enumerate(outputs):
            detections += rows(output, batch, image, index.category_id)
    detector.train(training)
    return detections


def rows(
    output: dict[str, Tensor], batch: Batch, image: int, category_id: np.ndarray
) -> list[Detection]:
    """What was detected in one image of a batch.

    Args:
        output: boxes [n, 4] xyxy px of the network's input, scores [n], labels [n] from 1; masks
            [n, 1, m, m] in [0, 1] and keypoints [n, K, 3], x px, y px, score, if there are any.
        category_id: int64 [C], of class 1 and so on.
    """
    scale_x, scale_y = batch.scales[image]
    boxes = output["boxes"].cpu() / torch.tensor([scale_x, scale_y, scale_x, scale_y])
    found: list[Detection] = []
    for box, score, label in zip(
        boxes.tolist(), output["scores"].tolist(), output["labels"].tolist(), strict=True
    ):
        left, top, right, bottom = box
        found.append(
            {
                "image_id": int(batch.image_ids[image]),
                "category_id": int(category_id[label - 1]),
                "score": score,
                "bbox": [left, top, right - left, bottom - top],
            }
        )
    if "masks" in output:
        size = batch.original_sizes[image]
        for row, mask in zip(found, pasted(output["masks"].cpu(), boxes, size), strict=True):
            row["segmentation"] = mask
    if "keypoints" in output:
        points = output["keypoints"].cpu() / torch.tensor([scale_x, scale_y, 1])
        points[..., :2] -= keypoints.MIDDLE
        points[..., 2] = 1  # COCO's format wants a visibility there; its metric does not read it
        for row, own in zip(found, points, strict=True):
            row["keypoints"] = own.flatten().tolist()
    return found


def pasted(masks: Tensor, boxes: Tensor, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """COCO's compressed run lengths of masks that are pasted into their boxes on an image.

    Pixel for pixel `torchvision`'s `paste_masks_in_image` above one half, but only what lies in
    the box is looked at; most boxes are a small part of their image.

    Args:
        masks: [n, 1, m, m] in [0, 1].
        boxes: [n, 4] xyxy px, which may stick out of the image.
        size: height and width px of the image.
    """
    padded, scale = expand_masks(masks, padding=1)
    corners = expand_boxes(boxes, scale).to(torch.int64).tolist()
    for mask, (left, top, right, bottom) in zip(padded, corners, strict=True):
        sides = max(bottom - top + 1, 1), max(right - left + 1, 1)
        soft = F.interpolate(
            mask[0].expand(1, 1, -1, -1), size=sides, mode="bilinear", align_corners=False
        )
        x, y = max(left, 0), max(top, 0)
        inside = soft[0, 0, y - top : max(size[0] - top, 0), x - left : max(size[1] - left, 0)]
        yield encoded_part((inside > 0.5).numpy(), y, x, size)
