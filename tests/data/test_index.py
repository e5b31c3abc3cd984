"""What the file says, in whatever form, is what the index gives back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as peer

from study.data.formats.coco import AnnotationFile
from study.data.index import COLUMNS, Index
from tests.data.coco_files import HEIGHT, WIDTH, content, masks, with_keypoints, write


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


def test_lists_may_come_in_any_order(tmp_path: Path):
    data = with_keypoints(content())
    first = Index.open(AnnotationFile(*write(tmp_path, "one", data)))
    turned = {name: data[name] for name in ("annotations", "categories", "images")}
    assert list(turned) != list(data)
    second = Index.open(AnnotationFile(*write(tmp_path, "two", turned)))
    for name in COLUMNS:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_polygons_have_the_run_lengths_of_the_numbers_in_the_file(tmp_path: Path):
    """Also where rounding to 32 bits would put a point on the other side of a pixel's middle."""
    random = np.random.default_rng(0)
    data = content(2)
    data["annotations"] = [
        {"id": 7 * k % 1000, "image_id": 10 + k % 2, "category_id": 3, "bbox": [1, 2, 3, 4]}
        | {"segmentation": _outlines(k, random)}
        for k in range(1000)
    ]
    index = Index.open(AnnotationFile(*write(tmp_path, "train", data)))
    given: dict[Any, Any] = {a["id"]: a["segmentation"] for a in data["annotations"]}
    for row, identity in enumerate(index.annotation_id.tolist()):
        parts: Any = peer.frPyObjects(given[identity], HEIGHT, WIDTH)
        expected = peer.merge(parts)
        assert index.segmentation(row) == expected
        assert index.has_mask(row)


def _outlines(k: int, random: np.random.Generator) -> list[list[float]]:
    """One to three polygons anywhere, or almost on the middles of pixels."""
    points = [random.integers(0, 60, 2 * random.integers(3, 9)) for _ in range(1 + k % 3)]
    return [(p + (0.4999999 if k % 2 else random.random(len(p)))).tolist() for p in points]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 99}, "KeyError: 99"),
        ({"category_id": 99}, "KeyError: 99"),
        ({"id": 1.5}, "ids must be whole numbers"),
        ({"bbox": [1, 2, 3]}, "ValueError"),
        ({"segmentation": [[1, 2, 3, 4]]}, "each polygon needs at least 3 points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "each polygon needs at least 3 points"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "its image is \\[40, 60\\]"),
        ({"segmentation": {"size": [40, 60], "counts": [81]}}, "do not add up to the image"),
        ({"segmentation": "mask.png"}, "TypeError"),
        ({"keypoints": [1, 2, 2]}, "keypoints: 3 numbers, for 3 of its category"),
    ],
)
def test_annotations_in_another_form_are_refused(
    tmp_path: Path, change: dict[str, Any], words: str
):
    data = with_keypoints(content())
    data["annotations"][0] |= change
    with pytest.raises(ValueError, match=rf"train\.json: not COCO's format \(.*{words}"):
        Index.open(AnnotationFile(*write(tmp_path, "train", data)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", r"is \[\]: must be an object with the lists images"),
        ('{"images": {}}', r"images: must be a list .*, and is {}"),
        (json.dumps({"images": [{}], "annotations": [], "categories": []}), "not COCO's format"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, words: str):
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        Index.open(AnnotationFile(path, tmp_path))
    assert str(path) in str(error.value)
