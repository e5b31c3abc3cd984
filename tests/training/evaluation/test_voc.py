"""VOC's mAP by hand, and against the devkit's procedure on its own inclusive corners."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from study.training.evaluation.metrics import chosen
from study.training.evaluation.voc import mean_average_precision


def truth(*objects: tuple[int, int, list[float], bool]) -> dict[str, Any]:
    """Objects as (image, class, box xywh px, difficult)."""
    names = ("image_id", "category_id", "bbox", "iscrowd")
    return {"annotations": [dict(zip(names, row, strict=True)) for row in objects]}


def found(*rows: tuple[int, int, list[float], float]) -> list[dict[str, Any]]:
    """Detections as (image, class, box xywh px, score)."""
    names = ("image_id", "category_id", "bbox", "score")
    return [dict(zip(names, row, strict=True)) for row in rows]


def points(truth: dict[str, Any], detections: list[dict[str, Any]]) -> list[Any]:
    """By 11 points, by area."""
    return list(mean_average_precision(truth, detections).values())


A, B, C = [0.0, 0, 10, 10], [20.0, 0, 10, 10], [0.0, 0, 10, 20]
THREE = truth((1, 1, A, False), (1, 1, B, False), (2, 1, C, False))
MIXED = found(
    (1, 1, A, 0.9),  # finds A                                        precision 1    recall 1/3
    (1, 1, [1, 0, 10, 10], 0.8),  # A again, overlap 9/11: false       precision 1/2
    (2, 1, [0, 0, 10, 10], 0.7),  # finds C, an overlap of just 1/2    precision 2/3  recall 2/3
    (2, 1, [5, 5, 30, 30], 0.6),  # too large for C: false             precision 2/4
    (1, 1, [22, 0, 10, 10], 0.5),  # finds B, overlap 8/12             precision 3/5  recall 1
    (3, 1, A, 0.4),  # nothing there: false                            precision 3/6
)
BY_POINTS = (4 * 1 + 3 * 2 / 3 + 4 * 3 / 5) / 11  # recalls 0 … 0.3, 0.4 … 0.6, 0.7 … 1
BY_AREA = (1 + 2 / 3 + 3 / 5) / 3


def test_three_objects_and_mixed_detections_by_hand():
    assert points(THREE, MIXED) == pytest.approx([100 * BY_POINTS, 100 * BY_AREA])


def test_order_counts_only_among_equal_scores():
    assert points(THREE, MIXED[::-1]) == pytest.approx([100 * BY_POINTS, 100 * BY_AREA])
    hit, miss = found((1, 1, A, 0.5)), found((1, 1, [50, 50, 9, 9], 0.5))
    one = truth((1, 1, A, False))
    assert points(one, hit + miss) == pytest.approx([100, 100])
    assert points(one, miss + hit) == pytest.approx([50, 50])


def test_perfect_detections_score_100_and_none_0():
    perfect = found((1, 1, A, 0.1), (1, 1, B, 0.2), (2, 1, C, 0.3))
    assert points(THREE, perfect) == pytest.approx([100, 100])
    assert points(THREE, []) == [0, 0]


def test_a_duplicate_is_a_false_alarm_however_good():
    twice = found((1, 1, [1, 0, 10, 10], 0.9), (1, 1, A, 0.8), (1, 1, B, 0.7))
    objects = truth((1, 1, A, False), (1, 1, B, False))
    expected = [100 * (6 * 1 + 5 * 2 / 3) / 11, 100 * (1 + 2 / 3) / 2]
    assert points(objects, twice) == pytest.approx(expected)


def test_the_most_overlapped_object_is_asked_for_even_if_it_is_taken():
    """The second detection overlaps A by 9/11 and its neighbour by 2/3: it does not move on."""
    neighbour = [3.0, 0, 10, 10]
    objects = truth((1, 1, A, False), (1, 1, neighbour, False))
    detections = found((1, 1, A, 0.9), (1, 1, [1, 0, 10, 10], 0.8))
    assert points(objects, detections) == pytest.approx([100 * 6 / 11, 50])


def test_a_difficult_object_counts_neither_way():
    objects = truth((1, 1, A, False), (1, 1, B, True), (2, 1, C, True))
    on_difficult = found((1, 1, B, 0.95), (1, 1, B, 0.94), (2, 1, C, 0.93))  # any number of them
    for extra in ([], on_difficult):
        assert points(objects, extra + found((1, 1, A, 0.9))) == pytest.approx([100, 100])
    near = found((1, 1, [26, 0, 10, 10], 0.95))  # overlaps B by a quarter: a false alarm
    assert points(objects, near + found((1, 1, A, 0.9))) == pytest.approx([50, 50])


def test_classes_without_an_object_that_counts_are_left_out():
    objects = truth((1, 1, A, False), (1, 2, B, True), (1, 3, C, False))
    detections = found((1, 1, A, 0.9), (1, 2, A, 0.8), (1, 4, A, 0.7))
    assert points(objects, detections) == pytest.approx([50, 50])  # of classes 1 and 3
    assert points(truth((1, 2, B, True)), detections) == [None, None]


def test_three_of_ten_reach_a_recall_of_three_tenths():
    objects = truth(*((image, 1, A, False) for image in range(10)))
    detections = found(*((image, 1, A, 0.5) for image in range(3)))
    assert points(objects, detections) == pytest.approx([100 * 4 / 11, 30])


def devkit(objects: dict[str, Any], detections: list[dict[str, Any]]) -> list[float]:
    """The same from scratch: inclusive corners counted from 1, fractions, one step at a time."""

    def corners(row: dict[str, Any]) -> tuple[int, int, int, int]:
        x, y, w, h = row["bbox"]
        return x + 1, y + 1, x + w, y + h

    def area(box: tuple[int, int, int, int]) -> int:
        return max(0, box[2] - box[0] + 1) * max(0, box[3] - box[1] + 1)

    def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> Fraction:
        (x1, y1), (x2, y2) = map(max, a[:2], b[:2]), map(min, a[2:], b[2:])
        shared = 0 if x2 < x1 or y2 < y1 else area((x1, y1, x2, y2))
        return Fraction(shared, area(a) + area(b) - shared)

    by_points, by_area = [], []
    for category in {row["category_id"] for row in objects["annotations"]}:
        own = [row for row in objects["annotations"] if row["category_id"] == category]
        wanted = sum(1 - row["iscrowd"] for row in own)
        ranked = [row for row in detections if row["category_id"] == category]
        ranked.sort(key=lambda row: -row["score"])
        used: list[dict[str, Any]] = []
        hits = misses = 0
        curve: list[tuple[Fraction, Fraction]] = []  # recall, precision
        for row in ranked:
            there = [o for o in own if o["image_id"] == row["image_id"]]
            best = max(there, key=lambda o: overlap(corners(o), corners(row)), default=None)
            if best is None or overlap(corners(best), corners(row)) < Fraction(1, 2):
                misses += 1
            elif best["iscrowd"]:
                continue
            elif any(best is one for one in used):
                misses += 1
            else:
                used.append(best)
                hits += 1
            if wanted:
                curve.append((Fraction(hits, wanted), Fraction(hits, hits + misses)))
        if not wanted:
            continue

        def best_from(recall: Fraction, curve: Any = curve) -> Fraction:
            return max((p for r, p in curve if r >= recall), default=Fraction(0))

        by_points.append(sum(best_from(Fraction(k, 10)) for k in range(11)) / 11)
        steps = sorted({Fraction(0), *(r for r, _ in curve)})
        area_under = sum(
            (best_from(high) * (high - low) for low, high in itertools.pairwise(steps)),
            Fraction(0),
        )
        by_area.append(area_under)
    return [float(100 * sum(aps) / len(aps)) for aps in (by_points, by_area)]


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_devkits_procedure_on_random_data(seed: int):
    rng = np.random.default_rng(seed)

    def box(near: list[int] | None = None) -> list[int]:
        corner, size = rng.integers(0, 30, 2), rng.integers(1, 25, 2)
        if near is not None:
            corner = np.array(near[:2]) + rng.integers(-3, 4, 2)
            size = (np.array(near[2:]) + rng.integers(-3, 4, 2)).clip(1)
        return [*corner.tolist(), *size.tolist()]

    rows: list[Any] = [
        (int(rng.integers(4)), int(rng.integers(3)), box(), bool(rng.random() < 0.3))
        for _ in range(30)
    ]
    objects = truth((0, 0, [0, 0, 10, 10], False), *rows)
    detections: list[Any] = []
    for image, category, place, _ in rows * 3:
        guess = box(near=place) if rng.random() < 0.8 else box()
        detections.append((image, category, guess, float(rng.integers(1, 12)) / 12))
    ours = points(objects, found(*detections))
    assert ours == pytest.approx(devkit(objects, found(*detections)), abs=1e-9)
    assert 1 < ours[1] < 99


def test_an_unknown_metric_is_refused_with_those_there_are():
    assert [metric.name for metric in chosen("voc")] == ["coco", "voc"]
    with pytest.raises(ValueError, match=r"evaluation\.metric = 'lvis': one of coco, voc"):
        chosen("lvis")
