"""Keypoints as heatmaps: the loss and the decoding (He et al. 2017, "Mask R-CNN", Sec. 5).

Each keypoint of a RoI is one class of a softmax over the heatmap's cells. Head and predictor are
torchvision's, which are Detectron's: convolutions, a deconvolution, and bilinear upsampling.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from study.models.losses import Share, masked
from study.models.transfer import sent
from study.models.vision import heatmaps_to_keypoints, keypoints_to_heatmap


def share(logits: Tensor, boxes: Tensor, keypoints: Tensor) -> Share:
    """Cross-entropy of the visible keypoints that lie inside their RoI, and how many they are.

    That is Detectron's mean (KRCNN.NORMALIZE_BY_VISIBLE_KEYPOINTS, which is its default).

    Args:
        logits: [n, K, m, m] for n positive RoIs.
        boxes: [n, 4], the RoIs.
        keypoints: [n, K, 3] of each one's object: x, y in px and visibility; 0 is not annotated.
    """
    cells, valid = keypoints_to_heatmap(keypoints, boxes, logits.shape[-1])
    maps = logits.flatten(2).flatten(0, 1)
    losses = F.cross_entropy(maps, cells.flatten(), reduction="none").reshape(valid.shape)
    return Share(masked(losses, valid > 0), valid.sum())


def of_objects(targets: list[dict[str, Tensor]], objects: Tensor, like: Tensor) -> Tensor:
    """[B, n, K, 3]: the keypoints of each RoI's object, `objects` int64 [B, n]."""
    own = [sent(target["keypoints"], like.device, like.dtype) for target in targets]
    found = [
        points[at] if len(points) else points.new_zeros(len(at), *points.shape[1:])
        for points, at in zip(own, objects, strict=True)
    ]
    return torch.stack(found)


def decode(logits: Tensor, boxes: list[Tensor]) -> list[Tensor]:
    """Per image float32 [n, K, 3]: x, y in px and the logit there, from logits [N, K, m, m]."""
    found = []
    for own, box in zip(logits.split([len(box) for box in boxes]), boxes, strict=True):
        points, scores = heatmaps_to_keypoints(own, box)
        found.append(torch.cat([points[..., :2], scores[..., None]], dim=-1))
    return found
