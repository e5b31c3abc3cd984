"""mmdetection's checkpoints, from version 2 on: the background's score is the last.

How images are normalised, where bottlenecks have their stride, the shapes of anchors, the groups
of norms and the kind of convolutions stand in the text of the configuration that its `meta` holds.
It is searched for these words, and never run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from study.config.body import IMAGENET_MEAN, IMAGENET_STD
from study.models.backbones import Pixels
from study.models.weights.whole import categories
from study.models.weights.whole.checkpoint import BODY, SCORE, Rule, Whole, bgr_to_rgb, renamed

KEYS = ("rpn_head.rpn_cls.weight", "roi_head.bbox_head.fc_cls.weight")
CASCADE = "roi_head.bbox_head.0.fc_cls.weight"
FIRST_VERSION = "bbox_head.fc_cls.weight"
PROGRAM = "mmdetection"
RATIOS = (0.5, 1.0, 2.0)
GROUPS = 32
CONVOLUTIONS = re.compile(r"\bconv_cfg\s*=\s*dict\(\s*type\s*=\s*['\"]([\w.]+)")
PLAIN = frozenset(("Conv", "Conv2d"))
"""Not ConvWS, whose weights are standardised before each use."""
_LEAF = r"(weight|bias)"
_NORM = r"[bg]n\.(\w+)"
_BOX, _MASK = r"roi_head\.bbox_head", r"roi_head\.mask_head"
RULES = (
    Rule(r"backbone\.conv1\.weight", f"{BODY}conv1.weight"),
    Rule(r"backbone\.[bg]n1\.(\w+)", BODY + "bn1.{}"),
    Rule(r"backbone\.layer(\d)\.(\d+)\.conv(\d)\.weight", BODY + "layer{}.{}.conv{}.weight"),
    Rule(r"backbone\.layer(\d)\.(\d+)\.[bg]n(\d)\.(\w+)", BODY + "layer{}.{}.bn{}.{}"),
    Rule(r"backbone\.(layer\d\.\d+\.downsample\.\d\.\w+)", BODY + "{}"),
    Rule(rf"neck\.lateral_convs\.(\d)\.conv\.{_LEAF}", "backbone.fpn.inner_blocks.{}.0.{}"),
    Rule(rf"neck\.lateral_convs\.(\d)\.{_NORM}", "backbone.fpn.inner_blocks.{}.1.{}"),
    Rule(rf"neck\.fpn_convs\.(\d)\.conv\.{_LEAF}", "backbone.fpn.layer_blocks.{}.0.{}"),
    Rule(rf"neck\.fpn_convs\.(\d)\.{_NORM}", "backbone.fpn.layer_blocks.{}.1.{}"),
    Rule(rf"rpn_head\.rpn_conv\.{_LEAF}", "rpn.head.conv.0.0.{}"),
    Rule(rf"rpn_head\.rpn_conv\.(\d)\.conv\.{_LEAF}", "rpn.head.conv.{}.0.{}"),
    Rule(rf"rpn_head\.rpn_cls\.{_LEAF}", "rpn.head.cls_logits.{}"),
    Rule(rf"rpn_head\.rpn_reg\.{_LEAF}", "rpn.head.bbox_pred.{}"),
    Rule(rf"{_BOX}\.shared_convs\.(\d)\.conv\.{_LEAF}", "roi_heads.box_head.{}.0.{}"),
    Rule(rf"{_BOX}\.shared_convs\.(\d)\.{_NORM}", "roi_heads.box_head.{}.1.{}"),
    Rule(rf"{_BOX}\.shared_fcs\.(\d)\.{_LEAF}", "roi_heads.box_head.fc.{}.{}"),
    Rule(rf"{_BOX}\.fc_cls\.{_LEAF}", "roi_heads.box_predictor.cls_score.{}"),
    Rule(rf"{_BOX}\.fc_reg\.{_LEAF}", "roi_heads.box_predictor.bbox_pred.{}"),
    Rule(rf"{_MASK}\.convs\.(\d)\.conv\.{_LEAF}", "roi_heads.mask_head.{}.0.{}"),
    Rule(rf"{_MASK}\.convs\.(\d)\.{_NORM}", "roi_heads.mask_head.{}.1.{}"),
    Rule(rf"{_MASK}\.upsample\.{_LEAF}", "roi_heads.mask_predictor.conv5_mask.{}"),
    Rule(rf"{_MASK}\.conv_logits\.{_LEAF}", "roi_heads.mask_predictor.mask_fcn_logits.{}"),
)
LEFT_OUT = r"roi_head\.semantic_head\.|.*\.num_batches_tracked$"


def read(tensors: Mapping[str, Tensor], meta: Mapping[str, Any], source: str) -> Whole:
    """The detector in a state dict that has `KEYS`, and what is said of it."""
    ours = renamed(tensors, RULES, LEFT_OUT, source, PROGRAM)
    text = str(meta.get("config") or meta.get("cfg") or "")
    if odd := sorted(set(CONVOLUTIONS.findall(text)) - PLAIN):
        raise ValueError(
            f"weights {source!r}: a detector of {PROGRAM} whose convolutions are {odd[0]}, which"
            " compute otherwise with the same tensors; give one with plain convolutions"
        )
    pixels, is_rgb = _pixels(text)
    if not is_rgb:
        bgr_to_rgb(ours, source)
    caffe = re.search(r"style\s*=\s*['\"]caffe['\"]", text) is not None
    ratios = _numbers("ratios", text) or RATIOS
    fields: dict[str, tuple[Any, ...]] = {"stride_1x1": (caffe,), "aspect_ratios": (ratios,)}
    if not any(name.endswith("running_var") for name in ours):
        groups = re.search(r"\bnum_groups\s*=\s*(\d+)", text)
        fields["norm_groups"] = (int(groups[1]) if groups else GROUPS,)
    return Whole(
        source=source,
        program=PROGRAM,
        tensors=ours,
        classes=_classes(meta, len(ours[f"{SCORE}.weight"]) - 1),
        background="last",
        pixels=pixels,
        fields=fields,
    )


def _classes(meta: Mapping[str, Any], count: int) -> tuple[str, ...] | None:
    told = meta.get("CLASSES")
    if told is None:
        later = meta.get("dataset_meta")
        told = later.get("classes", later.get("CLASSES")) if isinstance(later, Mapping) else None
    if told is None:
        return categories.by_number(count)
    names = (told,) if isinstance(told, str) else tuple(map(str, told))
    return names if len(names) == count else None


def _pixels(text: str) -> tuple[Pixels, bool]:
    """What the body expects, as RGB, and whether its channels are in that order."""
    order = re.search(r"\b(?:bgr_)?to_rgb\s*=\s*(True|False)", text)
    is_rgb = order is None or order[1] == "True"
    mean, std = (_three(name, text) for name in ("mean", "std"))
    if mean is None or std is None:
        return Pixels(IMAGENET_MEAN, IMAGENET_STD), is_rgb
    if not is_rgb:
        mean, std = (mean[2], mean[1], mean[0]), (std[2], std[1], std[0])
    return Pixels(mean, std), is_rgb


def _three(name: str, text: str) -> tuple[float, float, float] | None:
    """The three numbers that are assigned to a name in the text."""
    found = _numbers(name, text)
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def _numbers(name: str, text: str) -> tuple[float, ...]:
    """Those in the first list that is assigned to a name in the text; () where there is none."""
    found = re.search(rf"\b{name}\s*=\s*[\[(]([\s\d.,]+)[\])]", text)
    return tuple(map(float, re.findall(r"\d+\.?\d*", found[1]))) if found else ()
