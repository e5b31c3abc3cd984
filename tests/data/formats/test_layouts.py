"""Where files lie: paths of other machines, splits, and the ways that YOLO is laid out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.config import DataConfig
from study.data.checks import problems
from study.data.formats import format_of
from study.data.splits import open_splits
from tests.data.formats.exports import (
    CLASSES,
    coco,
    content,
    opened,
    pictures,
    voc,
    yolo,
    zipped,
)


@pytest.mark.parametrize(
    "prefix", ["C:\\Users\\me\\pics\\", "/home/me/pics/", "../images/", "wrong/", "images/"]
)
def test_names_of_another_machine_are_matched_by_their_last_part(prefix: str, tmp_path: Path):
    made = pictures(8)
    there = opened(coco(tmp_path / "plain", made)).train
    other = coco(tmp_path / "other", made, prefix)
    assert not problems(DataConfig(name="custom", folder=str(other)))
    found = opened(other).train
    assert found.file_name.tolist() == there.file_name.tolist()
    assert all(file.is_file() for file in found.files())


def test_a_name_that_several_files_have_is_not_guessed(tmp_path: Path):
    made = pictures(8)
    place = coco(tmp_path / "d", made, "C:\\pics\\")
    name = made[3][0]
    pixels = (place / "images" / name).read_bytes()
    (place / "images" / name).unlink()
    for folder in ("a", "b"):
        (place / "images" / folder).mkdir()
        (place / "images" / folder / name).write_bytes(pixels)
    (line,) = problems(DataConfig(name="custom", folder=str(place)))
    assert f"C:\\\\pics\\\\{name}" in line and "nor is there just one file" in line


def test_a_name_never_leads_out_of_the_folder(tmp_path: Path):
    made = pictures(8)
    place = coco(tmp_path / "d", made)
    secret = tmp_path / "secret.png"
    (place / "images" / made[0][0]).rename(secret)
    text = (place / "instances.json").read_text("utf-8")
    (place / "instances.json").write_text(text.replace(made[0][0], "../../secret.png"), "utf-8")
    (line,) = problems(DataConfig(name="custom", folder=str(place)))
    assert "'../../secret.png': not in" in line


def test_a_test_split_is_reported_on_and_val_is_tuned_on(tmp_path: Path):
    made = pictures(24)
    root = tmp_path / "export"
    for name, own in {"train": made[:12], "valid": made[12:18], "test": made[18:]}.items():
        coco(tmp_path / name, own)
        (root / name).mkdir(parents=True)
        for file in (tmp_path / name / "images").iterdir():
            file.rename(root / name / file.name)
        (tmp_path / name / "instances.json").rename(root / name / "_annotations.coco.json")
    splits = opened(root)
    assert splits.val.path.parent.name == "test" and splits.tune.path.parent.name == "valid"
    assert len(splits.pool) == 12
    text = (root / "test" / "_annotations.coco.json").read_text("utf-8")
    published = json.loads(text) | {"annotations": []}  # as of a challenge
    (root / "test" / "_annotations.coco.json").write_text(json.dumps(published), "utf-8")
    assert opened(root).val.path.parent.name == "valid"


def test_a_list_of_classes_does_for_yolo(tmp_path: Path):
    made = pictures(8)
    place = yolo(tmp_path / "d", made, "images")
    (place / "data.yaml").unlink()
    (place / "classes.txt").write_text("\ufeff" + "\r\n".join(CLASSES) + "\r\n", "utf-8")
    assert content(opened(place).train) == content(opened(voc(tmp_path / "v", made)).train)


def one_folder(place: Path) -> None:
    """Text files beside the images, as labelImg writes them."""
    for folder in ("images", "labels"):
        for file in (place / "train" / folder).iterdir():
            file.rename(place / file.name)
        (place / "train" / folder).rmdir()
    (place / "train").rmdir()
    (place / "classes.txt").write_text("\n".join(CLASSES), "utf-8")


def darknet(place: Path) -> None:
    """A list of names, a list of images from another folder, text files beside the images."""
    one_folder(place)
    (place / "classes.txt").rename(place / "obj.names")
    (place / "obj_train_data").mkdir()
    names = []
    for file in list(place.glob("*.png")) + list(place.glob("*.txt")):
        file.rename(place / "obj_train_data" / file.name)
        names += [f"data/obj_train_data/{file.name}"] if file.suffix == ".png" else []
    (place / "train.txt").write_text("\n".join(names), "utf-8")
    (place / "obj.data").write_text("classes = 2\ntrain = data/train.txt\n", "utf-8")


@pytest.mark.parametrize("arrange", [one_folder, darknet])
def test_yolo_without_a_folder_of_labels(arrange: Callable[[Path], None], tmp_path: Path):
    """Also where a folder around all of it is called images."""
    made = pictures(8)
    place = yolo(tmp_path / "images" / "d", made)
    (place / "data.yaml").unlink()
    arrange(place)
    assert not problems(DataConfig(name="custom", folder=str(place)))
    there = opened(voc(tmp_path / "v", made)).train
    for root in (place, zipped(place, tmp_path / "d.zip")):
        assert format_of(root) == "YOLO" and content(opened(root).train) == content(there)


def test_a_listed_image_that_is_nowhere_is_named(tmp_path: Path):
    place = yolo(tmp_path / "d", pictures(8))
    (place / "data.yaml").write_text("train: list.txt\nnames: [cat, dog]\n")
    names = [*(f"C:\\x\\bild {at} ü.png" for at in range(8)), "", "C:\\x\\gone.png"]
    (place / "list.txt").write_text("\n".join(names), "utf-8")
    config = DataConfig(name="custom", folder=str(place))
    (line,) = problems(config)
    assert line == f"{place / 'list.txt'}: line 10: 'C:\\\\x\\\\gone.png': there is no such image"
    (left_out,) = open_splits(replace(config, skip_bad=True)).left_out
    assert left_out.startswith(line.removesuffix("there is no such image"))
