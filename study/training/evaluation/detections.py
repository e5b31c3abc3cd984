"""A detector's detections as rows of a COCO results file.

They are in the original image's pixels and have the annotation file's own category and image ids.
What a detector has no head for, its rows do not have: masks, keypoints.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from hotcoco import mask as rle
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from study.data.batches.loader import Batch
from study.data.geometry import keypoints
from study.data.index import Index
from study.models.detector import Detector
from study.training.evaluation.metric import Detection


@torch.no_grad()
def detect(detector: Detector, batches: Iterable[Batch], index: Index) -> list[Detection]:
    """The detector's detections on all images of `batches`."""
    training = detector.training
    detector.eval()
    device = detector.mean.device
    detections: list[Detection] = []
    for batch in batches:
        outputs = detector(batch.images.to(device), batch.sizes)
        for image, output in enumerate(outputs):
            detections += rows(output, batch, image, index)
    detector.train(training)
    return detections


def rows(output: dict[str, Tensor], batch: Batch, image: int, index: Index) -> list[Detection]:
    """What was detected in one image of a batch.

    Args:
        output: boxes [n, 4] xyxy px of the network's input, scores [n], labels [n] from 1; masks
            [n, 1, m, m] in [0, 1] and keypoints [n, K, 3], x px, y px, score, if there are any.
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
                "category_id": int(index.category_id[label - 1]),
                "score": score,
                "bbox": [left, top, right - left, bottom - top],
            }
        )
    if "masks" in output:
        size = batch.original_sizes[image]
        masks = paste_masks_in_image(output["masks"].cpu(), boxes, size)[:, 0] > 0.5
        for row, mask in zip(found, masks, strict=True):
            row["segmentation"] = encode(mask.numpy())
    if "keypoints" in output:
        points = output["keypoints"].cpu() / torch.tensor([scale_x, scale_y, 1])
        points[..., :2] -= keypoints.MIDDLE
        points[..., 2] = 1  # COCO's format wants a visibility there; its metric does not read it
        for row, own in zip(found, points, strict=True):
            row["keypoints"] = own.flatten().tolist()
    return found


def encode(mask: np.ndarray) -> dict[str, Any]:
    """COCO's compressed run lengths of a boolean [height, width] mask."""
    encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}
