"""Photos are shown as their boxes see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.detections.pictures import as_annotated


@pytest.mark.parametrize(
    ("orientation", "stated", "corner"),
    [
        (1, {"width": 40, "height": 20}, (0, 0)),
        (6, {"width": 20, "height": 40}, (19, 0)),  # annotated upright
        (6, {"width": 40, "height": 20}, (0, 0)),  # annotated as it is stored
        (3, {"width": 40, "height": 20, "upright": True}, (39, 19)),
        (3, {"width": 40, "height": 20}, (0, 0)),
    ],
)
def test_boxes_and_pixels_are_turned_alike(
    orientation: int, stated: dict[str, Any], corner: tuple[int, int], tmp_path: Path
):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:4, :4] = 255  # marks the corner at the top left of what is stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    seen = as_annotated(tmp_path, {"file_name": "photo.png"} | stated)
    assert seen.size == (stated["width"], stated["height"])
    assert seen.getpixel(corner) == (255, 255, 255)
