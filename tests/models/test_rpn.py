"""What the RPN learns from, proposes and loses is torchvision's, but for the draw of a sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork

from study.config import TINY
from study.models import boxes as on_boxes
from study.models.matching import Objects
from study.models.rpn import RPN, within
from tests.models import shapes

ANCHORS = torch.tensor(
    [[10.0, 10, 40, 40], [-1, 10, 40, 40], [60, 60, 96, 80], [60, 60, 97, 80], [8, 8, 42, 40]]
)
TARGET = {"boxes": torch.tensor([[-1.0, 10, 40, 40]]), "labels": torch.tensor([1])}
NOTHING = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
SIZE = (80, 96)
LIMITS = torch.tensor([[96.0, 80, 96, 80]])


def maps(images: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sides = {"0": (24, 32), "1": (12, 16), "2": (6, 8), "pool": (3, 4)}
    return {
        name: 3 * torch.randn(images, TINY.fpn_channels, *side, generator=generator)
        for name, side in sides.items()
    }


def torchvisions(ours: RPN, training: bool) -> Any:
    """torchvision's network with the same head, anchors and thresholds."""
    theirs = RegionProposalNetwork(
        *(ours.anchor_generator, ours.head, 0.7, 0.3, TINY.rpn_samples, 0.5),
        pre_nms_top_n={"training": ours.before[0], "testing": ours.before[1]},
        post_nms_top_n={"training": ours.after[0], "testing": ours.after[1]},
        nms_thresh=0.7,
    )
    return theirs.train(training)


def labels(rpn: RPN, anchors: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
    """1, 0, or -1 (ignored) for each image's anchors."""
    objects = Objects.of(targets, anchors)
    positive, negative, _ = rpn.targets(anchors, LIMITS.repeat(len(targets), 1), objects)
    assert not (positive & negative).any()
    return positive.long() - (~positive & ~negative).long()


def test_anchors_at_the_border_are_inside():
    assert within(ANCHORS, LIMITS).tolist() == [[True, False, True, False, True]]


def test_detectron_leaves_anchors_out_that_reach_beyond_the_image():
    every = shapes.detector(TINY).rpn
    inside = shapes.detector(replace(TINY, fidelity="detectron")).rpn
    assert labels(every, ANCHORS, [TARGET]).tolist() == [[1, 1, 0, 0, 1]]
    assert labels(inside, ANCHORS, [TARGET]).tolist() == [[1, -1, 0, -1, 1]]
    assert labels(inside, ANCHORS[[1, 3]], [TARGET]).tolist() == [[-1, -1]]
    assert labels(inside, ANCHORS, [NOTHING]).tolist() == [[0, -1, 0, -1, 0]]


def test_anchors_lie_where_torchvision_lays_them():
    ours = shapes.detector().rpn
    own, counts = ours.anchors(list(maps(1).values()))
    image = ImageList(torch.zeros(1, 3, 96, 128), [(96, 128)])
    (theirs,) = ours.anchor_generator(image, list(maps(1).values()))
    assert torch.equal(own, theirs) and sum(counts) == len(own)


def test_labels_and_objects_are_torchvisions():
    ours = shapes.detector().rpn
    theirs = torchvisions(ours, training=True)
    anchors, _ = ours.anchors(list(maps(1).values()))
    targets = [*map(shapes.target, shapes.BATCH), NOTHING]
    objects = Objects.of(targets, anchors)
    expected, boxes = theirs.assign_targets_to_anchors([anchors] * 3, targets)
    assert torch.equal(labels(ours, anchors, targets), torch.stack(expected).long())
    positive, _, own = ours.targets(anchors, LIMITS.repeat(3, 1), objects)
    assert positive[:2].any(dim=1).all() and not positive[2].any()
    for image in range(2):
        matched = objects.boxes[image][own[image]][positive[image]]
        assert torch.equal(matched, boxes[image][positive[image]])


def test_proposals_are_torchvisions():
    for training in (True, False):
        ours = shapes.detector().rpn.train(training)
        theirs = torchvisions(ours, training)
        features, sizes = maps(2), [(96, 128), (80, 100)]
        with torch.no_grad():
            found, _ = ours(features, sizes)
            images = ImageList(torch.zeros(2, 3, 96, 128), sizes)
            theirs.training = False  # which asks for targets; its limits are set here
            theirs._pre_nms_top_n["testing"] = ours.before[0 if training else 1]
            theirs._post_nms_top_n["testing"] = ours.after[0 if training else 1]
            expected, _ = theirs(images, features)
        for own, there, other in zip(*found, expected, strict=True):
            torch.testing.assert_close(own[there], other, atol=1e-4, rtol=1e-5)
            assert 10 < len(other) <= len(own) == ours.after[0 if training else 1]


def test_losses_are_torchvisions_times_the_count_where_every_anchor_is_sampled():
    ours = shapes.detector().rpn
    ours.samples = 10**6
    theirs = torchvisions(ours, training=True)
    theirs.fg_bg_sampler.batch_size_per_image = ours.samples
    features, targets = maps(2), [shapes.target(scene) for scene in shapes.BATCH]
    sizes = [(96, 128)] * 2
    images = ImageList(torch.zeros(2, 3, 96, 128), sizes)
    _, expected = theirs(images, features, targets)
    _, shares = ours(features, sizes, Objects.of(targets, ANCHORS), [1, 2])
    for name, peer in (("objectness", "loss_objectness"), ("rpn_box", "loss_rpn_box_reg")):
        torch.testing.assert_close(shares[name].total / shares[name].terms, expected[peer])


def test_deltas_and_moves_are_inverse():
    generator = torch.Generator().manual_seed(0)
    corners = 50 * torch.rand(2, 30, 2, generator=generator, dtype=torch.float64)
    sides = 1 + 40 * torch.rand(2, 30, 2, generator=generator, dtype=torch.float64)
    some, others = torch.cat([corners, corners + sides], dim=-1)
    weights = (10.0, 10.0, 5.0, 5.0)
    deltas = on_boxes.deltas(some, others, weights)
    torch.testing.assert_close(on_boxes.moved(some, deltas, weights), others)
