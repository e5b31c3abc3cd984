"""torchvision's own Mask R-CNN and training loop, with the parts that a model of ours has.

The network is put together from torchvision's parts as its `maskrcnn_resnet50_fpn_v2` is, with
GroupNorm for its BatchNorm, a bias-free RPN of one convolution, and the sizes of a `ModelConfig`:
the same layers as ours. The loop is that of its `references/detection/engine.py`.
"""

from __future__ import annotations

import contextlib
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.resnet import resnet50

from study.config import ModelConfig, OptimConfig
from study.data.batches.loader import Batch


def mask_rcnn(model: ModelConfig, num_classes: int) -> nn.Module:
    """R50-FPN with GroupNorm throughout; classes without the background."""
    norm: Any = partial(_group_norm, model.body.norm_groups)  # "a norm layer by its channels"
    backbone = _resnet_fpn_extractor(resnet50(norm_layer=norm), 5, norm_layer=norm)
    channels = backbone.out_channels
    anchors = AnchorGenerator(
        tuple((side,) for side in model.anchor_px),  # type: ignore[arg-type]  # sizes are floats
        (model.aspect_ratios,) * len(model.anchor_px),
    )
    return MaskRCNN(
        backbone,
        num_classes + 1,
        min_size=model.short_px,
        max_size=model.long_px,
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(channels, anchors.num_anchors_per_location()[0]),
        rpn_pre_nms_top_n_train=model.proposals_before_nms[0],
        rpn_post_nms_top_n_train=model.proposals[0],
        rpn_batch_size_per_image=model.rpn_samples,
        box_batch_size_per_image=model.roi_samples,
        box_head=FastRCNNConvFCHead(
            (channels, model.box_pool, model.box_pool),
            [channels] * model.box_convs,
            [model.box_fc],
            norm_layer=norm,
        ),
        mask_head=MaskRCNNHeads(channels, [channels] * model.mask_convs, 1, norm_layer=norm),
    )


class Loop:
    """One step of `train_one_epoch`, on images and targets as its transforms make them.

    Args:
        model: `mask_rcnn`'s, which is moved to the device.
        amp: what autocast computes in; None: no autocast. float16 has a GradScaler, as there.
    """

    def __init__(
        self,
        model: nn.Module,
        optim: OptimConfig,
        device: torch.device,
        amp: torch.dtype | None = None,
    ) -> None:
        self.model, self.device, self.amp = model.to(device).train(), device, amp
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.SGD(
            parameters, lr=optim.lr, momentum=optim.momentum, weight_decay=optim.weight_decay
        )
        scaled = amp == torch.float16
        self.scaler = torch.amp.GradScaler(device.type) if scaled else None  # type: ignore[attr-defined]

    def step(self, images: list[Tensor], targets: list[dict[str, Tensor]]) -> float:
        """The loss before the step."""
        images = [image.to(self.device) for image in images]
        targets = [{k: v.to(self.device) for k, v in target.items()} for target in targets]
        autocast = (
            torch.autocast(self.device.type, self.amp) if self.amp else contextlib.nullcontext()
        )
        with autocast:
            losses = self.model(images, targets)
            loss = torch.stack(list(losses.values())).sum()
        value = float(loss.item())
        if not math.isfinite(value):
            raise ValueError(f"torchvision's loss is {value}")
        self.optimiser.zero_grad()
        if self.scaler is not None:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
        else:
            loss.backward()
            self.optimiser.step()
        return value


def as_torchvision(batch: Batch) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """A batch of ours as `Loop.step` takes it: images in [0, 1], masks of all pixels."""
    kept = ("boxes", "labels", "masks")
    targets = [{name: target[name].cpu() for name in kept} for target in batch.targets]
    return [image.cpu().float() / 255 for image in batch.images], targets


def _group_norm(groups: int, channels: int) -> nn.Module:
    return nn.GroupNorm(groups, channels)
