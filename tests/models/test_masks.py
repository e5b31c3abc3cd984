"""Mask targets from polygons are Detectron's, and close to those from bit masks."""

from __future__ import annotations

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torchvision.models.detection.roi_heads import project_masks_on_boxes

from study.models.heads.masks import from_bits, from_polygons
from tests.models import shapes

RINGS = {
    0: [[(10, 10), (30, 10), (30, 50), (10, 50)], [(40.0, 12.5), (60.0, 12.5), (50.0, 48.0)]],
    1: [[(5.5, 60.0), (70.0, 66.0), (40.0, 90.0)]],
    2: [[(1, 1), (9, 9)]],  # no area
}
TARGET = {
    "labels": torch.tensor([1, 1, 1]),
    "polygons": torch.tensor([p for rings in RINGS.values() for ring in rings for p in ring]),
    "polygon_sizes": torch.tensor([len(ring) for rings in RINGS.values() for ring in rings]),
    "polygon_owner": torch.tensor([own for own, rings in RINGS.items() for _ in rings]),
}
BOXES = torch.tensor([[8.0, 8, 62, 52], [0, 55, 96, 96], [20, 20, 20.4, 60], [0, 0, 9, 9]])
MATCHED = torch.tensor([0, 1, 0, 2])


def reference(rings: list, box: list[float], side: int) -> np.ndarray:
    """Each ring by pycocotools, in the box's own frame."""
    width, height = max(box[2] - box[0], 1), max(box[3] - box[1], 1)
    drawn = np.zeros((side, side), bool)
    for ring in rings:
        flat = [
            float((value - box[axis]) * side / (width, height)[axis])
            for point in ring
            for axis, value in enumerate(point)
        ]
        (encoded,) = coco_mask.frPyObjects([flat], side, side)  # type: ignore[call-overload]
        drawn |= coco_mask.decode(encoded).astype(bool)
    return drawn


def test_polygons_are_drawn_inside_each_box_as_pycocotools_draws_them():
    there = torch.tensor([[True, True, False, True]])
    (drawn,) = from_polygons([TARGET], BOXES[None], MATCHED[None], there, 28)
    assert drawn.shape == (4, 28, 28)
    assert not drawn[2].any()  # nobody asked
    (drawn,) = from_polygons([TARGET], BOXES[None], MATCHED[None], there | True, 28)
    for own, box, match in zip(drawn[:3], BOXES.tolist(), MATCHED.tolist(), strict=False):
        assert np.array_equal(own.bool().numpy(), reference(RINGS[match], box, 28))
    assert drawn[0].any() and not drawn[0].all()
    assert not drawn[3].any()


def test_both_kinds_of_target_agree_but_for_the_border():
    target = shapes.target(shapes.BATCH[0])
    matched = torch.arange(len(target["boxes"]))
    boxes = target["boxes"] + torch.tensor([-3.0, 2.0, 4.0, 1.0])
    asked = [target], boxes[None], matched[None], torch.ones(1, len(boxes), dtype=torch.bool), 14
    drawn, pooled = from_polygons(*asked), from_bits(*asked) > 0.5
    assert (drawn.bool() == pooled).float().mean() > 0.93


def test_an_image_without_objects_has_no_targets():
    none = shapes.nothing()
    for kind in (from_bits, from_polygons):
        there = torch.zeros(1, 3, dtype=torch.bool)
        found = kind([none], torch.zeros(1, 3, 4), there.long(), there, 20)
        assert found.shape == (1, 3, 20, 20) and not found.any()


def test_bit_masks_are_pooled_as_torchvision_pools_them():
    target = shapes.target(shapes.BATCH[0])
    matched = torch.arange(len(target["boxes"])).flip(0)
    there = torch.ones(1, len(matched), dtype=torch.bool)
    boxes = target["boxes"][matched] + torch.tensor([-3.0, 2.0, 4.0, 1.0])
    (own,) = from_bits([target], boxes[None], matched[None], there, 14)
    theirs = project_masks_on_boxes(target["masks"], boxes, matched, 14)
    assert torch.equal(own, theirs) and own.any()
