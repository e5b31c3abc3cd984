"""YOLO's text files say what the annotations said that they were made of; mistakes have a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from study.config import DataConfig
from study.data.checks import problems
from study.data.formats import recognised
from study.data.formats.shapes import generated
from study.data.index import Index
from study.data.shapes.scenes import ShapesConfig
from study.data.splits import open_splits

SHARED = Path(__file__).parents[4] / "shared" / "data"
LINE = "1 0.5 0.25 0.5 0.25"  # of 60 × 40 px: 15 … 45, 5 … 15
POLYGON = "0 0.1 0.1 0.5 0.1 0.5 0.6"


def written(
    root: Path, places: Callable[[str, str], str] = "{0}/{1}".format, **asked: Any
) -> DataConfig:
    """Three images a split: a box, a polygon, and an image without a text file."""
    for split, shade in (("train", 1), ("val", 101)):
        images, labels = (root / places(kind, split) for kind in ("images", "labels"))
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for at, text in enumerate((LINE, f"{POLYGON}\n\n{LINE}\n", None)):
            Image.new("RGB", (60, 40), (shade + at, 0, 0)).save(images / f"bär {at}.png")
            if text is not None:
                (labels / f"bär {at}.txt").write_text(text)
    content = {"names": {0: "Bär", 1: "熊"}}
    content |= {split: places("images", split) for split in ("train", "val")}
    (root / "data.yaml").write_text(yaml.safe_dump(content | asked), "utf-8")
    return DataConfig(name="mine", folder=str(root))


def swapped(kind: str, split: str) -> str:
    return f"{split}/{kind}"


@pytest.mark.parametrize("places", ["{0}/{1}".format, swapped])
def test_boxes_polygons_and_images_without_objects_are_read(
    tmp_path: Path, places: Callable[[str, str], str]
):
    data = written(tmp_path / "mine", places)
    assert problems(data) == []
    index = open_splits(data).train
    assert index.category_name.tolist() == ["Bär", "熊"]
    assert index.file_name.tolist() == ["bär 0.png", "bär 1.png", "bär 2.png"]
    assert [len(index.rows(i)) for i in (1, 2, 3)] == [1, 2, 0]
    assert index.bbox[0] == pytest.approx([15, 5, 30, 10]) and index.label[0] == 1
    assert index.bbox[1] == pytest.approx([6, 4, 24, 20])
    assert [index.has_mask(row) for row in range(3)] == [False, True, False]
    assert index.area[1] == pytest.approx(240)
    assert index.polygons(1)[0].tolist() == pytest.approx(np.array([[6, 4], [30, 4], [30, 24]]))


@pytest.mark.parametrize(
    "asked",
    [
        {"names": ["Bär", "熊"]},
        {"path": "", "train": ["images/train"]},
        {"train": "../images/train", "val": "../images/val"},  # as some exports say
        {"train": "train.txt", "val": "val.txt"},
    ],
)
def test_every_way_to_name_the_images_is_the_same_data(tmp_path: Path, asked: dict[str, Any]):
    plain = open_splits(written(tmp_path / "plain")).digests()
    root = tmp_path / "mine"
    data = written(root, **asked)
    for split in ("train", "val"):
        listed = "".join(f"./images/{split}/bär {at}.png\n" for at in range(3))
        (root / f"{split}.txt").write_text(listed, "utf-8")
    assert open_splits(data).digests() == plain
    assert open_splits(DataConfig(name="x", folder=str(root / "data.yaml"))).digests() == plain


MISTAKES = [
    ("1 0.5 0.25 0.5", "bär 0.txt: line 2: 3 numbers after the class"),
    ("1 0.5 0.25 half 0.5", "bär 0.txt: line 2: '1 0.5 0.25 half 0.5': must be numbers"),
    ("2 0.5 0.25 0.5 0.5", "bär 0.txt: line 2: class = 2: must be a whole number from 0 to 1"),
    ("1 30 10 30 10", "bär 0.txt: line 2: [30.0, 10.0, 30.0, 10.0]: must be shares"),
    ("1 nan 0.1 0.1 0.1", "must be shares of the image, from 0 to 1"),
    ("1 0.5 0.5 0 0.5", "must enclose a part of the image"),
]


@pytest.mark.parametrize(("line", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_a_mistake_is_named_with_its_file_and_line(tmp_path: Path, line: str, words: str):
    data = written(tmp_path / "mine")
    path = tmp_path / "mine" / "labels" / "train" / "bär 0.txt"
    path.write_text(f"{LINE}\n{line}\n")
    (said,) = problems(data)
    assert said.startswith(str(path)) and words in said
    path.write_bytes(b"")
    assert problems(data) == []


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path):
    data = written(tmp_path / "mine")
    path = tmp_path / "mine" / "labels" / "train" / "bär 1.txt"
    path.write_bytes(b"\xef\xbb\xbf" + f"{POLYGON}\r\n{LINE}\r\n".encode())
    index = open_splits(data).train
    assert index.label.tolist() == [1, 0, 1]
    assert [index.has_mask(row) for row in range(3)] == [False, True, False]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"names": {1: "a", 2: "b"}}, "names: must be a list of names, or names by number"),
        ({"names": [["a"]]}, "names: must be a list of names"),
        ({"val": "nowhere"}, "val = 'nowhere': no such folder or list of images"),
        ({"val": "labels/val"}, "val = 'labels/val': there is no image"),
    ],
)
def test_what_the_yaml_lacks_is_said(tmp_path: Path, asked: dict[str, Any], words: str):
    (line,) = problems(written(tmp_path / "mine", **asked))
    assert line.startswith(str(tmp_path / "mine" / "data.yaml")) and words in line


def exported(index: Index, root: Path, *, polygons: bool) -> Index:
    """The index as YOLO's files and back, of each object its outline or its box."""
    images, labels = root / "images" / "train", root / "labels" / "train"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for at, file in enumerate(index.files()):
        (images / file.name).symlink_to(file.resolve())
        size = np.array([index.width[at], index.height[at]])
        text = []
        for row in range(int(index.first[at]), int(index.first[at + 1])):
            if polygons:
                shares = (index.polygons(row)[0] / size).ravel()
            else:
                corner, sides = index.bbox[row, :2], index.bbox[row, 2:]
                shares = np.concatenate([(corner + sides / 2) / size, sides / size])
            text.append(" ".join([str(index.label[row]), *(f"{share:.8f}" for share in shares)]))
        (labels / f"{file.stem}.txt").write_text("\n".join(text))
    names = index.category_name.tolist()
    (root / "data.yaml").write_text(yaml.safe_dump({"names": names, "train": "images/train"}))
    return Index.open(recognised(root).train)


def same(found: Index, index: Index, px: float) -> None:
    """Equal but for ids, the folder that names start from, and rounding."""
    names = [[Path(name).name for name in one.file_name.tolist()] for one in (found, index)]
    assert sorted(names[0]) == sorted(names[1])
    assert found.category_name.tolist() == index.category_name.tolist()
    for name in names[0]:
        a, b = names[0].index(name), names[1].index(name)
        assert (found.width[a], found.height[a]) == (index.width[b], index.height[b])
        rows = [slice(*one.first[at : at + 2]) for one, at in ((found, a), (index, b))]
        assert found.label[rows[0]].tolist() == index.label[rows[1]].tolist()
        assert found.crowd[rows[0]].tolist() == index.crowd[rows[1]].tolist()
        assert found.bbox[rows[0]] == pytest.approx(index.bbox[rows[1]], abs=px)


def test_generated_shapes_come_back(tmp_path: Path):
    index = Index.open(generated(ShapesConfig(), {"train": 12, "val": 1}).train)
    same(exported(index, tmp_path / "boxes", polygons=False), index, px=1e-4)
    found = exported(index, tmp_path / "outlines", polygons=True)
    same(found, index, px=1e-4)
    for row in range(len(found.bbox)):
        one, other = (i.masks([row])[0].astype(bool) for i in (found, index))
        assert (one & other).sum() > 0.8 * (one | other).sum()  # one ring has no hole


def test_real_photos_come_back(tmp_path: Path):
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    index = Index.open(recognised(SHARED / "raccoons").train)
    same(exported(index, tmp_path / "yolo", polygons=False), index, px=1e-4)


def test_the_area_of_a_polygon_is_what_it_covers(tmp_path: Path):
    data = written(tmp_path / "mine")
    text = (
        "0 0.1 0.1 0.5 0.6 0.5 0.1 0.1 0.6\n"  # a bow, whose halves cancel out
        "0 0.5 0.5 1.01 0.5 1.01 1.01 0.5 1.01\n"  # over the edge
    )
    (tmp_path / "mine/labels/train/bär 0.txt").write_text(text)
    assert problems(data) == []
    index = open_splits(data).train
    assert index.area[0] == index.masks([0]).sum() > 100
    assert index.area[1] == pytest.approx(30 * 20)
