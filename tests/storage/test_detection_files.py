"""What a study keeps of its evaluations, and what that changes: nothing else."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.commands.recorded import keep_truth
from study.config import DataConfig, RunConfig, from_dict, to_dict
from study.data.splits import open_splits
from study.storage import File, opened
from study.storage.detection_files import (
    detections_file,
    has_truth,
    read_detections,
    read_truth,
    truth_file,
    write_detections,
    write_truth,
)
from study.storage.run_dir import StudyDir, TrialDir
from study.training import engine
from study.training.evaluation.coco import average_precision
from tests.runs import TINY_RUN, complete, exact, trial
from tests.simulated import design

KEEPING = replace(
    TINY_RUN,
    keep_detections=True,
    keep_weights=False,
    schedule=replace(TINY_RUN.schedule, lengths=(5, 6)),
)
LEGS = ("tail-5-0.1", "tail-6-0.1")


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    return complete(tmp_path_factory.mktemp("keeping"), KEEPING)


def kept(directory: TrialDir) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.path.glob("detections-*")}


def test_kept_detections_score_as_recorded(keeping: TrialDir):
    index, ids = open_splits(KEEPING.data).images(KEEPING.split)
    for leg, record in zip(LEGS, keeping.records(), strict=True):
        detections = read_detections(detections_file(keeping, leg))
        assert detections
        scores = average_precision(index.coco(ids), detections)
        assert scores == {name: record[name] for name in scores}


@pytest.mark.slow
def test_keeping_them_changes_no_record(keeping: TrialDir, tmp_path: Path):
    plain = complete(tmp_path, replace(KEEPING, keep_detections=False))
    assert exact(plain.records()) == exact(keeping.records())
    assert not kept(plain)


@pytest.mark.slow
def test_killed_before_its_record_is_written_a_tail_is_kept_alike(
    keeping: TrialDir, tmp_path: Path
):
    directory = trial(tmp_path, KEEPING)
    with contextlib.closing(engine.run(KEEPING, directory)) as records:
        next(records)
    (directory.path / "records.jsonl").unlink()  # as if it had died between the two files
    torn = detections_file(directory, LEGS[0])
    torn.write((torn.read() or b"")[:99])
    assert kept(complete(tmp_path, KEEPING)) == kept(keeping)


def test_detections_come_back_as_they_were(keeping: TrialDir, tmp_path: Path):
    full = read_detections(detections_file(keeping, LEGS[0]))
    box = {"image_id": 3, "category_id": 2, "score": 1 / 3, "bbox": [0.1, 1e-9, 7.0, 1e3]}
    mixed = [*full, box, box | {"keypoints": [1.5, 2.5, 1.0]}]
    file = File(opened(tmp_path), "kept.parquet")
    for rows in (full, mixed, []):
        write_detections(file, rows)
        assert read_detections(file) == rows
    write_detections(file, mixed)
    bare = read_detections(file, masks=False)
    assert bare == [{k: v for k, v in row.items() if k != "segmentation"} for row in mixed]


def test_a_file_of_something_else_is_named(tmp_path: Path):
    (tmp_path / "kept.parquet").write_text("AP")
    with pytest.raises(ValueError, match=r"kept\.parquet: holds no detections"):
        read_detections(File(opened(tmp_path), "kept.parquet"))
    study = StudyDir(tmp_path)
    assert read_truth(study) is None
    truth_file(study).write(b"AP")
    with pytest.raises(ValueError, match=r"report_split\.json\.gz: holds no ground truth"):
        read_truth(study)


TRUTH = {
    "images": [{"id": 1, "width": 9, "height": 8, "file_name": "a.png"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1.5], "area": 1, "iscrowd": 0}
    ],
    "categories": [{"id": 2, "name": "cell"}],
}


@pytest.mark.parametrize(
    ("kind", "name", "value", "says"),
    [
        ("images", None, [None], "images[0] = None: must be an object"),
        ("images", None, None, "images = None: must be a list"),
        ("categories", None, ..., "categories = None: must be a list"),
        ("images", None, TRUTH["images"] * 2, "images[1]: id = 1: images[0] has it too"),
        ("annotations", None, TRUTH["annotations"] * 2, "annotations[1]: id = 1: "),
        ("images", "id", "a", "images[0]: id = 'a': must be a whole number"),
        ("images", "id", 2, "annotations[0]: image_id = 1: is none of the images"),
        ("images", "width", 0, "images[0]: width = 0: must be a whole number of px"),
        ("images", "file_name", 3, "images[0]: file_name = 3: must be text"),
        ("images", "file_name", "a\0", "must be text"),
        ("images", "file_name", ..., "images[0]: has no file_name"),
        ("images", "scale", {"kind": "whole numbers", "low": 3, "high": 3}, "scale = "),
        ("categories", "name", None, "categories[0]: name = None: must be text"),
        ("categories", "id", 3, "annotations[0]: category_id = 2: is none of the categories"),
        ("annotations", "bbox", "x", "annotations[0]: bbox = 'x': must be four finite numbers"),
        ("annotations", "bbox", [0, 0, 1, float("nan")], "must be four finite numbers"),
        ("annotations", "bbox", [0, 0, 1], "must be four finite numbers"),
        ("annotations", "area", None, "area = None: must be a finite number"),
        ("annotations", "segmentation", {"size": [0, 1], "counts": ""}, "segmentation = "),
    ],
)
def test_a_truth_whose_parts_do_not_fit_is_refused(
    kind: str, name: str | None, value: object, says: str, tmp_path: Path
):
    study = StudyDir(tmp_path)
    write_truth(study, TRUTH)
    assert read_truth(study) == TRUTH and has_truth(study, [1])
    changed: dict[str, Any] = copy.deepcopy(TRUTH)
    where, key = (changed, kind) if name is None else (changed[kind][0], name)
    if value is ...:
        del where[key]
    else:
        where[key] = value
    write_truth(study, changed)
    with pytest.raises(ValueError) as refused:
        read_truth(study)
    said = str(refused.value)
    assert said.startswith(f"{tmp_path}/report_split.json.gz: holds no ground truth")
    assert says in said
    assert "writes it anew" in said and "remove it" in said and "\n" not in said
    assert not has_truth(study, [1])  # so that it is written anew


def test_the_truth_of_other_images_is_written_anew(tmp_path: Path):
    splits, study = open_splits(DataConfig(val_size=5)), StudyDir(tmp_path)
    write_truth(study, TRUTH)
    keep_truth(study, splits)
    assert has_truth(study, splits.val_ids.tolist())


def test_the_truth_is_that_of_the_report_split_and_written_once(tmp_path: Path):
    splits, study = open_splits(DataConfig(val_size=5)), StudyDir(tmp_path)
    keep_truth(study, splits)
    truth = read_truth(study)
    assert truth is not None
    names = [image.pop("file_name") for image in truth["images"]]
    assert names == [f"00000{i}.png" for i in range(1, 6)]
    assert truth == splits.val.coco(splits.val_ids)
    before = study.store.stamps("report_split*")
    keep_truth(study, splits)
    assert study.store.stamps("report_split*") == before and before


def test_keeping_them_is_no_part_of_the_question():
    asked = design()
    keeping = replace(asked.space, fixed=replace(asked.space.fixed, keep_detections=True))
    assert replace(asked, space=keeping).question({}) == asked.question({})
    assert "keep_detections" not in asked.question({})["fixed"]


def test_a_run_of_an_older_study_kept_none():
    older = to_dict(TINY_RUN)
    del older["keep_detections"]
    assert from_dict(RunConfig, older) == TINY_RUN
