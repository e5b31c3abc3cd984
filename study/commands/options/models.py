"""The options that choose a model: its backbone, and the sizes of the detector around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import tyro

from study.commands.common import unset
from study.config import DETECTORS, ModelConfig
from study.config.model import WHOLE, Size
from study.models import backbones

NAMES = ", ".join(backbones.names())

BackboneName = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="NAME",
        help=f"The backbone, with its usual norm and pixels: {NAMES}. The detector around it"
        " stays; anchors are laid anew if its pyramid has another number of levels.",
        help_behavior_hint="",
    ),
]
DetectorSize = Annotated[Size | None, unset(f"{{{','.join(DETECTORS)}}}")]


def chosen(base: ModelConfig, backbone: str | None, detector: Size | None) -> ModelConfig:
    """The model with another backbone, another detector, or both; None: as it is.

    A detector that is published as a whole brings its body; another backbone in it gets the norm
    of that body, if it can have it.

    Raises:
        ValueError: no such backbone; lists those there are.
    """
    model, whole = base, detector in WHOLE
    if detector is not None:
        model = replace(DETECTORS[detector], body=DETECTORS[detector].body if whole else base.body)
    if backbone is not None:
        found = backbones.find(backbone, "model")
        norm = model.body.norm if whole and model.body.norm in found.norms else found.body.norm
        model = replace(model, body=replace(found.body, norm=norm))
    return backbones.leveled(model) if backbone or detector else model
