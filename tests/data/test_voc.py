"""VOC's annotations as COCO's: pixels, difficult objects, ids, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.commands.spaces import find
from study.data.checks import problems
from study.data.formats import voc
from study.data.index import Index
from study.data.loader import TrainingData
from study.training.evaluation.coco import average_precision
from tests.data.published_files import write_voc, write_voc_objects


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The space's data, at another place, with two images to tune on."""
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "VOCdevkit"
    write_voc(root)
    return replace(find("voc").fixed.data, root=str(root), tune_size=2).absolute()


def test_boxes_are_counted_from_zero_and_difficult_objects_are_crowds(data):
    content = voc.converted(Path(data.root), voc.TRAIN)
    dog, cat = content["annotations"][:2]
    assert dog["bbox"] == [0, 0, 10, 20] and dog["area"] == 200  # pixels 1 … 10 and 1 … 20
    assert cat["bbox"] == pytest.approx([4.7, 1, 55.3, 39])
    assert [dog["iscrowd"], cat["iscrowd"]] == [0, 1]
    names = [content["categories"][a["category_id"] - 1]["name"] for a in (dog, cat)]
    assert names == ["dog", "cat"]
    assert len(content["categories"]) == 20


def test_both_years_lie_under_one_folder_with_ids_of_their_own(data):
    content = voc.converted(Path(data.root), voc.TRAIN)
    assert {image["id"]: image["file_name"] for image in content["images"]} == {
        2007000001: "VOC2007/JPEGImages/000001.jpg",
        2007000002: "VOC2007/JPEGImages/000002.jpg",
        2007000003: "VOC2007/JPEGImages/000003.jpg",
        20122008000001: "VOC2012/JPEGImages/2008_000001.jpg",
        20122008000002: "VOC2012/JPEGImages/2008_000002.jpg",
        20122008000003: "VOC2012/JPEGImages/2008_000003.jpg",
    }


def test_the_prepared_set_is_in_order_and_trains(data):
    voc.prepare(data)
    assert problems(data, sizes=(4,)) == []
    index = Index.open(data.train, data.train_images)
    ids = np.array(index.image_id)
    model = find("voc").fixed.model
    batch = TrainingData(index, ids, model).batch(0, 0, len(ids), range(len(ids)))
    assert [len(target["labels"]) for target in batch.targets] == [1] * 6  # the dogs alone
    before = Path(data.train).read_bytes()
    voc.prepare(data)
    assert Path(data.train).read_bytes() == before


def test_a_difficult_object_counts_neither_for_nor_against(data):
    voc.prepare(data)
    index = Index.open(data.val, data.val_images)
    truth = index.coco(index.image_id.tolist())
    cats = [a for a in truth["annotations"] if voc.CLASSES[a["category_id"] - 1] == "cat"]
    cats[-1]["iscrowd"] = 0  # one that must be found
    found = [
        {key: a[key] for key in ("image_id", "category_id", "bbox", "segmentation")}
        | {"score": 0.5 if a is cats[-1] else 0.9}
        for a in truth["annotations"]
    ]
    difficult = [found[truth["annotations"].index(cat)] for cat in cats[:-1]]
    for rows in (found, [row for row in found if row not in difficult]):
        assert average_precision(truth, rows)["AP50_box"] == pytest.approx(100)
    for cat in cats:
        cat["iscrowd"] = 0
    missed = [row for row in found if row not in difficult]
    assert (average_precision(truth, missed)["AP50_box"] or 0) < 90


def test_objects_have_masks_where_a_picture_marks_them(data):
    picture = Path(data.root) / "VOC2012" / "SegmentationObject" / "2008_000002.png"
    values = write_voc_objects(picture)
    voc.prepare(data)
    assert problems(data, sizes=(4,)) == []
    index = Index.open(data.train, data.train_images)
    dog, cat = index.rows(20122008000002)
    assert np.array_equal(index.masks([dog])[0], values == 1)  # the border is background
    assert not index.has_mask(cat)
    assert index.area[dog] == 200  # the box's, as of objects without a mask
    assert index.crowd[[dog, cat]].tolist() == [False, True]
    assert sum(index.has_mask(row) for row in range(len(index.bbox))) == 1


def test_a_picture_of_another_size_is_named(data):
    picture = Path(data.root) / "VOC2007" / "SegmentationObject" / "000001.png"
    write_voc_objects(picture, size=(50, 40))
    with pytest.raises(ValueError, match="50 x 40 px: must have one number a pixel, and 60 x 40"):
        voc.prepare(data)
    picture.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be read as an image") as error:
        voc.prepare(data)
    assert str(picture) in str(error.value)


MISTAKES = [
    (lambda text: text.replace("dog", "dodo"), "object/name = 'dodo': one of aeroplane"),
    (lambda text: text.replace("<xmin>1<", "<xmin>one<"), "object/bndbox = "),
    (lambda text: text[:40], "cannot be read"),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_what_is_not_vocs_is_named_with_its_file(data, mistake, words: str):
    path = Path(data.root) / "VOC2012" / "Annotations" / "2008_000002.xml"
    path.write_text(mistake(path.read_text()))
    with pytest.raises(ValueError, match=words) as error:
        voc.prepare(data)
    assert str(path) in str(error.value)
    assert not Path(data.train).exists()
