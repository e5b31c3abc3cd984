"""Which weights there are for a backbone, said without reading any: before torch is imported."""

from __future__ import annotations

from pathlib import Path

from study.config import BodyConfig, RunConfig
from study.config.arms import is_hub, is_url
from study.config.checks.addresses import require_address
from study.models import backbones
from study.models.backbones import Pixels, Published
from study.models.weights import look
from study.models.weights.whole import coco

KINDS = {
    "group": "GroupNorm",
    "sync_batch": "BatchNorm",
    "frozen_batch": "BatchNorm",
    "none": "no norm",
    "own": "its own norm",
}
"""What weights for a norm were trained with."""


def require(run: RunConfig) -> None:
    """Refuse initial weights that cannot be the run's.

    Raises:
        ValueError: weights that are not there or were never made for such a model; or something
            is frozen and nothing is loaded.
    """
    body = run.model.body
    if run.init == coco.NAME:
        coco.require(run.model)
    elif run.init is not None:
        require_weights(run.init, body)
    elif body.freezes and not run.frozen_random:
        raise ValueError(
            f"arm {run.arm!r}: its weights are random, and the model freezes some of them"
            f" (model.body.frozen_stages = {body.frozen_stages}, model.body.norm ="
            f" {body.norm!r}): give weights as the arm, or a model that freezes none"
        )


def require_weights(source: str, body: BodyConfig) -> None:
    """Refuse weights that are not there, or were never made for such a backbone.

    `source` is "pretext", "imagenet", timm/MODEL.TAG, a file or a URL, which is not opened.

    Raises:
        ValueError: says which weights there are.
    """
    if source == "pretext":
        _require_shipped(body)
    elif source == "imagenet":
        published(body)
    elif is_hub(source):
        published_as(source, body)
    elif is_url(source):
        require_address(source)
    elif not Path(source).expanduser().is_file():
        raise ValueError(
            f"weights {source!r}: no such file (an arm is scratch, pretext, imagenet, coco, a file"
            " or a URL)"
        )
    else:
        look.require_file(Path(source).expanduser())


def published(body: BodyConfig) -> Published:
    """The ImageNet weights for this backbone and norm; nothing is downloaded.

    Raises:
        ValueError: there are none.
    """
    found = _of_norm(backbones.find(body.name), body)
    if found is None and body.name.startswith(backbones.PREFIX):
        raise ValueError(
            f"arm 'imagenet': the weights of {body.name!r} were not trained on ImageNet, or there"
            " are none; give another tag of the model, or NAME=timm/MODEL.TAG as the arm"
        )
    if found is None:
        others = [other.name for other in backbones.all() if _of_norm(other, body)]
        raise ValueError(
            f"arm 'imagenet': there are no ImageNet weights with {KINDS[body.norm]} for"
            f" {body.name!r}, only for {', '.join(others)} (model.body.norm = {body.norm!r}); give"
            " a weights file as the arm, or another model"
        )
    if body.stride_1x1:
        raise ValueError(
            "arm 'imagenet': these weights were trained with the stride in the 3 × 3 convolution;"
            " leave model.body.stride_1x1 off"
        )
    if found.norm_groups not in (None, body.norm_groups):
        raise ValueError(
            f"model.body.norm_groups = {body.norm_groups}: the ImageNet weights with GroupNorm"
            f" were trained with {found.norm_groups}"
        )
    return found


def published_as(source: str, body: BodyConfig) -> Published:
    """The weights timm/MODEL.TAG for this backbone; nothing is downloaded.

    Raises:
        ValueError: there are none, or they are another backbone's.
    """
    theirs = backbones.find(source, f"weights {source!r}")
    own = backbones.find(body.name)
    names = own.names and theirs.names and set(own.names()) == set(theirs.names())
    if not names or (own.channels, own.outputs) != (theirs.channels, theirs.outputs):
        raise ValueError(
            f"weights {source!r}: they are another network's than {body.name!r}; give weights of"
            f" the same model, or --model {source}"
        )
    tag = theirs.name.removeprefix(backbones.PREFIX)
    if "." not in tag:
        raise ValueError(f"weights {source!r}: none are published of this model")
    pixels = Pixels(theirs.body.pixel_mean, theirs.body.pixel_std)
    return Published(by="timm", name=tag, norms=theirs.norms, pixels=pixels)


def _of_norm(backbone: backbones.Backbone, body: BodyConfig) -> Published | None:
    return next((own for own in backbone.published if body.norm in own.norms), None)


def _require_shipped(body: BodyConfig) -> None:
    shipped = backbones.find(body.name).shipped
    if shipped is None or not shipped.fit(body):
        found = {other.name: other.shipped for other in backbones.all() if other.shipped}
        there = [
            f"{name!r} with {KINDS[own.norm]} of {own.norm_groups} groups"
            for name, own in found.items()
        ]
        raise ValueError(
            f"arm 'pretext' has weights for the backbone {', '.join(there)} only, not for"
            f" {body.name!r} with model.body.norm = {body.norm!r} of {body.norm_groups} groups:"
            f" use --model {' or '.join(found)}, or another arm"
        )
