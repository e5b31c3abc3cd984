"""AP of any images from one matching, and the mistakes in it, by hand and against the metric."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from analysis.detections import mistakes
from analysis.detections.matches import evaluated, ground_truth, matches
from study.training.evaluation.coco import average_precision
from tests.analysis.detections.scenes import copied, found, matched, scenes


def test_with_every_image_once_it_is_the_full_metric():
    rng = np.random.default_rng(0)
    truth = scenes(30, rng)
    rows = found(truth, rng)
    reference = average_precision(truth, rows, ["box"], backend="pycocotools")["AP_box"]
    assert matched(truth, rows).ap()[0] == pytest.approx(reference, abs=1e-9)


def test_a_weight_is_so_many_copies_of_the_image():
    rng = np.random.default_rng(1)
    truth = scenes(12, rng)
    rows = found(truth, rng)
    for at, row in enumerate(rows):  # copies of equal scores within an image may swap
        row["score"] += at * 1e-6
    once = matched(truth, rows)
    weights = rng.multinomial(12, [1 / 12] * 12, size=8)
    aps = once.ap(weights)
    for own, ap in zip(weights, aps, strict=True):
        again = average_precision(*copied(truth, rows, own), ["box"], backend="pycocotools")
        assert ap == pytest.approx(again["AP_box"], abs=1e-9)
    assert once.ap(weights[3:4])[0] == pytest.approx(aps[3], abs=1e-12)


def test_images_without_objects_have_no_ap_and_no_detections_have_0():
    truth = scenes(4, np.random.default_rng(2))
    nothing = matched(truth, [])
    assert nothing.ap()[0] == 0
    assert math.isnan(nothing.ap(np.array([[1, 0, 0, 0]]))[0])
    shares = nothing.tops().share()
    assert math.isnan(shares[0])
    assert not shares[1:].any()


def test_the_share_that_hits_is_that_of_the_highest_scores():
    box = {"image_id": 1, "category_id": 1, "bbox": [10.0, 10.0, 20.0, 20.0]}
    other = box | {"bbox": [60.0, 60.0, 20.0, 20.0]}
    objects = [one | {"id": i, "area": 400.0, "iscrowd": 0} for i, one in enumerate((box, other))]
    crowd = box | {"id": 9, "bbox": [0.0, 80.0, 20.0, 20.0], "area": 400.0, "iscrowd": 1}
    truth = scenes(1, np.random.default_rng(0)) | {"annotations": [*objects, crowd]}
    below = {"category_id": 2, "score": 0.7}
    rows = [
        other | {"score": 0.5},  # a hit, but the third of two
        box | {"score": 0.8, "bbox": [10.0, 10.0, 20.0, 15.0]},  # IoU 0.75: six of ten thresholds
        crowd | {"score": 0.9},  # counts for nothing
        box | below,  # of another class
    ]
    tops = matched(truth, rows).tops()
    assert tops.row.tolist() == [1, 3]
    assert tops.share().tolist() == [pytest.approx(100 * 0.6 / 2)]


def test_a_thousand_resamples_take_seconds():
    rng = np.random.default_rng(3)
    truth = scenes(200, rng)
    run = matched(truth, found(truth, rng))
    weights = rng.multinomial(200, [1 / 200] * 200, size=1000)
    began = time.process_time()
    run.ap(weights)
    assert time.process_time() - began < 3


MISTAKES = {  # kind of mistake: a detection beside the one object's own, at [0, 0, 50, 50]
    "classification": {"category_id": 2},
    "localisation": {"bbox": [0.0, 0.0, 50.0, 20.0]},
    "both": {"category_id": 2, "bbox": [0.0, 0.0, 50.0, 20.0]},
    "background": {"bbox": [80.0, 80.0, 20.0, 20.0]},
    "duplicate": {"score": 0.8},
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_are_of_the_kinds_that_tide_defines(kind: str):
    right = {"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [0.0, 0.0, 50.0, 50.0]}
    truth = scenes(1, np.random.default_rng(0))
    object_ = {"id": 1, "image_id": 1, "category_id": 1, "bbox": right["bbox"]}
    truth["annotations"] = [object_ | {"area": 2500.0, "iscrowd": 0}]
    tide = evaluated(ground_truth(truth), [right, right | MISTAKES[kind]]).tide_errors()
    counted = {name: tide["counts"][short] for name, short in mistakes.KINDS.items()}
    assert counted == {name: int(name == kind) for name in mistakes.KINDS}


@pytest.mark.parametrize("before", [60, 99, 100])
def test_a_hundred_detections_of_a_class_in_an_image_count(before: int):
    """As in the AP that a run records: the object is found by the one behind so many."""
    box = [10.0, 10.0, 20.0, 20.0]
    object_ = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 400, "iscrowd": 0}
    truth = {
        "images": [{"id": 1, "width": 99, "height": 99}],
        "annotations": [object_],
        "categories": [{"id": 1, "name": "a"}],
    }
    boxes = [[50.0, 50.0, 9.0, 9.0]] * before + [box]
    scores = np.linspace(0.9, 0.1, len(boxes)).tolist()
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": own, "score": score}
        for own, score in zip(boxes, scores, strict=True)
    ]
    recorded = average_precision(truth, rows, ["box"])["AP_box"]
    (found,) = matches(evaluated(ground_truth(truth), rows)).ap()
    assert found == pytest.approx(recorded) and (found > 0) == (before < 100)
