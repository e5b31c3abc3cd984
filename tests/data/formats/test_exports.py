"""Exports of several tools: the same pictures are the same data."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from study.config import DataConfig
from study.data.batches.decoded import decode, read_rgb
from study.data.checks import problems
from study.data.formats import format_of, recognised
from study.data.index import Index
from study.data.splits import open_splits
from tests.data.formats.exports import (
    CLASSES,
    RACCOONS,
    Picture,
    coco,
    content,
    labelme,
    opened,
    pictures,
    voc,
    yolo,
    zipped,
)


@pytest.mark.slow
def test_exports_of_the_same_pictures_are_the_same_data(tmp_path: Path):
    made = pictures()
    places = {
        "VOC": voc(tmp_path / "voc", made),
        "YOLO": yolo(tmp_path / "yolo", made),
        "LabelMe": labelme(tmp_path / "labelme", made),
        "COCO": zipped(
            coco(tmp_path / "coco", made, dummy=True), tmp_path / "export.zip", "Export/"
        ),
    }
    found = {name: opened(place) for name, place in places.items()}
    for name, splits in found.items():
        assert format_of(places[name]) == name and not problems(
            DataConfig(name="custom", folder=str(places[name]))
        )
        assert splits.train.category_name.tolist() == list(CLASSES)
        assert content(splits.train) == content(found["COCO"].train)
        assert len(splits.val_ids) == len(found["COCO"].val_ids)
    assert found["COCO"].unused == ("animals",) and not found["VOC"].unused
    size, objects = content(found["YOLO"].train)["bild 7 ü.png"]
    assert size == (60, 40) and len(objects) == 3


@pytest.mark.slow
@pytest.mark.skipif(not RACCOONS.is_dir(), reason="the pictures are not there")
def test_exports_of_photos_are_the_same_data(tmp_path: Path):
    given = Index.open(recognised(RACCOONS).train)
    made: list[Picture] = []
    for name, ((width, height), objects) in content(given).items():
        boxes = [(0, [round(value) for value in box]) for _, *box in objects]
        made.append((name, (width, height), boxes))
    for place in (
        yolo(tmp_path / "yolo", made),
        zipped(coco(tmp_path / "coco", made), tmp_path / "x.zip"),
    ):
        found = content(Index.open(recognised(place).train))
        assert found.keys() == content(given).keys()
        for name, (size, objects) in content(given).items():
            assert found[name][0] == size
            boxes = [box for _, *box in objects]
            np.testing.assert_allclose([box for _, *box in found[name][1]], boxes, atol=1e-4)


def test_names_may_make_up_their_letters_otherwise(tmp_path: Path):
    """As archives from a Mac have them: u and two dots are two characters there."""
    made = pictures(8)
    place = coco(tmp_path / "d", made)
    for file in list((place / "images").iterdir()):
        file.rename(file.with_name(unicodedata.normalize("NFD", file.name)))
    assert not problems(DataConfig(name="custom", folder=str(place)))
    assert len(list((place / "images").glob(unicodedata.normalize("NFD", "*ü.png")))) == 8


Boxes = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(1, 30), st.integers(1, 20)),
    ).map(lambda one: (one[0], list(one[1]))),
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(Boxes, min_size=1, max_size=3).filter(any))
def test_what_is_written_is_read_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[Any]
):
    root = tmp_path_factory.mktemp("round")
    made: list[Picture] = [(f"{at}.png", (60, 40), own) for at, own in enumerate(boxes)]
    expected = {
        name: (size, sorted((CLASSES[label], *map(float, box)) for label, box in own))
        for name, size, own in made
    }
    for write in (coco, voc, yolo, labelme):
        assert (
            content(Index.open(recognised(write(root / write.__name__, made)).train)) == expected
        )


@pytest.mark.parametrize("write", [coco, yolo, labelme])
def test_photos_that_lie_in_their_files_are_seen_upright(
    write: Callable[[Path, list[Picture]], Path], tmp_path: Path
):
    """The tools showed them upright and annotated them so; so the network must see them."""
    made = pictures(8)
    name, (width, height), _ = made[4]
    there = opened(write(tmp_path / "d", made)).train
    (place,) = (file for file in there.files() if file.name == name)
    before = read_rgb(place, (width, height))
    lying = Image.fromarray(before).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees, clockwise
    lying.save(place, exif=exif)
    with Image.open(place) as stored:
        assert stored.size == (height, width)
    config = DataConfig(name="custom", folder=str(tmp_path / "d"))
    assert not problems(config)
    splits = open_splits(config)
    assert content(splits.train)[name] == content(there)[name]
    at = splits.train.file_name.tolist().index(
        place.relative_to(splits.train.image_dir).as_posix()
    )
    image_id = splits.train.image_id[at : at + 1]
    np.testing.assert_array_equal(decode(splits.train, image_id, None)[0], before)
