"""What a mask head is compared with: each RoI's object, at the mask's resolution.

torchvision's way interpolates bit masks, so targets lie between 0 and 1; Detectron's way draws the
polygons anew inside each RoI. Which one: `ModelConfig.fidelity`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from hotcoco import mask as rle
from torch import Tensor
from torchvision.models.detection.roi_heads import project_masks_on_boxes

MaskTargets = Callable[[dict[str, Tensor], Tensor, Tensor, int], Tensor]
"""From one image's targets, boxes [n, 4], their objects [n] and a side m: [n, m, m] in [0, 1]."""


def from_bits(target: dict[str, Tensor], boxes: Tensor, matched: Tensor, side: int) -> Tensor:
    """RoIAlign of the objects' `masks` uint8 [objects, H, W], as torchvision has it."""
    if not len(boxes):  # an image without objects
        return boxes.new_zeros(0, side, side)
    return project_masks_on_boxes(target["masks"], boxes, matched, side)


def from_polygons(target: dict[str, Tensor], boxes: Tensor, matched: Tensor, side: int) -> Tensor:
    """Polygons moved and scaled into each box and rasterised there, zeros and ones.

    Detectron's `utils/segms.py`, polys_to_mask_wrt_box: a box is at least 1 px wide and high, and
    an object is the union of its rings. `target` has `polygons` float32 [P, 2], all points in px,
    `polygon_sizes` int64 [R], the points in each ring, and `polygon_owner` int64 [R], the object
    that each ring belongs to.
    """
    points = target["polygons"].cpu().split(target["polygon_sizes"].tolist())
    rings: dict[int, list[np.ndarray]] = {}
    for ring, own in zip(points, target["polygon_owner"].tolist(), strict=True):
        if len(ring) >= 3:  # COCO's rasteriser takes four numbers for a box
            rings.setdefault(own, []).append(ring.double().numpy())
    drawn = np.zeros((len(boxes), side, side), np.uint8)
    places = boxes.detach().cpu().numpy().astype(np.float64)
    for to, (left, top, right, bottom), own in zip(drawn, places, matched.tolist(), strict=True):
        scale = side / np.maximum([right - left, bottom - top], 1.0)
        inside = [((ring - [left, top]) * scale).ravel().tolist() for ring in rings.get(own, ())]
        if inside:
            to[:] = rle.decode(rle.frPyObjects(inside, side, side)).any(axis=2)
    return torch.from_numpy(drawn).to(boxes.device, boxes.dtype)


TARGETS: dict[str, MaskTargets] = {"torchvision": from_bits, "detectron": from_polygons}
"""By the model's fidelity."""
