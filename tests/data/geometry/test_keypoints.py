"""Keypoints in the index, for COCO's metric, and as what a keypoint head is trained on."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.coco
import pycocotools.cocoeval
import pytest
from PIL import Image

from study.config import TINY, DataConfig
from study.data.batches.example import cropped, flipped
from study.data.batches.loader import TrainingData
from study.data.formats.coco import AnnotationFile
from study.data.geometry import keypoints
from study.data.index import Index
from study.data.splits import open_splits
from study.data.splits.classes import same_classes
from tests.data.coco_files import HEIGHT, KEYPOINTS, WIDTH, content, with_keypoints, write

SHARED = Path(__file__).parents[4] / "shared" / "data" / "coco_cc_by"
MODEL = replace(TINY, keypoints=3, short_px=40, long_px=60)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.open(AnnotationFile(*write(tmp_path, "train", with_keypoints(content()))))


def test_the_index_has_zeros_where_an_object_has_no_keypoints(index: Index):
    assert index.keypoint_name.tolist() == KEYPOINTS
    rows = index.rows(10)
    assert index.keypoints[rows][0].tolist() == [[6, 12, 2], [8, 11, 1], [0, 0, 0]]
    assert not index.keypoints[rows][1].any()  # of the category that has none


def test_cocos_ground_truth_has_keypoints_only_if_there_are_any(index: Index, tmp_path: Path):
    truth = index.coco([10])
    assert truth["annotations"][0]["keypoints"] == [6, 12, 2, 8, 11, 1, 0, 0, 0]
    assert [a["num_keypoints"] for a in truth["annotations"]] == [2, 0, 2, 2]
    assert [c.get("keypoints") for c in truth["categories"]] == [KEYPOINTS, None]
    plain = Index.open(AnnotationFile(*write(tmp_path, "plain", content())))
    assert plain.keypoints.shape == (len(plain.bbox), 0, 3)
    assert "keypoints" not in plain.coco([10])["annotations"][0]


def test_cocos_keypoint_metric_runs_on_real_persons():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    path = SHARED / "annotations" / "person_keypoints_val2017.json"
    index = Index.open(AnnotationFile(path, SHARED / "val2017"))
    assert len(index.keypoint_name) == 17
    truth = index.coco(index.image_id.tolist())
    found = [
        {key: a[key] for key in ("image_id", "category_id", "keypoints")} | {"score": 0.9}
        for a in truth["annotations"]
        if a["num_keypoints"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco: Any = pycocotools.coco.COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = pycocotools.cocoeval.COCOeval(coco, coco.loadRes(found), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1)


def test_left_and_right_are_exchanged_in_the_mirror():
    names = ["nose", "left_eye", "right_eye", "left_handed", "lefty"]
    assert keypoints.mirrored(names).tolist() == [0, 2, 1, 3, 4]
    assert keypoints.mirrored(["centre", "top", "bottom"]).tolist() == [0, 1, 2]


def test_a_flip_moves_keypoints_as_it_moves_boxes(index: Index):
    data = TrainingData(index, np.array([10]), MODEL)
    example = data.plain(0)
    mirror = flipped(example, data.mirror)
    assert mirror.keypoints is not None and example.keypoints is not None
    there = [[WIDTH - 6.5, 12.5, 2], [0, 0, 0], [WIDTH - 8.5, 11.5, 1]]
    assert mirror.keypoints[0].tolist() == there
    assert (mirror.keypoints[0, 0, 0] - mirror.boxes[0, 2]) == -1.5  # as far from its nearer side
    twice = flipped(mirror, data.mirror)
    assert twice.keypoints is not None
    assert np.array_equal(twice.keypoints, example.keypoints)


@pytest.mark.parametrize("short_px", [40, 80, 100])
def test_a_keypoint_stays_on_its_pixel_in_every_size_and_mirror(index: Index, short_px: int):
    """A file counts pixels: at (6, 12) means the seventh column's and thirteenth row's middle."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[12, 6] = 255
    Image.fromarray(pixels).save(index.image_dir / str(index.file_name[0]))
    data = TrainingData(index, np.array([10]), replace(MODEL, short_px=short_px, long_px=200))
    for example in (data.plain(0), flipped(data.plain(0), data.mirror)):
        bright = example.image[..., 0].astype(float)
        rows, columns = np.indices(bright.shape) + 0.5  # from the image's edge
        middle = [np.average(at, weights=bright) for at in (columns, rows)]
        assert example.keypoints is not None
        assert example.keypoints[0, 0, :2] == pytest.approx(middle, abs=0.05)


def test_keypoints_grow_with_the_image(index: Index):
    data = TrainingData(index, np.array([10]), replace(MODEL, short_px=100, long_px=200))
    found = data.plain(0).keypoints
    assert found is not None
    assert found[0].tolist() == [[16.25, 31.25, 2], [21.25, 28.75, 1], [0, 0, 0]]


def test_keypoints_outside_a_crop_are_not_labelled(index: Index):
    data = TrainingData(index, np.array([12]), replace(MODEL, crop_px=32))
    example = data.plain(0)
    lost = 0
    for seed in range(20):
        part = cropped(example, 32, np.random.default_rng(seed))
        assert part.keypoints is not None and part.keypoints.shape == (len(part.labels), 3, 3)
        for x, y, visibility in part.keypoints.reshape(-1, 3):
            assert 0 <= x <= 32 and 0 <= y <= 32
            assert visibility or (x, y) == (0, 0)
        for box, nose in zip(part.boxes, part.keypoints[:, 0], strict=True):
            lost += not nose[2]
            whole = box[2] - box[0] == 20 and box[3] - box[1] == 10
            assert not whole or nose.tolist() == [box[0] + 1.5, box[1] + 2.5, 2]
    assert lost


def test_targets_have_keypoints_if_the_model_has(index: Index):
    ids = np.array([10, 11])
    batch = TrainingData(index, ids, MODEL).batch(0, 0, 2, range(2))
    shapes = {i: t["keypoints"].shape for i, t in zip(batch.image_ids, batch.targets, strict=True)}
    assert shapes == {10: (3, 3, 3), 11: (0, 3, 3)}
    without = TrainingData(index, ids, replace(MODEL, keypoints=0)).batch(0, 0, 2, range(2))
    assert all("keypoints" not in target for target in without.targets)


def test_another_number_of_keypoints_is_refused(index: Index):
    with pytest.raises(ValueError, match=r"model\.keypoints = 17: .* has 3 per object") as error:
        TrainingData(index, np.array([10]), replace(MODEL, keypoints=17))
    assert str(index.path) in str(error.value)


def test_splits_name_the_same_keypoints(index: Index, tmp_path: Path):
    other = with_keypoints(content())
    other["categories"][0] = other["categories"][0] | {"keypoints": KEYPOINTS[::-1]}
    with pytest.raises(ValueError, match="both must name the same ones"):
        same_classes(index, Index.open(AnnotationFile(*write(tmp_path, "val", other))))


def test_the_embedded_objects_have_top_and_bottom_at_their_boxes_edges():
    """Where both are seen, so that nothing hides the object's ends; flipped or not."""
    splits = open_splits(DataConfig())
    data = TrainingData(splits.train, splits.subset(12), replace(TINY, keypoints=3))
    for target in data.batch(0, 0, 12, range(12)).targets:
        seen = (target["keypoints"][:, 1:, 2] == 2).all(dim=1)
        ends, boxes = target["keypoints"][seen, 1:, 1], target["boxes"][seen][:, [1, 3]]
        assert ((ends - boxes).abs() <= 0.5).all()
