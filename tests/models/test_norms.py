"""Each norm sits where the configuration says, and a detector trains with it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from study.config import R50_FPN, TINY, ModelConfig
from study.config.body import Norm
from study.models.detector import Detector
from study.models.heads.roi_heads import FEW_SHAPES
from study.models.norms import GroupNorm, replace_batch_norms
from study.models.sync_batch_norm import SyncBatchNorm

KINDS = (GroupNorm, SyncBatchNorm, FrozenBatchNorm2d)
WHERE: dict[Norm, dict[str, type[nn.Module] | None]] = {
    "group": {"body": GroupNorm, "fpn": GroupNorm, "roi_heads": GroupNorm},
    "sync_batch": {"body": SyncBatchNorm, "fpn": SyncBatchNorm, "roi_heads": SyncBatchNorm},
    "frozen_batch": {"body": FrozenBatchNorm2d, "fpn": None, "roi_heads": None},
    "none": {"body": None, "fpn": None, "roi_heads": None},
}


@pytest.mark.parametrize("config", [TINY, R50_FPN], ids=lambda config: config.body.name)
@pytest.mark.parametrize("norm", WHERE)
def test_norms_sit_where_they_belong(norm: Norm, config: ModelConfig):
    with torch.device("meta"):
        detector = Detector(config.but(norm=norm), num_classes=3)
    found: dict[str, set[type[nn.Module]]] = {part: set() for part in ("body", "fpn", "roi_heads")}
    for name, module in detector.named_modules():
        if isinstance(module, KINDS):
            part = next(part for part in found if part in name)  # so there is none in the RPN
            found[part].add(type(module))
    assert found == {part: {kind} - {None} for part, kind in WHERE[norm].items()}


def step(detector: Detector) -> dict[str, int]:
    """Losses and gradients of two images; the number of terms of each loss."""
    torch.manual_seed(0)
    images = torch.randint(0, 255, (2, 3, 96, 96), dtype=torch.uint8)
    masks = torch.zeros(1, 96, 96, dtype=torch.uint8)
    masks[0, 20:60, 20:60] = 1
    target: dict[str, Tensor] = {
        "boxes": torch.tensor([[20.0, 20, 60, 60]]),
        "labels": torch.tensor([1]),
        "masks": masks,
    }
    shares = detector(list(images), [target] * 2, [(1, 2), (3, 4)])
    assert isinstance(shares, dict)
    torch.stack([share.total for share in shares.values()]).sum().backward()
    return {name: int(share.terms) for name, share in shares.items()}


@pytest.mark.parametrize("norm", WHERE)
def test_every_parameter_is_trained_and_detections_come_out(norm: Norm):
    torch.manual_seed(0)
    detector = Detector(TINY.but(norm=norm, detections=5), num_classes=3).train()
    step(detector)
    for name, parameter in detector.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    with torch.no_grad():
        found = detector.eval()([torch.zeros(3, 96, 96, dtype=torch.uint8)])
    assert found[0]["masks"].isfinite().all()


@pytest.mark.parametrize("norm", ["group", "sync_batch"])
def test_no_masks_are_made_up_where_they_would_count(norm: Norm):
    """A CPU is spared new shapes by RoIs of zeros, which must not enter batch statistics."""
    torch.manual_seed(0)
    detector = Detector(TINY.but(norm=norm), num_classes=3).train()
    seen: list[int] = []
    assert detector.roi_heads.mask_head is not None
    detector.roi_heads.mask_head.register_forward_pre_hook(lambda _, x: seen.append(len(x[0])))
    real = step(detector)["mask"] // (2 * TINY.mask_pool) ** 2
    assert real % FEW_SHAPES > 0
    assert seen == [real if norm == "sync_batch" else real + FEW_SHAPES - real % FEW_SHAPES]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_networks_own_norms_keep_their_constants(frozen: bool):
    network = nn.Sequential(nn.BatchNorm2d(4, eps=1e-3, momentum=0.01))
    replace_batch_norms(network, frozen=frozen)
    norm = network[0]
    assert type(norm) is not nn.BatchNorm2d and norm.eps == 1e-3
    assert frozen or norm.momentum == 0.01
