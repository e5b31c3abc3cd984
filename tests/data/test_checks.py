"""Each mistake in a data set is one clear line with file, id and field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.config import DataConfig
from study.data import checks
from study.data.checks import check, image_files, problems
from study.data.source import BadData
from tests.data.coco_files import KEYPOINTS, content, with_keypoints, write

SHARED = Path(__file__).parents[3] / "shared" / "data"
Data = dict[str, Any]


def config(folder: Path, **parts: Data) -> DataConfig:
    """Data of one's own, with `train` and `val` as given or in order."""
    files = {
        name: write(folder, name, parts.get(name, content(4, name)), seed)
        for seed, name in enumerate(("train", "val"))
    }
    given: dict[str, Any] = {name: str(path) for name, (path, _) in files.items()}
    given |= {f"{name}_images": str(images) for name, (_, images) in files.items()}
    return DataConfig(name="custom", **given)


def change(item: str, at: int, **values: Any) -> Callable[[Data], None]:
    return lambda data: data[item][at].update(values)


def without(item: str, at: int, key: str) -> Callable[[Data], None]:
    return lambda data: data[item][at].pop(key)


MISTAKES: list[tuple[Callable[[Data], Any], str]] = [
    (change("images", 1, id=10), "images id 10: occurs 2 times"),
    (change("annotations", 1, id=100), "annotations id 100: occurs 2 times"),
    (change("images", 0, id="ten"), "images[0]: id = 'ten': must be a whole number"),
    (change("images", 0, width=0), "images id 10: width = 0: must be a whole number of px"),
    (without("images", 0, "file_name"), "images id 10: file_name: must be a text"),
    (change("annotations", 0, image_id=5), "annotations id 100: image_id = 5: there is no such"),
    (change("annotations", 0, category_id=5), "annotations id 100: category_id = 5: no such"),
    (without("annotations", 0, "bbox"), "annotations id 100: bbox = None: must be four numbers"),
    (change("annotations", 0, bbox=[1, 2, 0, 4]), "bbox = [1, 2, 0, 4]: width and height must"),
    (change("annotations", 0, bbox=[50, 2, 20, 4]), "must lie inside its image of 60 x 40 px"),
    (change("annotations", 0, bbox=[0, 0, "9", 4]), "annotations id 100: bbox = [0, 0, '9', 4]"),
    (change("annotations", 0, segmentation=[[1, 2, 3, 4]]), "each polygon needs at least 3"),
    (
        change("annotations", 0, segmentation={"size": [9, 9], "counts": [81]}),
        "segmentation.size = [9, 9]: its image is [40, 60]",
    ),
    (
        change("annotations", 0, segmentation={"size": [40, 60], "counts": [7]}),
        "segmentation.counts: do not add up",
    ),
    (change("annotations", 0, segmentation="mask.png"), "segmentation: not polygons or run"),
    (change("annotations", 0, iscrowd=2), "annotations id 100: iscrowd = 2: must be 0 or 1"),
    (lambda data: data.update(images=[]), "images: must not be empty"),
    (lambda data: data["annotations"].append(3), "annotations[6]: must be an object"),
]


@pytest.mark.parametrize(("mistake", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
def test_each_mistake_has_its_line(tmp_path: Path, mistake: Callable[[Data], Any], words: str):
    good = content(4, "train")
    bad = copy.deepcopy(good)
    mistake(bad)
    data = config(tmp_path, train=good)
    Path(data.train or "").write_text(json.dumps(bad))
    lines = problems(data)
    assert any(words in line and line.startswith(str(data.train)) for line in lines), lines


POSED: list[tuple[Callable[[Data], Any], str]] = [
    (
        change("annotations", 0, keypoints=[1, 2, 2]),
        "annotations id 100: keypoints: 3 numbers",
    ),
    (change("annotations", 1, keypoints=[1, 2, 2]), "its category names 0 keypoints"),
    (
        change("annotations", 0, keypoints=[1, 2, 2, 3, 4, 3, 0, 0, 0]),
        "annotations id 100: keypoints[5] = 3: visibility must be 0",
    ),
    (change("annotations", 0, keypoints=["x"] * 9), "must be three numbers for each"),
    (
        change("categories", 1, keypoints=KEYPOINTS[::-1]),
        "categories id 90: keypoints = ['right_ear', 'left_ear', 'nose']: must be the same as"
        " those of categories id 3",
    ),
    (change("categories", 0, keypoints="nose"), "categories id 3: keypoints = 'nose': must be a"),
    (change("categories", 0, keypoints=["nose"] * 3), "each name only once"),
]


@pytest.mark.parametrize(("mistake", "words"), POSED, ids=[words for _, words in POSED])
def test_each_mistake_in_keypoints_has_its_line(
    tmp_path: Path, mistake: Callable[[Data], Any], words: str
):
    bad = copy.deepcopy(with_keypoints(content(4, "train")))
    data = config(tmp_path, train=bad)
    assert problems(data) == []
    mistake(bad)
    Path(data.train or "").write_text(json.dumps(bad))
    (line,) = problems(data)
    assert words in line and line.startswith(str(data.train)), line


def test_keypoints_that_nobody_names_are_left_alone(tmp_path: Path):
    loose = content(4, "train")
    loose["annotations"][0]["keypoints"] = [1, 2]
    assert problems(config(tmp_path, train=loose)) == []


def test_data_in_order_pass(tmp_path: Path):
    assert problems(config(tmp_path), sizes=(1, 3)) == []
    overhang = content(4, "train")
    overhang["annotations"][0]["bbox"] = [-0.5, 0.2, 61.0, 39.9]  # rounding, as real files have
    assert problems(config(tmp_path / "rounded", train=overhang)) == []


def test_missing_cut_off_and_missized_images(tmp_path: Path):
    data = config(tmp_path)
    folder = Path(data.train_images or "")
    whole = (folder / "train0.png").read_bytes()
    (folder / "train0.png").unlink()
    assert "file_name = 'train0.png': not in" in problems(data)[0]
    (folder / "train0.png").write_bytes(whole[:300])
    assert "images id 10" in problems(data)[0]
    assert "cannot be read as an image" in problems(data)[0]
    (folder / "train0.png").write_bytes(whole)
    stated = json.loads(Path(data.train or "").read_text())
    stated["images"][3]["width"] = 64
    Path(data.train or "").write_text(json.dumps(stated))
    assert "is 60 x 40 px, the annotations say 64 x 40" in "\n".join(problems(data))


def test_what_was_in_order_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    data = config(tmp_path)
    assert problems(data) == []
    with monkeypatch.context() as blind:
        blind.setattr(checks, "structure", lambda *_: ["looked again"])
        blind.setattr(image_files, "_look", lambda *_: "looked again")
        assert problems(data) == []
    bad = content(4, "train")
    bad["annotations"][0]["iscrowd"] = 2
    Path(data.train or "").write_text(json.dumps(bad))
    assert "iscrowd = 2" in problems(data)[0]


def test_splits_must_not_share_an_image(tmp_path: Path):
    data = config(tmp_path)
    folders = Path(data.train_images or ""), Path(data.val_images or "")
    (folders[1] / "val2.png").write_bytes((folders[0] / "train1.png").read_bytes())
    (line,) = problems(data)
    assert "val2.png: the same picture as" in line
    assert "train1.png" in line


def test_splits_must_list_the_same_classes(tmp_path: Path):
    other = content(4, "val")
    other["categories"] = [*other["categories"], {"id": 91, "name": "third"}]
    (line,) = problems(config(tmp_path, val=other))
    assert "both must list the same classes" in line


def test_classes_must_have_the_same_names(tmp_path: Path):
    other = content(4, "val")
    other["categories"] = [other["categories"][0], {"id": 90, "name": "wrong"}]
    (line,) = problems(config(tmp_path, val=other))
    assert "val.json: categories id 90: name = 'wrong': must be 'right', as in" in line


def test_one_file_for_two_splits_is_refused(tmp_path: Path):
    data = config(tmp_path)
    lines = problems(replace(data, val=data.train, val_images=data.train_images))
    assert len(lines) == 4 and all("is in both train and val" in line for line in lines)


def test_too_large_a_size_is_a_problem(tmp_path: Path):
    (line,) = problems(config(tmp_path), sizes=(2, 9))
    assert "size = 9" in line
    assert "held out for tuning" in line


def test_many_problems_are_counted(tmp_path: Path):
    bad = content(4, "train")
    bad["annotations"] = [{"id": i} for i in range(50)]
    with pytest.raises(BadData, match=r"100 problems in the data:\n.*annotations id 0") as error:
        check(config(tmp_path, train=bad))
    assert "… and 80 more" in str(error.value)


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("coco_cc_by/annotations/instances_train2017.json", "instances_val2017.json"),
        (
            "coco_cc_by/annotations/person_keypoints_train2017.json",
            "person_keypoints_val2017.json",
        ),
        ("nuclei/annotations/instances_train.json", "instances_val.json"),
    ],
)
def test_real_data_pass(train: str, val: str):
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    path = SHARED / train
    folder = path.parents[1]
    images = ("train2017", "val2017") if "coco" in train else ("train", "val")
    data = DataConfig(
        name="custom",
        train=str(path),
        train_images=str(folder / images[0]),
        val=str(path.with_name(val)),
        val_images=str(folder / images[1]),
    )
    assert problems(data) == []
