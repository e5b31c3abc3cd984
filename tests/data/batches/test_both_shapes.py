"""Portraits and landscapes in one batch: each has its own size, and its own scales of x and y."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.config import TINY
from study.config.model import Fidelity
from study.data.batches.loader import TrainingData, evaluation_batches
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.models.canvas import groups
from study.training.evaluation.detections import rows

SIZES = [(30, 77), (77, 30), (41, 40), (33, 95), (95, 33)]  # height, width: rounding differs
# of an image's width and height: left, top, right, bottom
PLACE = np.array([0.1, 0.2, 0.5, 0.9])
MODEL = replace(TINY, short_px=32, long_px=80, keypoints=2, crop_px=None)


def sides(height: int, width: int) -> np.ndarray:
    return np.array([width, height, width, height])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An object at the same share of each image, outlined and with a keypoint at two corners."""
    images, objects = [], []
    for at, (height, width) in enumerate(SIZES, 1):
        Image.fromarray(np.full((height, width, 3), 9 * at, np.uint8)).save(tmp_path / f"{at}.png")
        images.append({"id": at, "file_name": f"{at}.png", "width": width, "height": height})
        left, top, right, bottom = (PLACE * sides(height, width)).tolist()
        objects.append(
            {"id": at, "image_id": at, "category_id": 1, "iscrowd": 0, "num_keypoints": 2}
            | {"bbox": [left, top, right - left, bottom - top]}
            | {"area": (right - left) * (bottom - top)}
            | {"segmentation": [[left, top, right, top, right, bottom, left, bottom]]}
            | {"keypoints": [left - 0.5, top - 0.5, 2, right - 0.5, bottom - 0.5, 2]}
        )
    category = {"id": 1, "name": "thing", "keypoints": ["first", "last"]}
    told = {"images": images, "annotations": objects, "categories": [category]}
    (tmp_path / "all.json").write_text(json.dumps(told))
    return Index.open(AnnotationFile(tmp_path / "all.json", tmp_path))


@pytest.mark.parametrize("fidelity", ["torchvision", "detectron"])  # bit masks; polygons
def test_targets_are_at_their_place_of_each_image(index: Index, fidelity: Fidelity):
    data = TrainingData(index, np.array(index.image_id), replace(MODEL, fidelity=fidelity))
    shapes = set[bool]()
    for at in range(len(SIZES)):
        found = data.plain(at)
        height, width = found.image.shape[:2]
        shapes.add(height > width)
        wanted = PLACE * sides(height, width)
        assert found.boxes[0] == pytest.approx(wanted, abs=1e-4)
        assert found.keypoints is not None
        corners = found.keypoints[0, :, :2].ravel()
        assert corners == pytest.approx(wanted, abs=1e-4)
        if fidelity == "detectron":
            assert found.polygons is not None
            low, high = found.polygons.points.min(0), found.polygons.points.max(0)
            assert [*low, *high] == pytest.approx(wanted, abs=1e-4)
        else:
            assert found.masks is not None
            ys, xs = np.nonzero(found.masks[0])
            extent = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert extent == pytest.approx(wanted, abs=1.5)
    assert shapes == {True, False}


def test_detections_return_to_their_place_of_each_image(index: Index):
    (batch,) = next(evaluation_batches(index, np.array(index.image_id), [MODEL], len(SIZES)))
    for at, (pixels, number) in enumerate(zip(batch.images, batch.image_ids, strict=True)):
        box = torch.from_numpy(PLACE * sides(*pixels.shape[1:]))
        points = torch.cat([box.reshape(1, 2, 2), torch.ones(1, 2, 1)], dim=-1)
        output = {"boxes": box[None], "scores": torch.ones(1), "labels": torch.ones(1).long()}
        (found,) = rows(output | {"keypoints": points}, batch, at, index.category_id)
        (row,) = index.rows(number)
        assert found["bbox"] == pytest.approx(index.bbox[row].tolist(), abs=1e-4)
        places = np.array(found["keypoints"]).reshape(2, 3)[:, :2]
        assert places.ravel() == pytest.approx(index.keypoints[row][:, :2].ravel(), abs=1e-4)


def test_each_image_has_a_canvas_of_its_own_size(index: Index):
    (batch,) = next(evaluation_batches(index, np.array(index.image_id), [MODEL], len(SIZES)))
    mean, std = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    canvases = {
        at: tuple(group.inputs.shape[2:])
        for group in groups(batch.images, 32, mean, std)
        for at in group.images
    }
    for at, image in enumerate(batch.images):
        height, width = image.shape[1:]
        assert canvases[at] == (-(-height // 32) * 32, -(-width // 32) * 32)
    assert len(set(canvases.values())) > 1
