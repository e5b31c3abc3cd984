"""Keypoints as heatmaps: the loss and the decoding (He et al. 2017, "Mask R-CNN", Sec. 5).

Each keypoint of a RoI is one class of a softmax over the heatmap's cells. Head and predictor are
torchvision's, which are Detectron's: convolutions, a deconvolution, and bilinear upsampling.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.roi_heads import heatmaps_to_keypoints, keypoints_to_heatmap

from study.models.losses import Share


def share(
    logits: Tensor, boxes: list[Tensor], matched: list[Tensor], keypoints: list[Tensor]
) -> Share:
    """Cross-entropy of the visible keypoints that lie inside their RoI, and how many they are.

    That is Detectron's mean (KRCNN.NORMALIZE_BY_VISIBLE_KEYPOINTS, which is its default).

    Args:
        logits: [N, K, m, m] for all images' RoIs.
        boxes: per image [n, 4], the positive RoIs.
        matched: per image int64 [n], the object of each.
        keypoints: per image [objects, K, 3]: x, y in px and visibility; 0 is not annotated.
    """
    side = logits.shape[-1]
    targets = [
        keypoints_to_heatmap(own[match].to(box.dtype), box, side)
        for box, match, own in zip(boxes, matched, keypoints, strict=True)
    ]
    cells = torch.cat([cell.flatten() for cell, _ in targets])
    valid = torch.nonzero(torch.cat([inside.flatten() for _, inside in targets]))[:, 0]
    maps = logits.flatten(2).flatten(0, 1)
    return Share(F.cross_entropy(maps[valid], cells[valid], reduction="sum"), len(valid))


def decode(logits: Tensor, boxes: list[Tensor]) -> list[Tensor]:
    """Per image float32 [n, K, 3]: x, y in px and the logit there, from logits [N, K, m, m]."""
    found = []
    for own, box in zip(logits.split([len(box) for box in boxes]), boxes, strict=True):
        points, scores = heatmaps_to_keypoints(own, box)
        found.append(torch.cat([points[..., :2], scores[..., None]], dim=-1))
    return found
