"""Backbones: all about each in the file of its family, found by its name here.

To import this takes no torch: see `study.models.backbones.backbone`.
"""

from __future__ import annotations

from dataclasses import replace

from study.config import BodyConfig, ModelConfig
from study.config.checks.meant import hint
from study.config.checks.require import require as must
from study.config.printable import brief
from study.models.backbones import resnet, thin, timm_models, vgg
from study.models.backbones.backbone import Backbone, Maps, Packaged, Pixels, Published
from study.models.backbones.described import PREFIX

__all__ = [
    "PREFIX",
    "Backbone",
    "Maps",
    "Packaged",
    "Pixels",
    "Published",
    "all",
    "anchors",
    "find",
    "leveled",
    "names",
    "require",
    "require_body",
]

FAMILIES = (thin, timm_models, resnet, vgg)


def all() -> tuple[Backbone, ...]:
    """Every backbone with a name of its own; `timm/NAME` are others."""
    return tuple(backbone for family in FAMILIES for backbone in family.BACKBONES)


def names() -> list[str]:
    """What they are called."""
    return [backbone.name for backbone in all()]


def find(name: str, field: str = "model.body.name") -> Backbone:
    """The backbone of that name; `field` is where it was given.

    Raises:
        ValueError: there is none; lists those there are.
    """
    if name.startswith(PREFIX):
        return timm_models.entry(name)
    found = {backbone.name: backbone for backbone in all()}
    if name not in found:
        known = f"one of {', '.join(found)}, or {PREFIX}NAME"
        raise ValueError(f"{field} = {brief(name)}: {hint(name, found)}{known}")
    return found[name]


def require_body(body: BodyConfig) -> None:
    """Refuse what the backbone cannot be.

    Raises:
        ValueError: no such backbone, or a field that does not suit it; names the field.
    """
    backbone = find(body.name)
    rule = f"{body.name} can have {', '.join(backbone.norms)}"
    must(body.norm in backbone.norms, "model.body.norm", body.norm, rule)
    moved = [other.name for other in all() if other.stride_1x1]
    movable = backbone.stride_1x1 or not body.stride_1x1
    must(movable, "model.body.stride_1x1", body.stride_1x1, f"only for {' and '.join(moved)}")
    frozen, stages = body.frozen_stages, len(backbone.stages)
    rule = f"{body.name} has {stages} stages, the stem counted"
    must(frozen <= stages, "model.body.frozen_stages", frozen, rule)


def require(model: ModelConfig) -> None:
    """Refuse a model that its backbone does not suit.

    Raises:
        ValueError: as `require_body`; or a pyramid that is missing, or anchors for another one.
    """
    require_body(model.body)
    backbone = find(model.body.name)
    alone = [other.name for other in all() if other.single]
    rule = f"only {' and '.join(alone)} can go without a pyramid"
    must(model.pyramid or backbone.single is not None, "model.pyramid", model.pyramid, rule)
    levels = anchors(model)
    rule = f"one size for each of the {levels} levels of {backbone.name}'s pyramid"
    must(len(model.anchor_px) == levels, "model.anchor_px", model.anchor_px, rule)


def leveled(model: ModelConfig) -> ModelConfig:
    """The model with an anchor for each level of its backbone's pyramid.

    Where their number is another one, anchors are laid anew, evenly in the logarithm over the same
    span, to a tenth of a pixel.
    """
    levels = anchors(model)
    if len(model.anchor_px) == levels:
        return model
    low, high = min(model.anchor_px), max(model.anchor_px)
    between = [round(low * (high / low) ** (k / (levels - 1)), 1) for k in range(1, levels - 1)]
    return replace(model, anchor_px=(low, *between, high))


def anchors(model: ModelConfig) -> int:
    """How many sizes of anchors the model has: one for each level of a pyramid; a single map has
    as many as are given.
    """
    if not model.pyramid:
        return len(model.anchor_px)
    return len(find(model.body.name).maps(model).anchored)
