"""Shares are torchvision's losses before the division; samplers depend on their seed alone."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import fastrcnn_loss

from study.config import TINY
from study.models.detector import LOSSES, MaskRCNN
from study.models.losses import SeededSampler, box_losses


def labels(seed: int, positives: int, negatives: int, ignored: int) -> Tensor:
    own = torch.tensor([2.0] * positives + [0.0] * negatives + [-1.0] * ignored)
    return own[torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))]


def test_sampler_takes_at_most_its_share_of_positives():
    sampler = SeededSampler(64, 0.5)
    sampler.seeds = [1, 2, 3]
    own = [labels(0, 100, 500, 50), labels(1, 3, 500, 50), labels(2, 0, 10, 5)]
    positive, negative = sampler(own)
    assert [int(p.sum()) for p in positive] == [32, 3, 0]
    assert [int(n.sum()) for n in negative] == [32, 61, 10]
    for label, p, n in zip(own, positive, negative, strict=True):
        assert (label[p] > 0).all()
        assert (label[n] == 0).all()


def test_sampler_is_a_function_of_the_image_seed():
    sampler = SeededSampler(64, 0.5)
    own = labels(0, 100, 500, 50)
    sampler.seeds = [7, 8]
    first, second = sampler([own, own])[0]
    sampler.seeds = [8]
    assert not torch.equal(first, second)
    assert torch.equal(sampler([own])[0][0], second)


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


@pytest.fixture(scope="module")
def detector() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(dataclasses.replace(TINY, detections=5), num_classes=3).train()


def target(count: int) -> dict[str, Tensor]:
    boxes = torch.tensor([[10.0, 10, 40, 44], [50, 50, 90, 80]])[:count]
    masks = torch.zeros(count, 96, 96, dtype=torch.uint8)
    for mask, box in zip(masks, boxes.int().tolist(), strict=True):
        mask[box[1] : box[3], box[0] : box[2]] = 1
    return {"boxes": boxes, "labels": torch.arange(1, count + 1), "masks": masks}


def shares(detector: MaskRCNN, slots: list[int]):
    images = torch.randint(
        0, 255, (2, 3, 96, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )
    targets = [target(2), target(0)]
    return detector(
        images[slots],
        [(96, 96)] * len(slots),
        [targets[slot] for slot in slots],
        [(slot, 10 + slot) for slot in slots],
    )


def test_shares_of_a_batch_are_the_sums_of_its_images(detector: MaskRCNN):
    together, first, second = (shares(detector, slots) for slots in ([0, 1], [0], [1]))
    assert tuple(together) == LOSSES
    for name, share in together.items():
        assert share.terms == first[name].terms + second[name].terms
        torch.testing.assert_close(share.total, first[name].total + second[name].total)


def test_an_image_without_objects_has_a_gradient_everywhere(detector: MaskRCNN):
    """Otherwise a worker with only such images would leave its gradients out of the average."""
    detector.zero_grad()
    losses = shares(detector, [1])
    assert losses["mask"].terms == 0
    torch.stack([share.total for share in losses.values()]).sum().backward()
    missing = [name for name, p in detector.named_parameters() if p.grad is None]
    assert missing == []
    assert all(torch.isfinite(p.grad).all() for p in detector.parameters() if p.grad is not None)


def test_detections_lie_in_the_image(detector: MaskRCNN):
    detector.eval()
    with torch.no_grad():
        (found,) = detector(torch.full((1, 3, 96, 96), 99, dtype=torch.uint8), [(80, 64)])
    detector.train()
    assert len(found["scores"]) <= 5
    assert found["masks"].shape[1:] == (1, 20, 20)
    assert (found["boxes"][:, 2] <= 64).all()
    assert (found["boxes"][:, 3] <= 80).all()
