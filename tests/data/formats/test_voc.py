"""VOC's annotations in COCO's form: pixels, difficult objects, ids, folders, what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.commands.options.spaces import find
from study.config import DataConfig
from study.data.batches.loader import TrainingData
from study.data.checks import problems
from study.data.formats import data_set, recognised, voc
from study.data.splits import open_splits
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
    content = data_set(data).train.read()
    dog, cat = content["annotations"][:2]
    assert dog["bbox"] == [0, 0, 10, 20] and dog["area"] == 200  # pixels 1 … 10 and 1 … 20
    assert cat["bbox"] == pytest.approx([4.7, 1, 55.3, 39])
    assert [dog["iscrowd"], cat["iscrowd"]] == [0, 1]
    names = [content["categories"][a["category_id"] - 1]["name"] for a in (dog, cat)]
    assert names == ["dog", "cat"]
    assert len(content["categories"]) == 20


def test_both_years_lie_under_one_folder_with_ids_of_their_own(data):
    content = data_set(data).train.read()
    assert {image["id"]: image["file_name"] for image in content["images"]} == {
        2007000001: "VOC2007/JPEGImages/000001.jpg",
        2007000002: "VOC2007/JPEGImages/000002.jpg",
        2007000003: "VOC2007/JPEGImages/000003.jpg",
        20122008000001: "VOC2012/JPEGImages/2008_000001.jpg",
        20122008000002: "VOC2012/JPEGImages/2008_000002.jpg",
        20122008000003: "VOC2012/JPEGImages/2008_000003.jpg",
    }


def test_the_set_is_in_order_and_trains(data):
    assert problems(data, sizes=(4,)) == []
    index = open_splits(data).train
    ids = np.array(index.image_id)
    model = find("voc").fixed.model
    batch = TrainingData(index, ids, model).batch(0, 0, len(ids), range(len(ids)))
    assert [len(target["labels"]) for target in batch.targets] == [1] * 6  # the dogs alone


def test_a_difficult_object_counts_neither_for_nor_against(data):
    index = open_splits(data).val
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
    assert problems(data, sizes=(4,)) == []
    index = open_splits(data).train
    dog, cat = index.rows(20122008000002)
    assert np.array_equal(index.masks([dog])[0], values == 1)  # the border is background
    assert not index.has_mask(cat)
    assert index.area[dog] == 200  # the box's, as of objects without a mask
    assert index.crowd[[dog, cat]].tolist() == [False, True]
    assert sum(index.has_mask(row) for row in range(len(index.bbox))) == 1


def test_a_picture_of_another_size_is_named(data):
    picture = Path(data.root) / "VOC2007" / "SegmentationObject" / "000001.png"
    write_voc_objects(picture, size=(50, 40))
    (line,) = problems(data)
    assert "50 x 40 px: must have one number a pixel, and 60 x 40" in line
    picture.write_bytes(b"no picture")
    (line,) = problems(data)
    assert line.startswith(f"{picture}: cannot be read as an image")


MISTAKES = [
    (lambda text: text.replace("dog", "dodo"), ": object 1: name = 'dodo': must be one of aero"),
    (lambda text: text.replace("<xmin>1<", "<xmin>one<", 1), ": object 1: bndbox = ['one', "),
    (lambda text: text.replace("<xmin>1<", "<xmin>11<", 1), ": object 1: bndbox = ['11', "),
    (lambda text: text.replace("<xmin>1<", "<xmin>nan<", 1), ": object 1: bndbox = ['nan', "),
    (lambda text: text[:40], ": cannot be read as XML"),
    (lambda text: '<?xml version="1.0" encoding="klingon"?>' + text, ": cannot be read as XML"),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_what_is_not_vocs_is_named_with_its_file(data, mistake, words: str):
    path = Path(data.root) / "VOC2012" / "Annotations" / "2008_000002.xml"
    whole = path.read_text()
    path.write_text(mistake(whole))
    (line,) = problems(data)
    assert line.startswith(str(path)) and words in line
    path.write_text(whole)
    assert problems(data) == []  # nothing of the bad file is left anywhere


def test_each_bad_file_has_its_line(data):
    folder = Path(data.root) / "VOC2012" / "Annotations"
    for name in ("2008_000001", "2008_000002"):
        (folder / f"{name}.xml").write_text("")
    assert [line.split(": ")[0] for line in problems(data)] == [
        str(folder / "2008_000001.xml"),
        str(folder / "2008_000002.xml"),
    ]


def test_the_digest_is_of_the_files_and_not_of_their_place(data, tmp_path: Path):
    before = open_splits(data).digests()
    moved = shutil.copytree(data.root, tmp_path / "elsewhere" / "devkit")
    assert open_splits(replace(data, root=str(moved), folder=str(moved))).digests() == before
    path = moved / "VOC2012" / "Annotations" / "2008_000002.xml"
    path.write_text(path.read_text().replace("<ymax>20<", "<ymax>21<"))
    after = open_splits(replace(data, root=str(moved), folder=str(moved))).digests()
    assert {name for name in before if before[name] != after[name]} == {"train", "tune"}


def test_one_year_has_its_own_splits(data):
    root = Path(data.root)
    shutil.rmtree(root / "VOC2007")
    for place in (root, root / "VOC2012"):
        found = recognised(place)
        assert found.val is not None
        assert [len(split.read()["images"]) for split in (found.train, found.val)] == [3, 3]
        assert len(found.train.read()["categories"]) == 20
    (root / "VOC2012").rename(root / "VOC2010")
    (root / "VOC2011").mkdir()
    shutil.copytree(root / "VOC2010" / "ImageSets", root / "VOC2011" / "ImageSets")
    with pytest.raises(ValueError, match="has VOC 2010 and 2011: give the folder of one"):
        recognised(root)


def loose(root: Path, data, xml: str, images: str) -> Path:
    """A year's images and XML in folders of other names."""
    year = Path(data.root) / "VOC2012"
    for of, to in (("Annotations", xml), ("JPEGImages", images)):
        shutil.copytree(year / of, root / to, dirs_exist_ok=True)
    return root


@pytest.mark.parametrize(("xml", "images"), [("labels", "photos"), (".", ".")])
def test_any_folders_of_images_and_xml_will_do(data, tmp_path: Path, xml: str, images: str):
    mine = DataConfig(name="mine", folder=str(loose(tmp_path / "mine", data, xml, images)))
    assert problems(mine) == []
    splits = open_splits(mine)
    assert splits.train.category_name.tolist() == ["cat", "dog"]
    assert splits.val is splits.train and splits.note
    assert "has no val split: 1 of its 6 images" in splits.note
    # of the six, two pairs are the same
    said = "4 near-duplicate images, in 2 groups, each group is kept in one split"
    assert splits.note_together == said
    assert [len(ids) for ids in (splits.pool, splits.tune_ids, splits.val_ids)] == [4, 1, 1]
    one = splits.train.coco([1])["annotations"][0]
    assert one["bbox"] == [0, 0, 10, 20]


def test_image_sets_and_folders_make_splits(data, tmp_path: Path):
    root = loose(tmp_path / "mine", data, "labels", "photos")
    sets = root / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "trainval.txt").write_text("2008_000001\n2008_000002\n")
    (sets / "test.txt").write_text("2008_000100\n")
    found = recognised(root)
    assert [len(s.read()["images"]) for s in (found.train, found.val) if s] == [2, 1]
    (sets / "test.txt").write_text("2008_000999\n")
    with pytest.raises(ValueError, match=r"test\.txt: '2008_000999': there is no such image"):
        recognised(root)
    both = tmp_path / "both"
    for split in ("train", "valid"):
        loose(both / split, data, ".", ".")
    assert recognised(both).val is not None


def test_one_image_set_of_any_name_is_trained_on(data, tmp_path: Path):
    """CVAT calls it default, and writes one for each class beside it."""
    root = loose(tmp_path / "mine", data, "Annotations", "JPEGImages")
    sets = root / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "default.txt").write_text("2008_000001\n2008_000002\n")
    (sets / "red_fox_default.txt").write_text("2008_000001 -1\n2008_000002 1\n")
    found = recognised(root)
    assert len(found.train.read()["images"]) == 2 and found.val is None


def test_a_class_of_one_split_is_a_class_of_both(data, tmp_path: Path):
    both = tmp_path / "both"
    for split in ("train", "val"):
        loose(both / split, data, ".", ".")
    path = both / "val" / "2008_000002.xml"
    path.write_text(path.read_text().replace("dog", "fox"))
    found = recognised(both)
    assert found.val is not None
    for split in (found.train, found.val):
        assert [c["name"] for c in split.read()["categories"]] == ["cat", "dog", "fox"]
    before = found.train.digest()
    path.write_text(path.read_text().replace("fox", "owl"))
    assert recognised(both).train.digest() != before  # owl is its third class now


def test_images_and_xml_without_a_partner_are_named(data, tmp_path: Path):
    root = loose(tmp_path / "mine", data, "labels", "photos")
    (root / "labels" / "2008_000001.xml").unlink()
    (root / "photos" / "2008_000002.jpg").unlink()
    lines = problems(DataConfig(name="mine", folder=str(root)))
    assert lines[0].startswith(f"{root / 'labels' / '2008_000002.xml'}: there is no image")
    assert lines[1].startswith(f"{root / 'photos' / '2008_000001.jpg'}: there is no XML")
    (root / "photos" / "2008_000003.png").write_bytes(b"")
    (line,) = problems(DataConfig(name="mine", folder=str(root)))
    assert "2008_000003.png: has the same name as" in line
