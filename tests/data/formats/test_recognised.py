"""What a folder is taken for, and what is said of one that no format knows, or more than one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from study import sweep
from study.commands.common import BAD_INPUT
from study.config import DataConfig
from study.data.checks import problems
from study.data.formats import FORMATS, data_set, format_of, recognised
from study.data.splits import open_splits
from tests.bad_input.formats import written
from tests.bad_input.labelme import labelme
from tests.data.coco_files import content, write
from tests.data.published_files import write_coco

SHARED = Path(__file__).parents[4] / "shared" / "data"


def laid_out(root: Path, train: str, train_images: str, val: str = "", val_images: str = ""):
    """COCO's files, moved to these places of a folder."""
    for name, file, images in (("train", train, train_images), ("val", val, val_images)):
        if file:
            path, folder = write(root.parent / "made", name, content(8, name), len(name))
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            path.rename(root / file)
            (root / images).mkdir(parents=True, exist_ok=True)
            for image in folder.iterdir():
                image.rename(root / images / image.name)
    return DataConfig(name="mine", folder=str(root))


LAYOUTS = [
    ("train.json", "train", "val.json", "val"),
    ("annotations/instances_train.json", "train", "annotations/instances_val.json", "val"),
    (
        *("annotations/instances_train2017.json", "images/train2017"),
        *("annotations/instances_val2017.json", "images/val2017"),
    ),
    ("train.json", "images", "valid.json", "images"),
    ("train.json", ".", "val.json", "."),
    ("train/_annotations.coco.json", "train", "valid/_annotations.coco.json", "valid"),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout[0] + layout[1])
def test_cocos_files_are_found_with_their_images(tmp_path: Path, layout: tuple[str, ...]):
    data = laid_out(tmp_path / "mine", *layout)
    assert problems(data) == []
    splits = open_splits(data)
    assert splits.val is not splits.train and splits.note is None
    four = dict(zip(("train", "train_images", "val", "val_images"), layout, strict=True))
    named = DataConfig(name="mine", root=data.folder, **four)
    assert open_splits(named).digests() == splits.digests()  # of the same study


@pytest.mark.parametrize(
    "layout", [("labels.json", "images"), ("annotations/instances_default.json", "images/default")]
)
def test_one_file_of_coco_has_no_val_split(tmp_path: Path, layout: tuple[str, str]):
    data = laid_out(tmp_path / "mine", *layout)
    for place in (data.folder or "", f"{data.folder}/{layout[0]}"):
        one = DataConfig(name="mine", folder=place)
        assert problems(one) == []
        splits = open_splits(one)
        held = {*splits.val_ids.tolist(), *splits.tune_ids.tolist()}
        assert len(splits.val_ids) == 2  # a quarter
        assert held.isdisjoint(splits.pool.tolist()) and len(held) + len(splits.pool) == 8
        more = open_splits(DataConfig(name="mine", folder=place, tune_size=3))
        assert more.val_ids.tolist() == splits.val_ids.tolist()  # whatever is tuned on
        fewer = open_splits(DataConfig(name="mine", folder=place, val_size=1))
        assert len(fewer.val_ids) == 1
        (line,) = problems(one, sizes=(7,))
        assert "2 of them held out for the report" in line and "data.val-size" in line


def test_coco_as_published_is_found(tmp_path: Path):
    """val2014's annotations are there too, but not its images."""
    write_coco(tmp_path / "coco")
    found = recognised(tmp_path / "coco")
    assert found.val is not None
    assert found.train.path.name == "instances_train2017.json"
    assert found.val.path.name == "instances_val2017.json"


def test_two_files_of_one_split_are_named(tmp_path: Path):
    data = laid_out(tmp_path / "mine", "train.json", "images")
    (tmp_path / "mine" / "instances_train.json").write_bytes(
        (tmp_path / "mine" / "train.json").read_bytes()
    )
    (line,) = problems(data)
    assert "instances_train.json, train.json: more than one may be the train split" in line


def test_shapes_are_generated_as_a_file_asks(tmp_path: Path):
    file = tmp_path / "shapes.json"
    asked = {"classes": 14, "height": 64, "width": 80, "counts": {"train": 6, "val": 3}}
    file.write_text(json.dumps(asked))
    for place in (tmp_path, file):
        splits = open_splits(DataConfig(name="mine", folder=str(place), tune_size=1))
        assert (len(splits.pool), len(splits.val_ids)) == (5, 3)
        assert len(splits.train.category_name) == 14
        assert set(splits.train.height.tolist()) == {64}
    file.write_text(json.dumps({"colour": "red"}))
    (line,) = problems(DataConfig(name="mine", folder=str(file)))
    assert line.startswith(f"{file}: ") and "colour" in line
    file.write_text(json.dumps({"counts": {"train": 0}}))
    (line,) = problems(DataConfig(name="mine", folder=str(file)))
    assert "counts = {'train': 0, 'val': 200}: " in line


def test_of_an_unknown_folder_it_is_said_what_was_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    empty = tmp_path / "empty"
    empty.mkdir()
    for place, words in ((empty, "not a data set of a known format"), (empty / "no", "no such")):
        command = ["--data", str(place), "--run-dir", str(tmp_path / "run"), "--dry-run"]
        assert sweep.main(command) == BAD_INPUT
        said = capsys.readouterr().err
        assert f"data = '{place}': " in said and words in said
        if place is empty:
            assert all(f"  {format.name}: {format.wants}" in said for format in FORMATS)


def test_a_folder_of_two_formats_is_refused_with_both(tmp_path: Path):
    data = laid_out(tmp_path / "mine", "train.json", "images")
    (tmp_path / "mine" / "shapes.json").write_text('{"counts": {"train": 2, "val": 2}}')
    (line,) = problems(data)
    assert "can be read as COCO and as shapes" in line


def test_a_folder_excludes_the_four_paths():
    with pytest.raises(ValueError, match=r"data = 'x': .* leave it out, or --data.train"):
        DataConfig(name="mine", folder="x", train="a.json")


def test_images_to_tune_on_may_be_given_beside_a_folder(tmp_path: Path):
    data = laid_out(tmp_path / "mine", "labels.json", "images")
    path, images = write(tmp_path, "tune", content(4, "tune"), 9)
    more = DataConfig(name="x", folder=data.folder, tune=str(path), tune_images=str(images))
    splits = open_splits(more)
    assert (len(splits.pool), len(splits.tune_ids), len(splits.val_ids)) == (6, 4, 2)


@pytest.mark.parametrize(("name", "images"), [("nuclei", 250), ("coco_cc_by", 11)])
def test_real_coco_folders_are_found(name: str, images: int):
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    found = data_set(DataConfig(name="mine", folder=str(SHARED / name)))
    assert found.val is not None
    assert len(found.train.read()["images"]) == images


def test_real_voc_without_a_split_is_held_out_without_twins():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    splits = open_splits(DataConfig(name="mine", folder=str(SHARED / "raccoons")))
    assert splits.train.category_name.tolist() == ["raccoon"]
    assert len(splits.val_ids) == 50
    said = "13 near-duplicate images, in 6 groups, each group is kept in one split"
    assert splits.note_together == said
    assert len(splits.pool) + len(splits.tune_ids) == 150  # none is left out
    parts = [set(ids.tolist()) for ids in (splits.pool, splits.tune_ids, splits.val_ids)]
    assert all(any(part >= set(ids.tolist()) for part in parts) for ids in splits.together)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_json_is_recognised_in_every_encoding_that_is_read(tmp_path: Path, encoding: str):
    data = laid_out(tmp_path / "mine", "all.json", "images")
    file = tmp_path / "mine" / "all.json"
    file.write_text(file.read_text("utf-8"), encoding)
    assert format_of(tmp_path / "mine") == "COCO" and problems(data) == []
    written(tmp_path, labelme({}))
    for path in (tmp_path / "d").glob("*.json"):
        path.write_text(path.read_text("utf-8"), encoding)
    assert format_of(tmp_path / "d") == "LabelMe"
    assert problems(DataConfig(name="mine", folder=str(tmp_path / "d"))) == []
