"""Every kind of detector: losses that add up and fall, and one path to detections."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from analysis.reading import columns
from study.config import TINY, ModelConfig
from tests.models import shapes

SMALL = replace(TINY, proposals=(40, 20), roi_samples=24, detections=5)
CASCADE = replace(SMALL, cascade=(0.5, 0.6, 0.7))
KINDS = {
    "masks": SMALL,
    "boxes": replace(SMALL, masks=False),
    "keypoints": replace(SMALL, masks=False, keypoints=3, keypoint_pool=5),
    "keypoints and masks": replace(SMALL, keypoints=3, keypoint_pool=5),
    "cascade": CASCADE,
    "detectron": replace(SMALL, fidelity="detectron"),
    "detectron cascade": replace(CASCADE, fidelity="detectron"),
}


@pytest.fixture(params=KINDS)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return KINDS[request.param]


def losses(config: ModelConfig) -> tuple[str, ...]:
    """Those that the heads should have, in their order."""
    stages = [f"_{n}" for n in (1, 2, 3)] if config.cascade else [""]
    return (
        *("objectness", "rpn_box"),
        *(f"{kind}{stage}" for stage in stages for kind in ("classifier", "box")),
        *(["mask"] if config.masks else []),
        *(["keypoint"] if config.keypoints else []),
    )


def test_a_model_without_masks_has_no_mask_head():
    model = shapes.detector(KINDS["boxes"])
    assert not [name for name, _ in model.named_parameters() if "mask" in name]
    with pytest.raises(ValueError, match=r"model.masks = False: .*no masks"):
        model.masks_at(shapes.images([0]), [torch.zeros(0, 4)], [torch.zeros(0)])


def test_shares_of_a_batch_are_the_sums_of_its_images(config: ModelConfig):
    model = shapes.detector(config)
    empty = {1: shapes.nothing()}
    together, first, second = (shapes.shares(model, s, 0, empty) for s in ([0, 1], [0], [1]))
    assert tuple(together) == losses(config)
    assert {f"loss_{name}" for name in together} <= set(columns.CURVES)
    for name, share in together.items():
        assert share.terms == first[name].terms + second[name].terms
        torch.testing.assert_close(share.total, first[name].total + second[name].total)


def test_an_image_without_objects_has_a_gradient_everywhere(config: ModelConfig):
    """Otherwise a worker with only such images would leave its gradients out of the average."""
    model = shapes.detector(config)
    losses = shapes.shares(model, [1], 0, {1: shapes.nothing()})
    assert all(losses[name].terms == 0 for name in ("mask", "keypoint") if name in losses)
    torch.stack([share.total for share in losses.values()]).sum().backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["boxes", "keypoints and masks", "cascade", "detectron"])
def test_losses_fall(kind: str):
    history = shapes.learn(shapes.detector(KINDS[kind]), steps=14)
    first = [sum(row.values()) for row in history[:4]]
    last = [sum(row.values()) for row in history[-4:]]
    assert sum(last) < 0.8 * sum(first)
    for name in ("keypoint", "mask"):
        if name in history[0]:
            assert history[-1][name] < history[0][name]


def test_detections_lie_in_the_image_and_are_selected_candidates(config: ModelConfig):
    model = shapes.detector(config).eval()
    images = shapes.images([0, 1])
    images[0] = images[0][:, :80, :64]
    with torch.no_grad():
        found = model(images)
        candidates = model.candidates(images)
        selected = [model.select(*one) for one in candidates]
    boxes, scores = candidates[0]
    assert boxes.shape == (len(scores), shapes.CLASSES, 4)
    assert scores.shape[1] == shapes.CLASSES
    for own, parts in zip(found, selected, strict=True):
        for name, part in zip(("boxes", "scores", "labels"), parts, strict=True):
            assert torch.equal(own[name], part)
    assert 0 < len(found[0]["scores"]) <= 5
    assert (found[0]["boxes"][:, 2] <= 64).all()
    assert (found[0]["boxes"][:, 3] <= 80).all()
    assert ("masks" in found[0], "keypoints" in found[0]) == (config.masks, config.keypoints > 0)
    if config.masks:
        assert found[0]["masks"].shape[1:] == (1, 20, 20)
        placed = [one["boxes"] for one in found], [one["labels"] for one in found]
        with torch.no_grad():
            again = model.masks_at(images, *placed)
        assert all(torch.equal(a, b["masks"]) for a, b in zip(again, found, strict=True))
    if config.keypoints:
        assert found[0]["keypoints"].shape[1:] == (3, 3)
        assert found[0]["keypoints"].dtype == torch.float32


def test_where_nothing_is_found_there_are_no_masks_and_no_keypoints():
    config = replace(KINDS["keypoints and masks"], score_threshold=1.0)
    model = shapes.detector(config).eval()
    with torch.no_grad():
        found = model(shapes.images([0, 1]))
    assert [one["masks"].shape for one in found] == [(0, 1, 20, 20)] * 2
    assert [one["keypoints"].shape for one in found] == [(0, 3, 3)] * 2


SINGLE_MAP = SMALL.but(
    name="vgg16", norm="none", pyramid=False, masks=False, box_pool=7, box_fc=64
)


@pytest.mark.slow
def test_a_single_map_has_every_anchor_and_two_fully_connected_layers():
    model = shapes.detector(SINGLE_MAP)
    assert model.rpn.anchor_generator.num_anchors_per_location() == [4 * 2]
    names = [name for name, _ in model.roi_heads.named_parameters()]
    layers = ("box_head.fc6", "box_head.fc7", "box_predictor.cls_score", "box_predictor.bbox_pred")
    assert names == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    fc6 = model.roi_heads.box_head.fc6
    assert isinstance(fc6, nn.Linear) and fc6.in_features == 512 * 7 * 7
    assert any(name.startswith("backbone.body.28") for name, _ in model.named_parameters())
    history = shapes.learn(model, steps=10)
    assert sum(history[-1].values()) < 0.8 * sum(history[0].values())
    with torch.no_grad():
        (found,) = model.eval()(shapes.images([0]))
    assert sorted(found) == ["boxes", "labels", "scores"]


def test_a_pyramid_has_one_size_of_anchor_for_each_level():
    with pytest.raises(
        ValueError, match=r"anchor_px = \(16, 32, 48, 96\): one size for each of the 5"
    ):
        shapes.detector(SMALL.but(name="resnet50"))
