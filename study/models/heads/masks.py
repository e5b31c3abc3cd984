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

from study.models.transfer import sent
from study.models.vision import roi_align

MaskTargets = Callable[[list[dict[str, Tensor]], Tensor, Tensor, Tensor, int], Tensor]
"""[B, n, m, m] in [0, 1] from each image's targets, boxes [B, n, 4], their objects int64 [B, n],
which of them have one, bool [B, n], and a side m."""


def from_bits(
    targets: list[dict[str, Tensor]], boxes: Tensor, objects: Tensor, there: Tensor, side: int
) -> Tensor:
    """RoIAlign of the objects' `masks` uint8 [objects, h, w], as torchvision has it."""
    drawn = []
    for target, own, of in zip(targets, boxes, objects.to(boxes.dtype), strict=True):
        masks = sent(target["masks"], boxes.device, boxes.dtype)[:, None]
        if len(masks):
            finite = own.nan_to_num(0.0)  # of a run that diverges; the kernel takes no others
            rois = torch.cat([of[:, None], finite], dim=1)
            drawn.append(roi_align(masks, rois, side, 1.0)[:, 0])
        else:  # an image without objects
            drawn.append(boxes.new_zeros(len(own), side, side))
    return torch.stack(drawn)


def from_polygons(
    targets: list[dict[str, Tensor]], boxes: Tensor, objects: Tensor, there: Tensor, side: int
) -> Tensor:
    """Polygons moved and scaled into each box and rasterised there, zeros and ones.

    Detectron's `utils/segms.py`, polys_to_mask_wrt_box: a box is at least 1 px wide and high, and
    an object is the union of its rings. Targets have `polygons` float32 [P, 2], all points in px,
    `polygon_sizes` int64 [R], the points in each ring, and `polygon_owner` int64 [R], the object
    that each ring belongs to; all of them on the host, where they are drawn.
    """
    asked = torch.cat([boxes.double(), objects[..., None], there[..., None]], dim=-1)
    drawn = np.zeros((*there.shape, side, side), np.uint8)
    for to, target, places in zip(drawn, targets, asked.detach().cpu().numpy(), strict=True):
        rings = _rings(target)
        for at in np.flatnonzero(places[:, 5]):
            left, top, right, bottom, own, _ = places[at]
            scale = side / np.maximum([right - left, bottom - top], 1.0)
            inside = [((ring - [left, top]) * scale).ravel().tolist() for ring in rings[int(own)]]
            if inside:
                to[at] = rle.decode(rle.frPyObjects(inside, side, side)).any(axis=2)
    return sent(torch.from_numpy(drawn), boxes.device, boxes.dtype)


def _rings(target: dict[str, Tensor]) -> list[list[np.ndarray]]:
    """Float64 [p, 2] of each object's rings."""
    points = target["polygons"].double().numpy()
    ends = np.cumsum(target["polygon_sizes"].numpy())
    rings: list[list[np.ndarray]] = [[] for _ in target["labels"]]
    owners = target["polygon_owner"].tolist()
    for ring, own in zip(np.split(points, ends), [*owners, None], strict=True):
        if own is not None and len(ring) >= 3:  # COCO's rasteriser takes four numbers for a box
            rings[own].append(ring)
    return rings


TARGETS: dict[str, MaskTargets] = {"torchvision": from_bits, "detectron": from_polygons}
"""By the model's fidelity."""
