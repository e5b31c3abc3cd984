"""A stage's losses are torchvision's before the division; its selection is torchvision's."""

import torch
from torch import nn
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss

from study.config import TINY
from study.models.heads.boxes import BoxStage, box_losses


def test_box_losses_are_torchvisions_times_the_count():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, 9, generator=generator)
    regression = torch.randn(60, 36, generator=generator)
    classes = torch.randint(0, 9, (60,), generator=generator)
    deltas = torch.randn(60, 4, generator=generator)
    classifier, box = fastrcnn_loss(logits, regression, [classes], [deltas])
    shares = box_losses(logits, regression, classes, deltas)
    for share, expected in ((shares["classifier"], classifier), (shares["box"], box)):
        torch.testing.assert_close(share.total / share.terms, expected)


def test_one_regressor_for_all_classes_is_compared_whatever_the_class():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20, 4, generator=generator)
    regression, deltas = torch.randn(2, 20, 4, generator=generator)
    labels = torch.randint(0, 4, (20,), generator=generator)
    shared = box_losses(logits, regression, labels, deltas)
    repeated = box_losses(logits, regression.repeat(1, 4), labels, deltas)
    assert torch.equal(shared["box"].total, repeated["box"].total)


def test_detectrons_box_loss_turns_linear_at_one():
    deltas = torch.tensor([[0.5, 0.0, 0.0, 3.0]])
    found = box_losses(torch.zeros(1, 2), torch.zeros(1, 4), torch.tensor([1]), deltas, beta=1.0)
    torch.testing.assert_close(found["box"].total, torch.tensor(0.5 * 0.5**2 + 3.0 - 0.5))


def test_selection_is_torchvisions():
    generator = torch.Generator().manual_seed(0)
    stage = BoxStage(TINY, nn.Identity(), nn.Identity(), nn.Identity())
    logits = 2 * torch.randn(60, 4, generator=generator)
    deltas = torch.randn(60, 16, generator=generator)
    corner = 60 * torch.rand(60, 2, generator=generator)
    proposals = torch.cat([corner, corner + 8 + 30 * torch.rand(60, 2, generator=generator)], 1)
    expected = RoIHeads.postprocess_detections(stage, logits, deltas, [proposals], [(90, 80)])
    moved = stage.moved(deltas, [proposals])[:, 1:]
    moved = torch.stack([moved[..., 0::2].clamp(0, 80), moved[..., 1::2].clamp(0, 90)], dim=-1)
    found = stage.select(moved.flatten(2), logits.softmax(-1)[:, 1:])
    assert 3 < len(found[0]) <= TINY.detections
    for own, (theirs,) in zip(found, expected, strict=True):
        assert torch.equal(own, theirs)
