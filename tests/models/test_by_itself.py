"""What is computed of an image is its own affair, whatever stands beside it in the batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from study.config import TINY, ModelConfig
from study.models.canvas import canvas, groups, sizes
from study.models.detector import Detector
from study.models.losses import Share
from tests.models import shapes

SIZES = ((96, 96), (96, 70), (64, 128), (96, 70), (128, 40))
KINDS = {
    "group": replace(TINY, proposals=(40, 20), detections=8),
    "frozen": TINY.but(norm="frozen_batch", proposals=(40, 20), detections=8),
    "no norm": TINY.but(norm="none", proposals=(40, 20), detections=8),
    "cascade": replace(TINY, proposals=(40, 20), detections=8, cascade=(0.5, 0.6, 0.7)),
    "keypoints as Detectron": replace(TINY, keypoints=3, fidelity="detectron", detections=8),
}


def example(at: int) -> tuple[Tensor, dict[str, Tensor]]:
    """An image of drawn size, and an object of it as large as it is seen."""
    height, width = SIZES[at]
    scene = shapes.BATCH[at % 2]
    image = torch.from_numpy(scene.image).permute(2, 0, 1)
    whole = torch.cat([image, image.flip(-1)], dim=-1)
    whole = torch.cat([whole, whole.flip(-2)], dim=-2)[:, :height, :width].contiguous()
    target = shapes.target(scene)
    target["masks"] = torch.nn.functional.pad(target["masks"], (0, 96, 0, 96))
    target["masks"] = target["masks"][:, :height, :width].contiguous()
    limits = torch.tensor([width, height, width, height])
    target["boxes"] = target["boxes"].minimum(limits)
    return whole, target


EXAMPLES = [example(at) for at in range(len(SIZES))]


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> Detector:
    return shapes.detector(KINDS[request.param]).double()


def learn(model: Detector, slots: list[int]) -> tuple[dict[str, Share], list[Tensor]]:
    """The losses of some of the images, and the gradients of their sum."""
    images, targets = zip(*(EXAMPLES[at] for at in slots), strict=True)
    shares = model(list(images), list(targets), [(at, 100 + at) for at in slots])
    model.zero_grad()
    torch.stack([share.total for share in shares.values()]).sum().backward()
    return shares, [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.slow
def test_losses_and_gradients_of_a_batch_are_the_sum_of_each_images_own(model: Detector):
    whole, gradients = learn(model, [0, 1, 2, 3, 4])
    alone = [learn(model, [at]) for at in range(5)]
    for name, share in whole.items():
        parts = [shares[name] for shares, _ in alone]
        assert share.terms == sum(part.terms for part in parts)
        torch.testing.assert_close(share.total, torch.stack([p.total for p in parts]).sum())
    for own, *parts in zip(gradients, *(each for _, each in alone), strict=True):
        torch.testing.assert_close(own, torch.stack(parts).sum(dim=0), atol=1e-9, rtol=1e-7)


def test_an_image_has_its_detections_whatever_stands_beside_it(model: Detector):
    images = [image for image, _ in EXAMPLES]
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("cls_score.weight", "cls_logits.weight")):
                weight *= 40  # few equal scores
        model.eval()
        together, backward = model(images), model(images[::-1])[::-1]
        alone = [model([image])[0] for image in images]
    for found in (together, backward):
        for one, other in zip(found, alone, strict=True):
            assert one.keys() == other.keys() and len(one["boxes"])
            for name, value in one.items():
                torch.testing.assert_close(value, other[name], atol=1e-6, rtol=1e-6)


def test_batch_statistics_are_those_of_the_whole_batch_on_one_canvas():
    """There an image cannot be by itself; who makes which part must still make no difference."""
    model = shapes.detector(TINY.but(norm="sync_batch")).double()
    seen: list[torch.Size] = []
    model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    learn(model, [0, 1, 2])
    model(*([[part] for part in EXAMPLES[0]]), [(0, 1)], space=(96, 128))
    assert seen == [(3, 3, 96, 128), (1, 3, 96, 128)]
    with torch.no_grad():
        model.eval()([image for image, _ in EXAMPLES[:3]])
    assert [shape[2:] for shape in seen[2:]] == [(96, 96), (64, 128)]  # what is learnt is fixed


@pytest.mark.parametrize(
    ("config", "stride"),
    [(TINY, 32), (KINDS["group"].but(name="resnet18", anchor_px=(16, 32, 48, 64, 96)), 64)],
)
def test_every_map_has_its_exact_stride(config: ModelConfig, stride: int):
    model = shapes.detector(config)
    assert model.stride == stride
    images = [torch.zeros(3, *size, dtype=torch.uint8) for size in ((100, 75), (33, 160))]
    for own in groups(images, stride, model.mean, model.std):
        maps = model.backbone(own.inputs)
        height, width = own.inputs.shape[2:]
        (size,) = sizes([images[own.images[0]]])
        assert (height, width) == canvas(size, stride)
        for each, features in zip(model.rpn.strides, maps.values(), strict=True):
            assert features.shape[2:] == (height // each, width // each)
            assert height % each == width % each == 0


def test_padding_has_the_colour_of_the_mean():
    image = torch.full((3, 40, 50), 200, dtype=torch.uint8)
    mean, std = torch.full((1, 3, 1, 1), 120.0), torch.full((1, 3, 1, 1), 40.0)
    (own,) = groups([image], 32, mean, std)
    assert own.inputs.shape == (1, 3, 64, 64)
    assert (own.inputs[:, :, :40, :50] == 2).all()
    assert not own.inputs[:, :, 40:].any() and not own.inputs[:, :, :, 50:].any()
