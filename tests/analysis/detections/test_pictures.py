"""Photos are shown as their boxes see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.detections.photos import as_annotated, missing
from analysis.detections.stored import Stored
from study.data.pixels import Unusable


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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with an image, a private one beside it, and links to it."""
    (folder := tmp_path / "images").mkdir()
    (tmp_path / "private").mkdir()
    for file in (folder / "a.png", tmp_path / "private" / "b.png"):
        Image.new("RGB", (4, 3)).save(file)
    (folder / "linked").symlink_to(tmp_path / "private")
    return folder


@pytest.mark.parametrize(
    "name", ["{private}/b.png", "../private/b.png", "linked/b.png", "x/../../private/b.png"]
)
def test_no_image_from_outside_the_folder_gets_into_the_page(name: str, photos: Path):
    named = name.format(private=photos.parent / "private")
    there = Stored("run", {"images": [{"file_name": "a.png"}]}, photos, ())
    assert not missing(there)
    there.truth["images"].append({"file_name": named})
    why = missing(there)
    assert "run/report_split.json.gz: 1 of its 2 names of images leads out of" in why
    assert named[:20] in why


def test_a_name_that_no_file_can_have_is_an_image_that_is_missing(photos: Path):
    there = Stored("run", {"images": [{"file_name": "x" * 999}]}, photos, ())
    assert missing(there).startswith("1 of 1 evaluation images are not in")


def test_an_image_of_another_size_is_not_the_one_that_was_scored(photos: Path):
    assert as_annotated(photos, {"file_name": "a.png", "width": 4, "height": 3}).size == (4, 3)
    with pytest.raises(Unusable, match=r"a\.png: is 4 x 3 px, .* scored 5 x 3"):
        as_annotated(photos, {"file_name": "a.png", "width": 5, "height": 3})
