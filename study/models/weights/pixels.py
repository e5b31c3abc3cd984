"""The normalisation of pixels that weights were made for.

Published weights expect their own mean and standard deviation. With another one in the model they
would be fed inputs sixty times too large or small, and an arm would be judged by that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from study.config import BodyConfig
from study.models import backbones

NEAR = 1.0  # difference of means, of 0 to 255, that changes nothing worth speaking of


def fitted(
    weights: dict[str, Tensor], pixels: backbones.Pixels, body: BodyConfig
) -> dict[str, Tensor]:
    """Weights that do to the body's pixels what `weights` do to theirs.

    Only the first convolution [C, 3, k, k] changes: it is multiplied by the ratio of the standard
    deviations, per input channel.

    Raises:
        ValueError: the means differ, which no weights could make good at the image's border.
    """
    if max(abs(a - b) for a, b in zip(pixels.mean, body.pixel_mean, strict=True)) > NEAR:
        raise ValueError(
            f"model.body.pixel_mean = {body.pixel_mean}: the weights were made for {pixels.mean};"
            f" give each within {NEAR:g} of that"
        )
    if body.pixel_std == pixels.std:
        return weights
    first = backbones.find(body.name).first
    shape = tuple(weights[first].shape) if first in weights else None
    if shape is None or len(shape) != 4 or shape[1] != 3:
        raise ValueError(
            f"weights: the first convolution of {body.name!r}, {first}, has the shape"
            f" {shape}, must be (channels, 3, height, width); give weights of this network"
        )
    ratio = torch.tensor(body.pixel_std) / torch.tensor(pixels.std)
    return weights | {first: weights[first] * ratio[:, None, None]}
