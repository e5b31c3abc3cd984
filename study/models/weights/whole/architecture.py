"""Whether a model is that of a whole detector's weights, field by field of its configuration."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.config import DETECTORS, ModelConfig
from study.models.weights.whole.checkpoint import (
    BODY,
    BOX,
    DELTAS,
    FPN,
    LOGITS,
    MASK,
    SCORE,
    Whole,
)

if TYPE_CHECKING:
    from torch import Tensor

Fields = Mapping[str, tuple[Any, ...]]
"""Values that fields of a model or its body may have; the first is the one proposed."""

SHAPES = (
    *("pyramid", "fpn_channels", "head_norm", "class_agnostic", "cascade", "aspect_ratios"),
    *("rpn_convs", "box_pool", "box_convs", "box_fc", "box_fc_layers", "mask_convs"),
)
"""Fields of a model with boxes and masks on which the tensors, or what they mean, depend."""
IN_BODY = ("name", "norm", "norm_groups", "stride_1x1")
BATCH = ("sync_batch", "frozen_batch")


def of(whole: Whole) -> Fields:
    """The fields that the weights need, by their shapes and by what is known of their program."""
    return _of_tensors(whole.tensors, whole.foreground) | dict(whole.fields)


def problems(fields: Fields, model: ModelConfig) -> list[str]:
    """The fields of the model that have other values, each with the values that would fit."""
    found = []
    for name, allowed in fields.items():
        value = getattr(model.body if name in IN_BODY else model, name)
        if name == "head_norm" and allowed == ("none",) and _bare(model):
            continue  # its heads have no norm whatever the field says
        if name == "class_agnostic":
            value = model.agnostic
        if name.startswith("mask") and not model.masks:
            continue
        if name.startswith("keypoint") and not model.keypoints:
            continue
        if value not in allowed:
            label = f"model.{'body.' if name in IN_BODY else ''}{name}"
            values = " or ".join(repr(one) for one in allowed)
            found.append(f"{label} = {value!r}, must be {values}")
    return found


def require(fields: Fields, model: ModelConfig, what: str) -> None:
    """Refuse a model that such weights are not of; `what` they are, for the message.

    Raises:
        ValueError: lists all fields that do not fit, and how they would.
    """
    found = problems(fields, model)
    if not found:
        return
    bodies = {name: other.but(body=model.body) for name, other in DETECTORS.items()}
    options = [f"--detector {name}" for name, own in bodies.items() if not problems(fields, own)]
    if not options:
        options = [
            f"--model {own.body.name} --detector {name}"
            for name, own in DETECTORS.items()
            if not problems(fields, own)
        ]
    changes = {
        name: allowed[0] for name, allowed in fields.items() if problems({name: allowed}, model)
    }
    wanted = ", ".join(f"{name}={value!r}" for name, value in changes.items())
    options.append(f"model.but({wanted}) in the search space")
    raise ValueError(f"{what} fit another model: {'; '.join(found)}: use {' or '.join(options)}")


def _bare(model: ModelConfig) -> bool:
    return model.body.norm in ("frozen_batch", "none")


def _of_tensors(tensors: Mapping[str, Tensor], foreground: int) -> dict[str, tuple[Any, ...]]:
    """What the shapes tell of a detector with a pyramid."""
    found: dict[str, tuple[Any, ...]] = {}
    lateral = tensors.get(f"{FPN}inner_blocks.0.0.weight")
    if lateral is None:
        return {"pyramid": (False,)}
    found |= {"pyramid": (True,), "fpn_channels": (len(lateral),)}
    normed = f"{FPN}inner_blocks.0.1.weight" in tensors
    found["head_norm"] = ("body",) if normed else ("none",)
    if any(re.match(rf"{BODY}.*running_mean$", name) for name in tensors):
        found["norm"] = BATCH[:1] if normed else BATCH
    elif any(
        name.startswith(BODY) and name.endswith(".weight") and own.dim() == 1
        for name, own in tensors.items()
    ):
        found["norm"] = ("group",)
    else:
        found["norm"] = ("none",)
        del found["head_norm"]
    found["rpn_convs"] = (_count(tensors, r"rpn\.head\.conv\.\d+\.0\.weight"),)
    convs = _count(tensors, re.escape(BOX) + r"\d+\.0\.weight")
    fully = [
        own
        for name, own in tensors.items()
        if name.startswith(BOX) and name.endswith(".weight") and own.dim() == 2
    ]
    found |= {"box_convs": (convs,), "box_fc_layers": (len(fully),)}
    if fully:
        bins = max(own.shape[1] for own in fully) // len(lateral)
        found |= {"box_fc": (len(fully[0]),), "box_pool": (math.isqrt(bins),)}
    if f"{LOGITS}.weight" in tensors:
        found["mask_convs"] = (_count(tensors, re.escape(MASK) + r"\d+\.0\.weight"),)
    deltas = tensors[f"{DELTAS}.weight"]
    if foreground > 1 or len(deltas) > 4:
        found["class_agnostic"] = (len(deltas) == 4,)
    assert f"{SCORE}.weight" in tensors
    return found


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in tensors)
