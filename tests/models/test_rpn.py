"""Which anchors the RPN learns from, with and without those that reach beyond the image."""

from __future__ import annotations

from dataclasses import replace

import torch

from study.config import TINY
from study.models.rpn import within
from tests.models import shapes

ANCHORS = torch.tensor(
    [[10.0, 10, 40, 40], [-1, 10, 40, 40], [60, 60, 96, 80], [60, 60, 97, 80], [8, 8, 42, 40]]
)
TARGET = {"boxes": torch.tensor([[-1.0, 10, 40, 40]])}
SIZE = (80, 96)


def test_anchors_at_the_border_are_inside():
    assert within(ANCHORS, SIZE).tolist() == [True, False, True, False, True]


def test_detectron_leaves_anchors_out_that_reach_beyond_the_image():
    every = shapes.detector(TINY).rpn
    inside = shapes.detector(replace(TINY, fidelity="detectron")).rpn
    inside.image_sizes = [SIZE]
    assert every.assign_targets_to_anchors([ANCHORS], [TARGET])[0][0].tolist() == [1, 1, 0, 0, 1]
    labels, boxes = inside.assign_targets_to_anchors([ANCHORS], [TARGET])
    assert labels[0].tolist() == [1, -1, 0, -1, 1]
    assert torch.equal(boxes[0][0], TARGET["boxes"][0])
    none = inside.assign_targets_to_anchors([ANCHORS[[1, 3]]], [TARGET])
    assert none[0][0].tolist() == [-1, -1]
    background = {"boxes": torch.zeros(0, 4)}
    labels, _ = inside.assign_targets_to_anchors([ANCHORS], [background])
    assert labels[0].tolist() == [0, -1, 0, -1, 0]
