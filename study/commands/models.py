"""The options that choose a model: its backbone, and the sizes of the detector around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import tyro

from study.commands.common import unset
from study.config import DETECTORS, ModelConfig
from study.config.model import Size
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

    Raises:
        ValueError: no such backbone; lists those there are.
    """
    model = replace(DETECTORS[detector], body=base.body) if detector else base
    if backbone is not None:
        model = replace(model, body=backbones.find(backbone, "model").body)
    return backbones.leveled(model) if backbone or detector else model
