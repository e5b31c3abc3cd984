"""The normalisation of pixels that weights were made for.

Published weights expect their own mean and standard deviation. With another one in the model they
would be fed inputs sixty times too large or small, and an arm would be judged by that.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from study.config import ModelConfig

NEAR = 1.0  # difference of means, of 0 to 255, that changes nothing worth speaking of


@dataclass(frozen=True)
class Pixels:
    """Subtracted from and divided by, per channel in the order RGB, of values from 0 to 255."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def fitted(
        self, weights: dict[str, Tensor], first: str, model: ModelConfig
    ) -> dict[str, Tensor]:
        """Weights that do to the model's pixels what `weights` do to these.

        Only the first convolution [C, 3, k, k] changes: it is multiplied by the ratio of the
        standard deviations, per input channel.

        Raises:
            ValueError: the means differ, which no weights could make good at the image's border.
        """
        if max(abs(a - b) for a, b in zip(self.mean, model.body.pixel_mean, strict=True)) > NEAR:
            raise ValueError(
                f"model.body.pixel_mean = {model.body.pixel_mean}: the weights were made for"
                f" {self.mean}; give each within {NEAR:g} of that"
            )
        if model.body.pixel_std == self.std:
            return weights
        ratio = torch.tensor(model.body.pixel_std) / torch.tensor(self.std)
        return weights | {first: weights[first] * ratio[:, None, None]}
