"""Boxes as tensors of a whole batch: overlaps, deltas, clipping, and suppression.

All images are computed at once, in a fixed shape, with a mask of what is there. Nothing here asks
the device for a number, save for `suppressed` on CUDA, whose kernel does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from study.models.transfer import listed
from study.models.vision import nms

Weights = tuple[float, float, float, float]
"""Scale of the deltas x, y, width, height in training."""

LARGEST = math.log(1000.0 / 16)  # of a delta of width or height, as in torchvision and Detectron


def iou(some: Tensor, others: Tensor) -> Tensor:
    """[B, n, m]: intersection over union of boxes [B, n, 4] and [B, m, 4], xyxy px."""
    left, top, right, bottom = (side[:, :, None] for side in some.unbind(-1))
    x0, y0, x1, y1 = (side[:, None] for side in others.unbind(-1))
    width = (torch.minimum(right, x1) - torch.maximum(left, x0)).clamp(min=0)
    height = (torch.minimum(bottom, y1) - torch.maximum(top, y0)).clamp(min=0)
    shared = width * height
    union = (right - left) * (bottom - top) + (x1 - x0) * (y1 - y0) - shared
    return shared / union.clamp(min=torch.finfo(union.dtype).tiny)


def deltas(boxes: Tensor, to: Tensor, weights: Weights) -> Tensor:
    """[..., 4]: how `boxes` must be moved to become `to` (Girshick et al. 2014, appendix C)."""
    size, middle = _size_and_middle(boxes)
    new_size, new_middle = _size_and_middle(to)
    found = torch.cat([(new_middle - middle) / size, (new_size / size).log()], dim=-1)
    return found * listed(weights, found.device, found.dtype)


def moved(boxes: Tensor, by: Tensor, weights: Weights) -> Tensor:
    """[..., 4]: `boxes` moved by deltas, of any shapes that broadcast."""
    size, middle = _size_and_middle(boxes)
    shift, growth = (by / listed(weights, by.device, by.dtype)).split(2, dim=-1)
    middle = shift * size + middle
    half = growth.clamp(max=LARGEST).exp() * (size / 2)
    return torch.cat([middle - half, middle + half], dim=-1)


def _size_and_middle(boxes: Tensor) -> tuple[Tensor, Tensor]:
    corner, other = boxes.split(2, dim=-1)
    size = other - corner
    return size, corner + size / 2


def limits(sizes: list[tuple[int, int]], like: Tensor) -> Tensor:
    """[B, 4]: width, height, width, height px of each image, as `clipped` takes them."""
    sides = [(width, height, width, height) for height, width in sizes]
    return listed(sides, like.device, like.dtype)


def clipped(boxes: Tensor, limits: Tensor) -> Tensor:
    """Boxes [B, ..., 4] cut off where their image ends."""
    shape = (len(limits), *[1] * (boxes.dim() - 2), 4)
    return torch.minimum(boxes.clamp(min=0), limits.reshape(shape))


def suppressed(boxes: Tensor, scores: Tensor, counts: list[int], threshold: float) -> Tensor:
    """bool [B, n]: what non-maximum suppression leaves of boxes [B, n, 4] with scores [B, n].

    Each image's boxes lie in parts of `counts`, and only boxes of a part suppress one another.
    """
    images, number = scores.shape
    if boxes.device.type == "cpu":
        kept = [
            nms(box, score, threshold) + (image * number + begin)
            for image, (own, own_scores) in enumerate(zip(boxes, scores, strict=True))
            for begin, box, score in zip(
                _starts(counts), own.split(counts), own_scores.split(counts), strict=True
            )
        ]
        chosen = torch.cat(kept)
    else:
        # One call for all: parts are moved apart. In float64 the sums are exact, so that the
        # overlaps do not depend on where in the batch an image stands.
        repeats = listed(counts, boxes.device, torch.int64)
        own = torch.repeat_interleave(repeats, output_size=number)  # 0, …, 0, 1, …
        place = torch.arange(images, device=boxes.device)[:, None] * len(counts) + own
        apart = boxes.double() + (place * 2**16)[..., None]  # px; further than any image's side
        chosen = nms(apart.reshape(-1, 4), scores.reshape(-1), threshold)
    mask = torch.zeros(images * number, dtype=torch.bool, device=boxes.device)
    return mask.index_fill(0, chosen, True).reshape(images, number)


def _starts(counts: list[int]) -> list[int]:
    return [sum(counts[:at]) for at in range(len(counts))]
