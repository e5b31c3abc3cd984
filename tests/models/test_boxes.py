"""A stage's losses are torchvision's before the division; its selection is torchvision's."""

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss

from study.config import TINY
from study.models.boxes import iou, suppressed
from study.models.heads.boxes import BoxStage, Sample
from study.models.matching import Objects
from study.models.rpn import Proposals
from tests.models import shapes


def stage(**changes: object) -> BoxStage:
    own = BoxStage(TINY, nn.Identity(), nn.Identity(), nn.Identity())
    for name, value in changes.items():
        setattr(own, name, value)
    return own


def sampled(labels: Tensor, deltas: Tensor) -> Sample:
    """One image's RoIs, positives first as a stage has them."""
    order = (labels > 0).long().argsort(descending=True, stable=True)
    there = torch.ones(1, len(labels), dtype=torch.bool)
    deltas = deltas * (labels > 0)[:, None]
    return Sample(
        deltas[order][None], order[None], labels[order][None], deltas[order][None], there
    )


def test_box_losses_are_torchvisions_times_the_count():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(60, 9, generator=generator)
    regression = torch.randn(60, 36, generator=generator)
    classes = torch.randint(0, 9, (60,), generator=generator)
    deltas = torch.randn(60, 4, generator=generator)
    classifier, box = fastrcnn_loss(logits, regression, [classes], [deltas])
    sample = sampled(classes, deltas)
    (order,) = sample.objects
    moves = regression[order].unflatten(1, (-1, 4))[None]
    shares = stage(positives=60).losses(logits[order][None], moves, sample)
    for share, expected in ((shares["classifier"], classifier), (shares["box"], box)):
        torch.testing.assert_close(share.total / share.terms, expected)


def test_one_regressor_for_all_classes_is_compared_whatever_the_class():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 20, 4, generator=generator)
    regression, deltas = torch.randn(2, 20, 4, generator=generator)
    sample = sampled(torch.randint(0, 4, (20,), generator=generator), deltas)
    one = regression[None, :, None]
    own = stage(positives=20)
    shared, repeated = (
        own.losses(logits, one, sample),
        own.losses(logits, one.repeat(1, 1, 4, 1), sample),
    )
    assert torch.equal(shared["box"].total, repeated["box"].total)


def test_detectrons_box_loss_turns_linear_at_one():
    sample = sampled(torch.tensor([1]), torch.tensor([[0.5, 0.0, 0.0, 3.0]]))
    own = stage(positives=1, beta=1.0)
    found = own.losses(torch.zeros(1, 1, 2), torch.zeros(1, 1, 1, 4), sample)
    torch.testing.assert_close(found["box"].total, torch.tensor(0.5 * 0.5**2 + 3.0 - 0.5))


def test_positives_come_first_and_are_a_quarter_at_most():
    truth = [shapes.target(scene) for scene in shapes.BATCH]
    truth.append({"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)})
    objects = Objects.of(truth, torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 60, 4, generator=generator)
    near = objects.boxes[:, :1].repeat(1, 60, 1) + 3 * noise
    far = torch.tensor([[0.0, 0, 4, 4], [90, 90, 95, 95]]).repeat(3, 20, 1)
    boxes = torch.cat([near, far], dim=1)
    there = torch.ones(3, 100, dtype=torch.bool)
    there[:, 50:60] = False
    found = stage().sample(Proposals(boxes, there), objects, [1, 2, 3])
    overlaps = iou(objects.boxes, found.boxes)
    for image in range(2):
        positive = found.labels[image] > 0
        assert 0 < positive.sum() <= TINY.roi_samples // 4
        assert positive[: positive.sum()].all()  # the first places
        best = overlaps[image][: len(truth[image]["labels"])].max(dim=0)
        assert (best.values[positive] >= 0.5).all()
        assert torch.equal(best.indices[positive], found.objects[image][positive])
        own = truth[image]["labels"][found.objects[image][positive]]
        assert torch.equal(own, found.labels[image][positive])
        assert (best.values[found.there[image] & ~positive] < 0.5).all()
        moved = stage().moved(found.deltas[image : image + 1, :, None], found.boxes[[image]])
        target = truth[image]["boxes"][found.objects[image][positive]]
        torch.testing.assert_close(moved[0, positive, 0], target)
    assert not found.labels[2].any() and found.there[2].sum() == TINY.roi_samples
    missing = boxes[:, 50:60].reshape(-1, 4)
    taken = found.boxes[found.there]
    assert not (taken[:, None] == missing).all(dim=-1).any()


def test_what_suppression_leaves_does_not_depend_on_what_stands_beside():
    generator = torch.Generator().manual_seed(0)
    corner = 40 * torch.rand(3, 90, 2, generator=generator)
    boxes = torch.cat([corner, corner + 20], dim=-1)
    scores = torch.rand(3, 90, generator=generator)
    whole = suppressed(boxes, scores, [60, 30], 0.5)
    for image in range(3):
        parts = [
            suppressed(boxes[[image], part], scores[[image], part], [part.stop - part.start], 0.5)
            for part in (slice(0, 60), slice(60, 90))
        ]
        assert torch.equal(whole[image], torch.cat(parts, dim=1)[0])
    assert 0.1 < whole.float().mean() < 0.9


def test_selection_is_torchvisions():
    generator = torch.Generator().manual_seed(0)
    own = stage()
    peer = RoIHeads(
        *(None, None, None, 0.5, 0.5, 64, 0.25, None),
        *(TINY.score_threshold, 0.5, TINY.detections),
    )
    logits = 2 * torch.randn(60, 4, generator=generator)
    deltas = torch.randn(60, 16, generator=generator)
    corner = 60 * torch.rand(60, 2, generator=generator)
    proposals = torch.cat([corner, corner + 8 + 30 * torch.rand(60, 2, generator=generator)], 1)
    expected = peer.postprocess_detections(logits, deltas, [proposals], [(90, 80)])
    moved = own.moved(deltas.unflatten(1, (-1, 4))[None], proposals[None])[0, :, 1:]
    moved = torch.stack([moved[..., 0::2].clamp(0, 80), moved[..., 1::2].clamp(0, 90)], dim=-1)
    found = own.select(moved.flatten(2), logits.softmax(-1)[:, 1:])
    assert 3 < len(found[0]) <= TINY.detections
    for ours, (theirs,) in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)
