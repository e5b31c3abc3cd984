"""COCO average precision of a detector, in points 0-100, for boxes and masks.

hotcoco computes it, with pycocotools' numbers to the last bit and far less time; pycocotools stays
as the reference that tests compare with. Detections are scored in the original image's pixels and
with the annotation file's own category and image ids.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import Any, Literal

import hotcoco
import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
import torch
from hotcoco import mask as rle
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from study.data.index import Index
from study.data.loader import Batch
from study.models.detector import MaskRCNN

Detection = dict[str, Any]
"""One row of a COCO results file: image_id, category_id, score, bbox xywh px, segmentation."""

METRICS = {"AP": 0, "AP50": 1, "AP75": 2}  # position in COCO's twelve statistics
KINDS: dict[str, Literal["bbox", "segm"]] = {"box": "bbox", "mask": "segm"}
EVALUATION_BATCH = 8


@torch.no_grad()
def detect(detector: MaskRCNN, batches: Iterable[Batch], index: Index) -> list[Detection]:
    """The detector's detections on all images of `batches`, as COCO results."""
    training = detector.training
    detector.eval()
    device = detector.mean.device
    detections: list[Detection] = []
    for batch in batches:
        outputs = detector(batch.images.to(device), batch.sizes)
        for image, output in enumerate(outputs):
            detections += _to_coco(output, batch, image, index)
    detector.train(training)
    return detections


def _to_coco(output: dict[str, Tensor], batch: Batch, image: int, index: Index) -> list[Detection]:
    height, width = batch.original_sizes[image]
    scale_x, scale_y = batch.scales[image]
    boxes = output["boxes"].cpu() / torch.tensor([scale_x, scale_y, scale_x, scale_y])
    masks = paste_masks_in_image(output["masks"].cpu(), boxes, (height, width))[:, 0] > 0.5
    scores = output["scores"].tolist()
    rows: list[Detection] = []
    for box, score, label, mask in zip(
        boxes, scores, output["labels"].tolist(), masks, strict=True
    ):
        left, top, right, bottom = box.tolist()
        rows.append(
            {
                "image_id": int(batch.image_ids[image]),
                "category_id": int(index.category_id[label - 1]),
                "score": score,
                "bbox": [left, top, right - left, bottom - top],
                "segmentation": encode(mask.numpy()),
            }
        )
    return rows


def encode(mask: np.ndarray) -> dict[str, Any]:
    """COCO's compressed run lengths of a boolean [height, width] mask."""
    encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def average_precision(
    truth: dict[str, Any],
    detections: list[Detection],
    backend: Literal["hotcoco", "pycocotools"] = "hotcoco",
) -> dict[str, float | None]:
    """AP, AP50 and AP75 for boxes and masks by name (`AP_box`, …), points 0-100.

    None where there is no ground truth to compare with. A box without a mask counts as one.

    Args:
        truth: a COCO data set (`Index.coco`).
        detections: COCO results; may be empty, which is AP 0.
        backend: who computes it; both give the same numbers.
    """
    if not detections:
        return {f"{metric}_{kind}": 0.0 for kind in KINDS for metric in METRICS}
    coco, coco_eval = _classes(backend)
    result: dict[str, float | None] = {}
    with contextlib.redirect_stdout(io.StringIO()):  # both print their progress
        ground_truth = coco()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        found = ground_truth.loadRes(detections)
        for kind, iou in KINDS.items():
            evaluation = coco_eval(ground_truth, found, iou)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            for metric, position in METRICS.items():
                value = float(evaluation.stats[position])  # -1: no ground truth
                result[f"{metric}_{kind}"] = 100 * value if value >= 0 else None
    return result


def _classes(backend: str) -> tuple[Any, Any]:
    """The classes COCO and COCOeval, which both packages call by the same names."""
    if backend == "hotcoco":
        return hotcoco.COCO, hotcoco.COCOeval
    return pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval
