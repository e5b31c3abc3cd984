"""torchvision's detectors, by their names of today and of before 2022; ours have the same ones.

Its first weights of COCO (`COCO_V1`, not those of v2) were trained with frozen norms that added
nothing to the variance, where norms add 1e-5; torchvision's own builder takes that back. Here the
norms' scale makes up for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from study.config.body import IMAGENET_MEAN, IMAGENET_STD
from study.models.backbones import Pixels
from study.models.weights.whole import categories
from study.models.weights.whole.checkpoint import BODY, SCORE, Rule, Whole, renamed

KEYS = ("rpn.head.cls_logits.weight", f"{SCORE}.weight")
PROGRAM = "torchvision"
PIXELS = Pixels(IMAGENET_MEAN, IMAGENET_STD)  # of 0 to 1 it subtracts 0.485 and so on
RATIOS = (0.5, 1.0, 2.0)
EPS = 1e-5
_LEAF = r"(weight|bias)"
RULES = (
    Rule(
        rf"backbone\.fpn\.(inner|layer)_blocks\.(\d+)\.{_LEAF}", "backbone.fpn.{}_blocks.{}.0.{}"
    ),
    Rule(rf"rpn\.head\.conv\.{_LEAF}", "rpn.head.conv.0.0.{}"),
    Rule(rf"roi_heads\.box_head\.fc(\d)\.{_LEAF}", "roi_heads.box_head.fc.{}.{}", less=6),
    Rule(rf"roi_heads\.mask_head\.mask_fcn(\d+)\.{_LEAF}", "roi_heads.mask_head.{}.0.{}", less=1),
    Rule(r"((?:backbone\.(?:body|fpn\.(?:inner|layer)_blocks)|rpn\.head|roi_heads)\..+)", "{}"),
)
LEFT_OUT = r"roi_heads\.keypoint_|.*\.num_batches_tracked$"


def read(tensors: Mapping[str, Tensor], source: str) -> Whole:
    """The detector in a state dict that has `KEYS`.

    One with another body than a ResNet with batch norms is ours, without what is said of it.
    """
    ours = renamed(tensors, RULES, LEFT_OUT, source, PROGRAM)
    if f"{BODY}bn1.running_mean" not in ours:
        return Whole(
            source=source, program="study.train", tensors=ours, classes=None, background="first"
        )
    names = categories.of_torchvision()
    of_coco = len(ours[f"{SCORE}.weight"]) == len(names) + 1
    frozen = not any(name.endswith("num_batches_tracked") for name in tensors)
    if of_coco and frozen:
        ours = with_eps(ours)
    return Whole(
        source=source,
        program=PROGRAM,
        tensors=ours,
        classes=names if of_coco else None,
        background="first",
        pixels=PIXELS,
        fields={"stride_1x1": (False,), "aspect_ratios": (RATIOS,)},
    )


def with_eps(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for norms that add `EPS` to the variance, of ones for norms that add nothing."""
    found = dict(tensors)
    for name, variance in tensors.items():
        if name.endswith("running_var"):
            scale = re.sub("running_var$", "weight", name)
            if scale not in tensors or tensors[scale].shape != variance.shape:
                continue  # refused as what does not fit
            exact = variance.double()
            ratio = torch.where(exact > 0, ((exact + EPS) / exact).sqrt(), torch.ones_like(exact))
            found[scale] = (tensors[scale].double() * ratio).to(tensors[scale].dtype)
    return found
