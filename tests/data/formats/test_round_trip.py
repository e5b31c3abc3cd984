"""What a tool writes is what is read, whatever its habits: names, orientations, ids, line ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as peer

from study.data.batches.decoded import Decoded
from study.data.checks import of_split
from study.data.formats import recognised
from study.data.index import Index
from tests.data.formats.written import (
    Coco,
    Made,
    Picture,
    Thing,
    cocos,
    data_sets,
    labelme,
    numbered,
    voc,
    yolo,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools'
TRIED = settings(max_examples=25, deadline=None, derandomize=True)
SIX_DIGITS = 24 * 2e-6  # px, of a share of an image of at most 24 px


def read(place: Path, made: Made) -> dict[str, tuple[Index, int]]:
    """The index and the id of each picture, by name; everything in order, and none too many."""
    source = recognised(place).train
    assert of_split(source) == []
    index = Index.open(source)
    ids = dict(zip(map(_last, index.file_name), index.image_id.tolist(), strict=True))
    assert ids.keys() == {picture.name for picture in made.pictures}
    return {name: (index, image_id) for name, image_id in ids.items()}


def _last(name: str) -> str:
    return Path(name).name


def objects(
    index: Index, image_id: int, picture: Picture, made: Made
) -> list[tuple[int, Thing, Any]]:
    """The rows of an image's annotations and what they must be: all of them, in their order."""
    at = index.position(image_id)
    assert (index.width[at], index.height[at]) == picture.size
    rows = index.rows(image_id)
    assert len(rows) == len(picture.things) and not index.crowd[list(rows)].any()
    for row, thing in zip(rows, picture.things, strict=True):
        assert index.category_name[index.label[row]] == made.classes[thing.label]
    return [(r, t, index.bbox[r]) for r, t in zip(rows, picture.things, strict=True)]


def used(made: Made) -> list[str]:
    """The classes that an object has, in alphabetical order."""
    every = (thing for picture in made.pictures for thing in picture.things)
    return sorted({made.classes[thing.label] for thing in every})


def pixels(index: Index, image_id: int) -> np.ndarray:
    return Decoded(index, np.array([image_id]), None)[0]


def ring(thing: Thing) -> np.ndarray:
    return np.array(thing.corners)


@pytest.mark.slow
@TRIED
@given(data_sets(), cocos)
def test_coco(tmp_path_factory: pytest.TempPathFactory, made: Made, habits: Coco):
    found = read(habits.write(tmp_path_factory.mktemp("coco"), made), made)
    for picture in made.pictures:
        index, image_id = found[picture.name]
        for row, thing, bbox in objects(index, image_id, picture, made):
            assert bbox.tolist() == list(thing.box)
            area = thing.box[2] * thing.box[3]
            assert index.has_mask(row) == (thing.corners is not None)
            if thing.corners is not None:
                mask = thing.pixels(picture.size)
                np.testing.assert_array_equal(index.masks([row])[0] > 0, mask)
                area = area if habits.area == "stated" else mask.sum()
            assert index.area[row] == area
        assert index.category_name.tolist() == list(made.classes)
        as_seen = not (habits.upright and picture.hides)  # nothing tells, and it stays as stored
        expected = picture.seen() if as_seen else picture.stored(upright=True)
        np.testing.assert_array_equal(pixels(index, image_id), expected)


@pytest.mark.slow
@TRIED
@given(data_sets(), st.sampled_from(((False, False), (True, False), (True, True))))
def test_voc(tmp_path_factory: pytest.TempPathFactory, made: Made, told: tuple[bool, bool]):
    sized, upright = told
    found = read(voc(tmp_path_factory.mktemp("voc"), made, sized, upright), made)
    for picture in made.pictures:
        index, image_id = found[picture.name]
        marked = numbered(picture)
        for k, (row, thing, bbox) in enumerate(objects(index, image_id, picture, made), start=1):
            assert bbox.tolist() == list(thing.box)
            assert index.area[row] == thing.box[2] * thing.box[3]
            assert index.has_mask(row) == (marked == k).any()
            if index.has_mask(row):
                np.testing.assert_array_equal(index.masks([row])[0] > 0, marked == k)
        as_seen = not (upright and picture.hides)  # nothing tells, and it stays as stored
        expected = picture.seen() if as_seen else picture.stored(upright)
        np.testing.assert_array_equal(pixels(index, image_id), expected)
        assert index.category_name.tolist() == used(made)


@pytest.mark.slow
@TRIED
@given(data_sets(), st.booleans())
def test_yolo(tmp_path_factory: pytest.TempPathFactory, made: Made, listed: bool):
    found = read(yolo(tmp_path_factory.mktemp("yolo"), made, listed), made)
    for picture in made.pictures:
        index, image_id = found[picture.name]
        for row, thing, bbox in objects(index, image_id, picture, made):
            np.testing.assert_allclose(bbox, thing.box, atol=SIX_DIGITS)
            assert index.has_mask(row) == (thing.corners is not None)
            if thing.corners is not None:
                (outline,) = index.polygons(row)
                np.testing.assert_allclose(outline, ring(thing), atol=SIX_DIGITS)
            area = thing.box[2] * thing.box[3] / (1 if thing.corners is None else 2)
            assert index.area[row] == pytest.approx(area, abs=24 * 4 * SIX_DIGITS)
        np.testing.assert_array_equal(pixels(index, image_id), picture.seen())
        assert index.category_name.tolist() == list(made.classes)


@pytest.mark.slow
@TRIED
@given(data_sets(), st.booleans(), st.booleans())
def test_labelme(tmp_path_factory: pytest.TempPathFactory, made: Made, masks: bool, renamed: bool):
    found = read(labelme(tmp_path_factory.mktemp("labelme"), made, masks, renamed), made)
    for picture in made.pictures:
        index, image_id = found[picture.name]
        for row, thing, bbox in objects(index, image_id, picture, made):
            assert index.has_mask(row) == (thing.corners is not None)
            if thing.corners is None:
                assert bbox.tolist() == list(thing.box)
                continue
            mask = thing.pixels(picture.size)
            np.testing.assert_array_equal(index.masks([row])[0] > 0, mask)
            if masks and mask.any():
                run_lengths = peer.encode(np.asfortranarray(mask, np.uint8))
                assert bbox.tolist() == peer.toBbox(run_lengths).tolist()
                assert index.area[row] == mask.sum()
            else:
                assert bbox.tolist() == list(thing.box)
                assert index.area[row] == thing.box[2] * thing.box[3] / 2
        np.testing.assert_array_equal(pixels(index, image_id), picture.seen())
        assert index.category_name.tolist() == used(made)
