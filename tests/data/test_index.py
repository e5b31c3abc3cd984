"""What the file says, in whatever form, is what the index gives back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from tests.data.coco_files import HEIGHT, WIDTH, content, masks, write


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.open(AnnotationFile(*write(tmp_path, "train", content())))


def test_every_form_of_segmentation_is_the_same_mask(index: Index):
    rows = index.rows(10)
    found = index.masks(rows)
    for mask, expected in zip(found, masks().values(), strict=True):
        assert np.array_equal(mask.astype(bool), expected)
    assert index.crowd[rows].tolist() == [False, False, False, True]


def test_sparse_categories_become_labels_and_come_back(index: Index):
    assert index.category_id.tolist() == [3, 90]
    assert index.label[index.rows(10)].tolist() == [0, 1, 0, 0]
    truth = index.coco([10])
    assert [a["category_id"] for a in truth["annotations"]] == [3, 90, 3, 3]
    assert truth["categories"] == [{"id": 3, "name": "left"}, {"id": 90, "name": "right"}]


def test_images_without_objects_are_kept(index: Index):
    assert index.image_id.tolist() == [10, 11, 12, 13]
    assert len(index.rows(11)) == 0
    assert [image["id"] for image in index.coco([11, 12])["images"]] == [11, 12]


def test_an_object_without_a_mask_is_its_box(tmp_path: Path):
    data = content(1)
    del data["annotations"][1]["segmentation"]
    index = Index.open(AnnotationFile(*write(tmp_path, "train", data)))
    assert not index.has_mask(1)
    left, top, width, height = (int(v) for v in data["annotations"][1]["bbox"])
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[top : top + height, left : left + width] = 1
    assert np.array_equal(index.masks([1])[0], expected)


def test_order_in_the_file_does_not_matter_and_its_content_does(tmp_path: Path):
    data = content()
    first = Index.open(AnnotationFile(*write(tmp_path, "one", data)))
    shuffled = data | {"annotations": data["annotations"][::-1], "images": data["images"][::-1]}
    second = Index.open(AnnotationFile(*write(tmp_path, "two", shuffled)))
    assert np.array_equal(first.annotation_id, second.annotation_id)
    assert np.array_equal(first.bbox, second.bbox)
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "images: must be a list"),
        (json.dumps({"images": [{}], "annotations": [], "categories": []}), "not COCO's format"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, words: str):
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        Index.open(AnnotationFile(path, tmp_path))
    assert str(path) in str(error.value)
