"""LabelMe's files: which image each is of, masks, and images that have none."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.commands import own_data
from study.config import DataConfig
from study.data.checks import problems
from study.data.formats import format_of
from study.data.index import Index
from study.data.splits import open_splits
from tests.data.formats.exports import labelme, pictures

SIZE = (60, 40)


def shape(kind: str, points: list[Any], **more: Any) -> dict[str, Any]:
    return {"label": "cat", "shape_type": kind, "points": points, "group_id": None} | more


def png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


BOX = shape("rectangle", [[5, 5], [30, 25]])
FULL = png(np.ones((4, 3), bool))


def write(folder: Path, number: int = 12, **first: Any) -> DataConfig:
    """So many images, each with a file of one box; what the first one's file says besides."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for at in range(number):
        pixels = rng.integers(0, 256, (*SIZE[::-1], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{at}.png")
        told = {"shapes": [BOX], "imagePath": f"{at}.png"} | (first if at == 0 else {})
        (folder / f"{at}.json").write_text(json.dumps(told))
    return DataConfig(name="custom", folder=str(folder))


def rows(config: DataConfig) -> tuple[Index, range]:
    """The objects of the first image."""
    index = open_splits(config).train
    at = index.file_name.tolist().index("0.png")
    return index, index.rows(int(index.image_id[at]))


def test_masks_and_outlines_of_a_group_are_one_object(tmp_path: Path):
    square = [[20, 10], [30, 10], [30, 20], [20, 20]]
    shapes = [
        shape("mask", [[4, 6], [6, 9]], mask=FULL, group_id=1),
        shape("polygon", square, group_id=1),
        shape("mask", [[58, 38], [60, 41]], mask=FULL),  # two columns and lines of it are inside
        shape("rectangle", [[1, 1], [3, 3]], group_id=1, label="dog"),
    ]
    config = write(tmp_path / "d", shapes=shapes)
    assert not problems(config)
    index, own = rows(config)
    assert index.bbox[own].tolist() == [[4, 6, 26, 14], [58, 38, 2, 2], [1, 1, 2, 2]]
    assert index.area[own].tolist() == [12 + 100, 4, 4]
    joined, cut = index.masks(list(own)[:2]) > 0
    expected = np.zeros((40, 60), bool)
    expected[6:10, 4:7] = expected[10:20, 20:30] = True
    np.testing.assert_array_equal(joined, expected)
    assert cut[38:, 58:].all() and cut.sum() == 4
    assert not index.has_mask(own[2])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (shape("mask", [[1, 2], [3, 4]]), "mask: must be there, a PNG in base64"),
        (shape("mask", [[1, 2]], mask="no PNG"), "mask: cannot be read as a PNG in base64: "),
        (shape("mask", [[1, 2]], mask=7), "mask: cannot be read as a PNG in base64: "),
        (shape("mask", [], mask=FULL), "points: a mask has 1 or more, and this 0"),
        (shape("mask", [[70, 2]], mask=FULL), "mask: must have a pixel above 0 in its image"),
        (shape("mask", [[1, 50]], mask=FULL), "mask: must have a pixel above 0 in its image"),
        (shape("linestrip", [[1, 2], [3, 4]]), "shape_type = 'linestrip': must be one of polygon"),
        (shape("points", [[1, 2], [3, 4]]), "shape_type = 'points': must be one of polygon"),
        (BOX | {"label": ["a"]}, "label = ['a']: must be a text"),
    ],
)
def test_what_is_no_object_is_refused_by_name_or_left_out(
    wrong: dict[str, Any], said: str, tmp_path: Path
):
    config = write(tmp_path / "d", shapes=[BOX, wrong])
    (line,) = problems(config)
    assert f"0.json: shapes[1]: {said}" in line
    leaving = replace(config, skip_bad=True)
    assert not problems(leaving)
    splits = open_splits(leaving)
    assert splits.left_out == (line,)
    assert len(splits.train.bbox) == 12


def test_images_without_a_file_have_no_object_and_are_counted(tmp_path: Path):
    config = write(tmp_path / "d", shapes=[])
    for at in (3, 7):
        (tmp_path / "d" / f"{at}.json").unlink()
    (tmp_path / "d" / "._4.json").write_bytes(b"\0\5\26")  # of a Mac
    assert not problems(config)
    splits = open_splits(config)
    assert len(splits.train.image_id) == 12 and len(splits.train.bbox) == 9
    found = own_data.found(config, splits)[0]
    assert "LabelMe: 12 images (3 without an object), 9 objects of 1 class (cat)" in found


def test_a_file_of_another_name_is_of_the_image_that_it_names(tmp_path: Path):
    """Where names differ, `imagePath` counts: its last part, however the path is written."""
    config = write(tmp_path / "d", imagePath="C:\\my pics\\0.PNG", shapes=[BOX, BOX])
    folder = tmp_path / "d"
    (folder / "0.json").rename(folder / "a.json")
    Image.new("RGB", (8, 8), "red").save(folder / "1.jpg")  # 1.json says 1.png
    assert not problems(config)
    index, own = rows(config)
    assert len(own) == 2 and len(index.image_id) == 13


@pytest.mark.parametrize(
    "path", ["..\\my pics\\0.png", "C:\\x\\0.PNG", "/x/0.jpg", "elsewhere.png", "", None, 7]
)
def test_a_path_that_names_no_other_image_changes_nothing(path: Any, tmp_path: Path):
    assert not problems(write(tmp_path / "d", imagePath=path))


def test_a_file_of_no_image_or_of_two_is_named(tmp_path: Path):
    config = write(tmp_path / "d", imagePath="x/gone.png")
    folder = tmp_path / "d"
    (folder / "0.json").rename(folder / "a.json")
    (folder / "b.json").write_text(json.dumps({"shapes": [], "imagePath": "5.png"}))
    (folder / "1.json").write_text(json.dumps({"shapes": [], "imagePath": "elsewhere.png"}))
    Image.new("RGB", (8, 8)).save(folder / "1.jpg")
    one, other, third = problems(config)
    assert "1.json: imagePath = 'elsewhere.png': must name one of the images 1.jpg, 1.png" in one
    assert "a.json: imagePath = 'x/gone.png': there is no image of that name, and none" in other
    assert f"b.json: is of the image {folder / '5.png'}, as {folder / '5.json'} is" in third


@pytest.mark.parametrize("before", [True, False])
def test_pictures_inside_the_files_do_not_hide_what_they_are(before: bool, tmp_path: Path):
    config = write(tmp_path / "d")
    file = tmp_path / "d" / "0.json"
    picture = {"imageData": "x" * 200_000}
    told = json.loads(file.read_text())
    file.write_text(json.dumps(picture | told if before else told | picture))
    assert format_of(Path(config.folder or "")) == "LabelMe" and not problems(config)


def labelled(folder: Path, shapes: list[dict[str, Any]]) -> DataConfig:
    """One picture of 60 x 40 px with these shapes, and others with a box."""
    made = pictures(12)
    labelme(folder, made)
    file = (folder / made[1][0]).with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"shapes": shapes}))
    return DataConfig(name="custom", folder=str(folder))


def test_labelme_s_shapes(tmp_path: Path):
    shapes = [
        shape("polygon", [[1, 2], [11, 2], [11, 12], [1, 12]], group_id=7),
        shape("circle", [[30, 20], [30, 30]]),
        shape("polygon", [[21, 2], [31, 2], [31, 12], [21, 12]], group_id=7),
        shape("polygon", [[40, 2], [50, 2], [50, 12]], group_id=7, label="dög"),
    ]
    config = labelled(tmp_path / "d", shapes)
    assert not problems(config)
    index = open_splits(config).train
    at = index.file_name.tolist().index("bild 1 ü.png")
    rows = index.rows(int(index.image_id[at]))
    areas = [round(float(index.area[row]), 1) for row in rows]
    assert areas == [200, round(64 / 2 * 100 * float(np.sin(2 * np.pi / 64)), 1), 50]
    assert index.bbox[rows[0]].tolist() == [1, 2, 30, 10] and len(index.polygons(rows[0])) == 2
    assert abs(int(index.masks([rows[1]]).sum()) - 314) < 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (shape("point", [[1, 2]]), "shapes[0]: shape_type = 'point': must be one of polygon"),
        (shape("polygon", [[1, 2], [3, 4]]), "shapes[0]: points: a polygon has 3 or more"),
        (shape("rectangle", [[1, 2], [1, 9]]), "shapes[0]: points: must enclose a part"),
        (shape("polygon", [[1, 2], [3, "x"], [4, 5]]), "points: must be pairs of numbers"),
    ],
)
def test_labelme_s_mistakes_are_named(wrong: dict[str, Any], said: str, tmp_path: Path):
    (line,) = problems(labelled(tmp_path / "d", [wrong]))
    assert "bild 1 ü.json: " in line and said in line


def test_the_area_of_polygons_is_what_they_cover_together(tmp_path: Path):
    square = [[10, 10], [30, 10], [30, 30], [10, 30]]
    shapes = [
        shape("polygon", [[10, 10], [30, 30], [30, 10], [10, 30]]),  # a bow
        shape("polygon", [[-20, 10], [20, 10], [20, 30], [-20, 30]]),  # half outside
        shape("polygon", square, group_id=3),
        shape("polygon", [[20, 10], [40, 10], [40, 30], [20, 30]], group_id=3),
        shape("polygon", square),
    ]
    config = labelled(tmp_path / "d", shapes)
    assert not problems(config)
    index = open_splits(config).train
    at = index.file_name.tolist().index("bild 1 ü.png")
    bow, cut, joined, plain = index.rows(int(index.image_id[at]))
    assert index.area[[bow, joined]].tolist() == index.masks([bow, joined]).sum((1, 2)).tolist()
    assert index.area[[cut, joined, plain]].tolist() == [400, 600, 400]
