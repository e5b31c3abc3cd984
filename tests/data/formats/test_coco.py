"""COCO's files as tools write them: ids as texts, no areas, a mark at the start."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.data.checks import of_split
from study.data.formats.coco import AnnotationFile, read_image_ids
from study.data.index import Index
from tests.data.coco_files import content, write


def changed(tmp_path: Path, change: dict[str, Any], kind: str = "annotations") -> AnnotationFile:
    """Of some images, the first of a list changed."""
    made = content(6)
    made[kind] = [made[kind][0] | change, *made[kind][1:]]
    return AnnotationFile(*write(tmp_path, "train", made))


def columns(index: Index) -> dict[str, list[Any]]:
    names = ("image_id", "annotation_id", "bbox", "label", "area", "category_id", "point")
    return {name: getattr(index, name).tolist() for name in names}


def test_ids_as_texts_and_a_mark_at_the_start_change_nothing(tmp_path: Path):
    plain = AnnotationFile(*write(tmp_path, "plain", content(6)))
    there = Index.open(plain)
    made = json.loads(plain.path.read_text())
    for item in (item for items in made.values() for item in items):
        item |= {key: str(value) for key, value in item.items() if key.endswith("id")}
    file = tmp_path / "texts.json"
    file.write_bytes(codecs.BOM_UTF8 + json.dumps(made).encode())
    found = AnnotationFile(file, plain.images)
    assert of_split(found) == []
    assert columns(Index.open(found)) == columns(there)
    assert read_image_ids(file).tolist() == there.image_id.tolist()


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
@pytest.mark.parametrize("given", ["5f3a9c", "", "-1", "9" * 19, "1.0", "٣"])
def test_other_texts_are_refused_in_one_line(kind: str, given: str, tmp_path: Path):
    source = changed(tmp_path, {"id": given}, kind)
    said = f"{source.path}: {kind}[0]: id = {given!r}: must be a whole number"
    (line,) = of_split(source)
    assert line.startswith(said)
    with pytest.raises(ValueError, match="must be a whole number") as error:
        Index.open(source)
    assert str(error.value).startswith(said)


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path):
    (line,) = of_split(changed(tmp_path, {"id": 2**63}))
    assert f"annotations[0]: id = {2**63}: must be a whole number" in line


@pytest.mark.parametrize("given", [{"area": None}, {}])
def test_an_area_that_is_not_stated_is_that_of_the_mask_or_the_box(
    given: dict[str, Any], tmp_path: Path
):
    made = content(6)
    for at, annotation in enumerate(made["annotations"]):
        annotation.pop("area", None)
        annotation |= given
        if at % 2:
            annotation["segmentation"] = []
    source = AnnotationFile(*write(tmp_path, "train", made))
    assert of_split(source) == []
    index = Index.open(source)
    masked = 0
    for row in range(len(index.area)):
        mask = index.masks([row]).sum() if index.has_mask(row) else None
        masked += mask is not None
        assert index.area[row] == (np.prod(index.bbox[row, 2:]) if mask is None else mask)
    assert 0 < masked < len(index.area)


def test_an_area_that_is_no_number_is_named(tmp_path: Path):
    (line,) = of_split(changed(tmp_path, {"area": "12"}))
    assert "annotations id" in line and "area = '12': must be a number of px², or left out" in line
