"""Stages: own thresholds and scales, the refined boxes of the one before, mean scores."""

from __future__ import annotations

from dataclasses import replace

import torch

from study.config import TINY
from study.models.canvas import MapsOf
from study.models.detector import Detector
from study.models.heads import cascade
from study.models.heads.boxes import BoxStage, Sample
from study.models.matching import Objects
from study.models.rpn import Proposals
from tests.models import shapes

PLAIN = replace(TINY, proposals=(40, 20), roi_samples=24, class_agnostic=True)
LIMITS = torch.tensor([[96.0, 96, 96, 96]])
CASCADE = replace(PLAIN, cascade=(0.5, 0.6, 0.7))


def stages(model: Detector) -> list[BoxStage]:
    return [model.roi_heads, *model.roi_heads.later]  # type: ignore[list-item]


def test_stages_have_rising_thresholds_and_shrinking_deltas():
    own = stages(shapes.detector(CASCADE))
    assert [stage.iou for stage in own] == [0.5, 0.6, 0.7]
    assert [stage.weights for stage in own] == [
        (10, 10, 5, 5),
        (20, 20, 10, 10),
        (30, 30, 15, 15),
    ]
    box_heads = [stage.box_head.get_parameter("0.0.weight") for stage in own]
    assert not torch.equal(box_heads[0], box_heads[1])
    assert not torch.equal(box_heads[1], box_heads[2])


def test_a_cascade_begins_with_the_plain_models_weights():
    plain, staged = (shapes.detector(c).state_dict() for c in (PLAIN, CASCADE))
    by_class = shapes.detector(replace(PLAIN, class_agnostic=False)).state_dict()
    later = {name for name in staged if name.startswith("roi_heads.later")}
    assert plain.keys() == staged.keys() - later == by_class.keys()
    for name, value in plain.items():
        assert torch.equal(staged[name], value)
        if "bbox_pred" not in name or name.startswith("rpn"):
            assert torch.equal(by_class[name], value)


def test_the_first_stage_alone_is_the_plain_model():
    plain, staged = shapes.detector(PLAIN), shapes.detector(CASCADE)
    staged.every_stage = False
    losses = [shapes.shares(model, [0, 1]) for model in (plain, staged)]
    for a, b in zip(*(found.values() for found in losses), strict=True):
        assert torch.equal(a.total, b.total) and a.terms == b.terms
    assert list(losses[1])[2:] == ["classifier_1", "box_1", "mask"]
    for found in losses:
        shapes.mean(found).backward()
    gradients = {name: p.grad for name, p in staged.named_parameters()}
    for name, parameter in plain.named_parameters():
        own = gradients.pop(name)
        assert parameter.grad is not None and own is not None
        assert torch.equal(parameter.grad, own)
    assert gradients and set(gradients.values()) == {None}
    with torch.no_grad():
        found = [m.eval()(shapes.images([0]))[0] for m in (plain, staged)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_stage_learns_from_the_boxes_that_the_one_before_has_moved():
    model = shapes.detector(CASCADE)
    one, two, _ = stages(model)
    truth = shapes.target(shapes.BATCH[0])
    maps, objects = model._maps(shapes.images([0])), Objects.of([truth], model.mean)
    boxes = truth["boxes"] + torch.tensor([6.0, 5.0, 6.0, 5.0])
    proposals = Proposals(boxes[None], torch.ones(1, len(boxes), dtype=torch.bool))
    torch.nn.init.normal_(one.box_predictor.get_parameter("bbox_pred.bias"), std=2.0)

    def train(chain: list[BoxStage]) -> Sample:
        return cascade.train(chain, maps, proposals, LIMITS, objects, [7])[0]

    first, second = train([one]), train([one, two])
    assert not second.boxes[0].requires_grad
    deltas = one.predict(maps, first.boxes, first.there)[1]
    moved = one.moved(deltas, first.boxes)[0, :, 0].clamp(0, 96)
    candidates = torch.cat([moved[first.there[0]], truth["boxes"]])
    assert second.there.any()
    for box in second.boxes[second.there]:
        assert (candidates - box).abs().amax(dim=1).min() < 1e-4
    again = train([one, two])
    assert all(torch.equal(a, b) for a, b in zip(second, again, strict=True))


def test_scores_are_the_mean_over_stages_and_boxes_the_last_ones():
    model = shapes.detector(CASCADE).eval()
    every = stages(model)
    for stage in every:
        torch.nn.init.normal_(stage.box_predictor.get_parameter("bbox_pred.bias"), std=1.0)
    boxes = torch.zeros(2, 2, 4)
    boxes[0] = torch.tensor([[10.0, 12, 50, 60], [30, 30, 90, 80]])
    proposals = Proposals(boxes, torch.tensor([[True, True], [False, False]]))
    with torch.no_grad():
        maps, scores = model._maps(shapes.images([0, 1])), []
        for stage in every:
            logits, deltas = stage.predict(maps, boxes, proposals.there)
            scores.append(logits.softmax(-1)[..., 1:])
            boxes = stage.moved(deltas, boxes)[:, :, 0].clamp(0, 96)
        moved, mean = cascade.infer(every, maps, proposals, LIMITS.repeat(2, 1))
    torch.testing.assert_close(mean[0], torch.stack(scores).mean(dim=0)[0])
    for column in range(shapes.CLASSES):
        torch.testing.assert_close(moved[0, :, column], boxes[0])
    assert not mean[1].any()  # where no proposal is


def test_features_get_the_mean_of_the_stages_gradients():
    model = shapes.detector(CASCADE)
    stage, (features,) = stages(model)[0], [torch.ones(1, 32, 24, 24, requires_grad=True)]
    maps = {"0": features, "1": features[..., :12, :12], "2": features[..., :6, :6]}
    boxes, there = torch.tensor([[[10.0, 12, 50, 60]]]), torch.ones(1, 1, dtype=torch.bool)
    gradients = []
    for factor in (1.0, 0.5):
        logits, deltas = stage.predict([MapsOf([0], maps)], boxes, there, factor)
        loss = logits.sum() + deltas.sum()
        gradients.append(torch.autograd.grad(loss, [features, *stage.box_head.parameters()]))
    torch.testing.assert_close(gradients[1][0], 0.5 * gradients[0][0])
    assert all(torch.equal(a, b) for a, b in zip(*(g[1:] for g in gradients), strict=True))


def test_in_training_features_learn_from_the_mean_of_the_stages():
    """Beside two others a stage moves features by a third, and its own head as if alone."""
    model = shapes.detector(CASCADE)
    one, two, three = stages(model)
    truth = shapes.target(shapes.BATCH[0])
    objects = Objects.of([truth], model.mean)
    proposals = Proposals(truth["boxes"][None], torch.ones(1, len(truth["boxes"])).bool())
    features = torch.rand(1, 32, 24, 24, generator=torch.Generator().manual_seed(0))
    features.requires_grad_()
    maps = {"0": features, "1": features[..., :12, :12], "2": features[..., :6, :6]}

    def gradients(chain: list[BoxStage]) -> tuple[torch.Tensor, ...]:
        own = cascade.train(chain, [MapsOf([0], maps)], proposals, LIMITS, objects, [7])[1][0]
        loss = own["classifier"].total + own["box"].total
        return torch.autograd.grad(loss, [features, *one.box_head.parameters()])

    alone, beside = gradients([one]), gradients([one, two, three])
    assert alone[0].abs().max() > 0
    torch.testing.assert_close(beside[0], alone[0] / 3)
    assert all(torch.equal(a, b) for a, b in zip(beside[1:], alone[1:], strict=True))
