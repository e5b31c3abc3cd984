"""Our AP is pycocotools' AP, and the ground truth fed back scores 100."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hotcoco import mask as rle

from study.config import DataConfig
from study.data.formats.coco import AnnotationFile
from study.data.geometry.run_lengths import encoded
from study.data.index import Index
from study.data.splits import open_splits
from study.training.evaluation.coco import OTHER_SIGMA, average_precision
from tests.data.coco_files import content, write

SHARED = Path(__file__).parents[4] / "shared" / "data"
REAL = {
    "coco": ("coco_cc_by/annotations/instances_val2017.json", "coco_cc_by/val2017"),
    "nuclei": ("nuclei/annotations/instances_val.json", "nuclei/val"),
}


# hundreds of nuclei in an image: the peer takes long over them
@pytest.fixture(params=["shapes", "coco", pytest.param("nuclei", marks=pytest.mark.slow)])
def index(request: pytest.FixtureRequest) -> Index:
    if request.param == "shapes":
        return open_splits(DataConfig()).val
    annotations, images = (SHARED / part for part in REAL[request.param])
    if not annotations.exists():
        pytest.skip(f"{annotations} is not there")
    return Index.open(AnnotationFile(annotations, images))


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
                "segmentation": encoded(mask),
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


def test_what_is_found_in_a_crowd_counts_neither_way(tmp_path: Path):
    data = content(1)
    index = Index.open(AnnotationFile(*write(tmp_path, "val", data)))
    truth = index.coco(index.image_id)
    (crowd,) = [row for row in truth["annotations"] if row["iscrowd"]]
    found = as_detections(truth)
    place = {key: crowd[key] for key in ("image_id", "category_id", "bbox", "segmentation")}
    for value in average_precision(truth, found).values():
        assert value == pytest.approx(100)  # the crowd need not be found
    beside = average_precision(truth, [place | {"score": 0.99}, *found])
    assert beside["AP_box"] == beside["AP_mask"] == pytest.approx(100)  # and is no mistake
    elsewhere = [place | {"score": 0.99, "category_id": 90}, *found]  # there it is one
    assert average_precision(truth, elsewhere)["AP_box"] < 90  # type: ignore[operator]


def test_no_detections_is_zero(index: Index):
    assert set(average_precision(index.coco(index.image_id), []).values()) == {0.0}


def persons(rng: np.random.Generator, keypoints: int) -> dict[str, Any]:
    """Objects with keypoints, some not labelled; objects and a class without any; a crowd."""
    annotations = []
    for image in range(1, 9):
        for place in range(4):
            corner, size = rng.uniform(0, 100, 2), rng.uniform(20, 120, 2)
            points = np.hstack(
                [corner + size * rng.random((keypoints, 2)), np.zeros((keypoints, 1))]
            )
            points[:, 2] = 0 if place == 3 else rng.integers(0, 3, keypoints)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": 3 if place == 3 and image % 2 else 1 + place % 2,
                    "bbox": [*corner.tolist(), *size.tolist()],
                    "area": 0.6 * float(size.prod()),
                    "iscrowd": int(place == 2 and image == 3),
                    "keypoints": points.flatten().tolist(),
                    "num_keypoints": int((points[:, 2] > 0).sum()),
                }
            )
    return {
        "images": [{"id": image, "width": 300, "height": 300} for image in range(1, 9)],
        "annotations": annotations,
        "categories": [{"id": number, "name": str(number)} for number in (1, 2, 3)],
    }


def moved_by(truth: dict[str, Any], px: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """A detection of each object, every keypoint so many px off on average."""
    found = []
    for row in truth["annotations"]:
        points = np.array(row["keypoints"]).reshape(-1, 3)
        points[:, :2] += rng.normal(0, px, (len(points), 2))
        points[:, 2] = 1
        found.append(
            {name: row[name] for name in ("image_id", "category_id", "bbox")}
            | {"keypoints": points.flatten().tolist(), "score": float(rng.integers(1, 9)) / 9}
        )
    return found


@pytest.mark.parametrize("keypoints", [17, 5])
def test_keypoints_equal_pycocotools(keypoints: int):
    rng = np.random.default_rng(keypoints)
    truth = persons(rng, keypoints)
    found = moved_by(truth, 4, rng) + moved_by(truth, 9, rng)
    ours = average_precision(truth, found, ("box", "keypoint"))
    reference = average_precision(truth, found, ("box", "keypoint"), backend="pycocotools")
    assert ours == pytest.approx(reference, abs=1e-9)
    assert 1 < ours["AP_keypoint"] < 99  # type: ignore[operator]
    assert not any(name.endswith("_mask") for name in ours)
    perfect = average_precision(truth, moved_by(truth, 0, rng), ("keypoint",))
    assert set(perfect) == {"AP_keypoint", "AP50_keypoint", "AP75_keypoint"}
    assert list(perfect.values()) == pytest.approx([100] * 3)


def test_object_keypoint_similarity_is_as_computed_by_hand():
    """exp(-d² / (2 area (2 sigma)²)): 0.62 reaches three of the ten thresholds from 0.5 on."""
    area = 100.0
    d = math.sqrt(-math.log(0.62) * 2 * area * (2 * OTHER_SIGMA) ** 2)
    place = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]}
    truth = {
        "images": [{"id": 1, "width": 50, "height": 50}],
        "annotations": [
            place
            | {"id": 1, "area": area, "iscrowd": 0, "keypoints": [5, 5, 2], "num_keypoints": 1}
        ],
        "categories": [{"id": 1, "name": "one"}],
    }
    found = [place | {"score": 0.5, "keypoints": [5 + d, 5, 1]}]
    scores = average_precision(truth, found, ("keypoint",))
    assert list(scores.values()) == pytest.approx([30, 100, 0])
