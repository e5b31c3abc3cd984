"""Our AP is pycocotools' AP, and the ground truth fed back scores 100."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hotcoco import mask as rle

from study.config import DataConfig
from study.data.index import Index
from study.data.sources import open_splits
from study.evaluation.coco import average_precision
from study.evaluation.detections import encode

SHARED = Path(__file__).parents[3] / "shared" / "data"
REAL = {
    "coco": ("coco_cc_by/annotations/instances_val2017.json", "coco_cc_by/val2017"),
    "nuclei": ("nuclei/annotations/instances_val.json", "nuclei/val"),
}


@pytest.fixture(params=["shapes", *REAL])
def index(request: pytest.FixtureRequest) -> Index:
    if request.param == "shapes":
        return open_splits(DataConfig()).val
    annotations, images = (SHARED / part for part in REAL[request.param])
    if not annotations.exists():
        pytest.skip(f"{annotations} is not there")
    return Index.open(annotations, images)


def as_detections(truth: dict[str, Any], crowd: bool = False) -> list[dict[str, Any]]:
    return [
        {key: row[key] for key in ("image_id", "category_id", "bbox", "segmentation")}
        | {"score": 0.9}
        for row in truth["annotations"]
        if crowd or not row["iscrowd"]
    ]


def perturbed(truth: dict[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Shifted boxes, masks with noise, wrong classes, duplicates, ties in the scores."""
    classes = [row["id"] for row in truth["categories"]]
    found = []
    for row in as_detections(truth, crowd=True) * 2:
        if rng.random() < 0.2:
            continue
        bbox = np.array(row["bbox"]) + rng.normal(0, 0.08, 4) * row["bbox"][2]
        mask = rle.decode(row["segmentation"]).astype(bool)
        mask = np.roll(mask, rng.integers(-2, 3, 2), (0, 1)) & (rng.random(mask.shape) < 0.97)
        wrong = rng.random() < 0.1
        found.append(
            {
                "image_id": row["image_id"],
                "category_id": int(rng.choice(classes)) if wrong else row["category_id"],
                "bbox": bbox.clip(min=0.5).tolist(),
                "segmentation": encode(mask),
                "score": float(rng.integers(1, 20)) / 20,
            }
        )
    return found


def test_ground_truth_fed_back_scores_100(index: Index):
    truth = index.coco(index.image_id)
    scores = average_precision(truth, as_detections(truth))
    most = {name for name, value in scores.items() if value == pytest.approx(100)}
    assert most == set(scores), scores


def test_equals_pycocotools(index: Index):
    truth = index.coco(index.image_id)
    found = perturbed(truth, np.random.default_rng(0))
    ours = average_precision(truth, found)
    reference = average_precision(truth, found, backend="pycocotools")
    assert ours == pytest.approx(reference, abs=1e-9)
    assert 1 < ours["AP_box"] < 99  # type: ignore[operator]  # a comparison of zeros shows nothing


def test_no_detections_is_zero(index: Index):
    assert set(average_precision(index.coco(index.image_id), []).values()) == {0.0}


def test_masks_survive_encoding():
    mask = np.random.default_rng(0).random((17, 23)) < 0.3
    assert np.array_equal(rle.decode(encode(mask)).astype(bool), mask)
