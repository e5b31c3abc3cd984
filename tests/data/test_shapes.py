"""The generated images at the ends of what may be asked for."""

from __future__ import annotations

import numpy as np
import pytest

from study.data.shapes.canvas import Canvas
from study.data.shapes.outlines import SHAPES
from study.data.shapes.scenes import ShapesConfig, scenes


@pytest.mark.parametrize(
    "config",
    [
        ShapesConfig(height=16, width=16, radius=(6, 6), classes=144),
        ShapesConfig(height=16, width=256, aspect=(16, 16), radius=(6, 6)),
        ShapesConfig(height=32, width=32, radius=(48, 48), classes=144, max_objects=100),
        ShapesConfig(height=24, width=24, noise=1.0, contrast=1.0, max_objects=1),
    ],
)
def test_whatever_may_be_asked_for_is_drawn(config: ShapesConfig):
    drawn = [*scenes(config, count=20, seed=0)]
    assert len(drawn) == 20
    for scene in drawn:
        assert scene.objects and all(one.mask.any() for one in scene.objects)
        assert max(scene.image.shape[:2]) <= 256


def test_a_shape_between_the_middles_of_pixels_is_nowhere():
    canvas = Canvas(8, 8, 1.0, np.random.default_rng(0))
    for shape in range(len(SHAPES)):
        mask, keypoints = canvas.put(shape, 0, 4.0, 4.0, (1e-3, 1e-3), 0.1)
        assert not mask.any() and not keypoints.any()
