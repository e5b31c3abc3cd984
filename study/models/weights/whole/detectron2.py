"""detectron2's model zoo: pickled NumPy arrays, for images in the order BGR.

What its configurations say and no tensor does: pixels are not divided, except for ResNeXt;
GroupNorm has 32 groups; ResNets with frozen norms have their stride in the first convolution of a
block, as Caffe2's weights want it, and those with GroupNorm and ResNeXt have not. The background's
score is the last; boxes and masks have no rows for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from study.models.backbones import Pixels
from study.models.weights.whole import categories
from study.models.weights.whole.checkpoint import BODY, SCORE, Rule, Whole, bgr_to_rgb, renamed

KEYS = (
    "proposal_generator.rpn_head.objectness_logits.weight",
    "roi_heads.box_predictor.cls_score.weight",
)
CASCADE = "roi_heads.box_predictor.0.cls_score.weight"
PROGRAM = "detectron2"
MEAN = (123.675, 116.28, 103.53)  # RGB
RESNEXT_STD = (58.395, 57.12, 57.375)
RATIOS = (0.5, 1.0, 2.0)
GROUPS = 32
_LEAF = r"(weight|bias)"
_NORM = r"norm\.(\w+)"
_UP = r"backbone\.bottom_up"
_HEADS = r"roi_heads"
RULES = (
    Rule(rf"{_UP}\.stem\.conv1\.weight", f"{BODY}conv1.weight"),
    Rule(rf"{_UP}\.stem\.conv1\.{_NORM}", BODY + "bn1.{}"),
    Rule(rf"{_UP}\.res(\d)\.(\d+)\.shortcut\.weight", BODY + "layer{}.{}.downsample.0.weight", 1),
    Rule(rf"{_UP}\.res(\d)\.(\d+)\.shortcut\.{_NORM}", BODY + "layer{}.{}.downsample.1.{}", 1),
    Rule(rf"{_UP}\.res(\d)\.(\d+)\.conv(\d)\.weight", BODY + "layer{}.{}.conv{}.weight", 1),
    Rule(rf"{_UP}\.res(\d)\.(\d+)\.conv(\d)\.{_NORM}", BODY + "layer{}.{}.bn{}.{}", 1),
    Rule(rf"backbone\.fpn_lateral(\d)\.{_LEAF}", "backbone.fpn.inner_blocks.{}.0.{}", 2),
    Rule(rf"backbone\.fpn_lateral(\d)\.{_NORM}", "backbone.fpn.inner_blocks.{}.1.{}", 2),
    Rule(rf"backbone\.fpn_output(\d)\.{_LEAF}", "backbone.fpn.layer_blocks.{}.0.{}", 2),
    Rule(rf"backbone\.fpn_output(\d)\.{_NORM}", "backbone.fpn.layer_blocks.{}.1.{}", 2),
    Rule(rf"proposal_generator\.rpn_head\.conv\.{_LEAF}", "rpn.head.conv.0.0.{}"),
    Rule(rf"proposal_generator\.rpn_head\.conv\.conv(\d+)\.{_LEAF}", "rpn.head.conv.{}.0.{}"),
    Rule(rf"proposal_generator\.rpn_head\.objectness_logits\.{_LEAF}", "rpn.head.cls_logits.{}"),
    Rule(rf"proposal_generator\.rpn_head\.anchor_deltas\.{_LEAF}", "rpn.head.bbox_pred.{}"),
    Rule(rf"{_HEADS}\.box_head\.conv(\d+)\.{_LEAF}", "roi_heads.box_head.{}.0.{}", 1),
    Rule(rf"{_HEADS}\.box_head\.conv(\d+)\.{_NORM}", "roi_heads.box_head.{}.1.{}", 1),
    Rule(rf"{_HEADS}\.box_head\.fc(\d+)\.{_LEAF}", "roi_heads.box_head.fc.{}.{}", 1),
    Rule(
        rf"{_HEADS}\.box_predictor\.(cls_score|bbox_pred)\.{_LEAF}",
        "roi_heads.box_predictor.{}.{}",
    ),
    Rule(rf"{_HEADS}\.mask_head\.mask_fcn(\d+)\.{_LEAF}", "roi_heads.mask_head.{}.0.{}", 1),
    Rule(rf"{_HEADS}\.mask_head\.mask_fcn(\d+)\.{_NORM}", "roi_heads.mask_head.{}.1.{}", 1),
    Rule(rf"{_HEADS}\.mask_head\.deconv\.{_LEAF}", "roi_heads.mask_predictor.conv5_mask.{}"),
    Rule(
        rf"{_HEADS}\.mask_head\.predictor\.{_LEAF}", "roi_heads.mask_predictor.mask_fcn_logits.{}"
    ),
)
LEFT_OUT = (
    r"roi_heads\.keypoint_|sem_seg_head\.|pixel_(mean|std)$|.*\.num_batches_tracked$"
    r"|.*\.cell_anchors\.|.*anchor_generator\."
)


def read(tensors: Mapping[str, Tensor], source: str) -> Whole:
    """The detector in a state dict that has `KEYS`.

    Raises:
        ValueError: batch norms that were trained: in its zoo such models see BGR or RGB, and the
            file does not say which.
    """
    if any(re.match(rf"{_UP}\..*num_batches_tracked$", name) for name in tensors):
        raise ValueError(
            f"weights {source!r}: a detector of {PROGRAM} with trained BatchNorm, whose file does"
            " not say whether it sees RGB or BGR; give one with GroupNorm or frozen BatchNorm"
        )
    ours = renamed(tensors, RULES, LEFT_OUT, source, PROGRAM)
    bgr_to_rgb(ours, source)
    batch = any(name.endswith("running_var") for name in ours)
    middle = ours.get(f"{BODY}layer1.0.conv2.weight")
    resnext = middle is not None and middle.shape[1] < middle.shape[0]
    fields = {"stride_1x1": (batch and not resnext,), "aspect_ratios": (RATIOS,)}
    return Whole(
        source=source,
        program=PROGRAM,
        tensors=ours,
        classes=categories.by_number(len(ours[f"{SCORE}.weight"]) - 1),
        background="last",
        pixels=Pixels(MEAN, RESNEXT_STD if resnext else (1.0, 1.0, 1.0)),
        fields=fields if batch else fields | {"norm_groups": (GROUPS,)},
    )
