"""How large an image is for the network: the one place that says so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from study.config import ModelConfig


def scale(
    height: ArrayLike, width: ArrayLike, model: ModelConfig, short_px: int | None = None
) -> np.ndarray:
    """float64: by how much images of these sizes in px are enlarged, before rounding.

    The shorter side becomes `short_px`, unless the longer one then exceeds the model's `long_px`,
    which it becomes instead.

    Args:
        short_px: another than the model's.
    """
    short = model.short_px if short_px is None else short_px
    return np.minimum(short / np.minimum(height, width), model.long_px / np.maximum(height, width))


def resized(
    height: ArrayLike, width: ArrayLike, model: ModelConfig, short_px: int | None = None
) -> np.ndarray:
    """int64 [..., 2]: height and width in px of the network's input, each at least 1."""
    sides = np.stack([np.asarray(height), np.asarray(width)], axis=-1)
    factor = scale(height, width, model, short_px)
    return np.maximum(1, np.round(sides * factor[..., None])).astype(np.int64)
