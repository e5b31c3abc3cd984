"""The chance level is what the same boxes on every image score, and costs next to nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.splits import Splits
from study.training.evaluation.chance import IMAGES, _hits, chance, constant

Objects = Sequence[tuple[int, Sequence[float]]]
"""Category and xywh, as shares of the image."""
TWO: Objects = [(3, (0.1, 0.2, 0.3, 0.4)), (90, (0.5, 0.5, 0.25, 0.5))]


def index(folder: Path, images: Sequence[Objects], crowd: bool = False) -> Index:
    """Images of two widths, with these objects each."""
    folder.mkdir()
    sizes = [(200 + 200 * (i % 2), 100) for i in range(len(images))]
    shown = [
        {"id": 1 + i, "file_name": f"{i}.png", "width": width, "height": height}
        for i, (width, height) in enumerate(sizes)
    ]
    every = [(i, *each) for i, objects in enumerate(images) for each in objects]
    annotations = [
        {
            "id": 1 + number,
            "image_id": 1 + i,
            "category_id": category,
            "bbox": (np.array(box) * (sizes[i] * 2)).tolist(),
            "area": 500.0,
            "iscrowd": int(crowd),
        }
        for number, (i, category, box) in enumerate(every)
    ]
    names = [{"id": 3, "name": "left"}, {"id": 90, "name": "right"}]
    content = {"images": shown, "annotations": annotations, "categories": names}
    (folder / "a.json").write_text(json.dumps(content))
    return Index.open(AnnotationFile(folder / "a.json", folder))


def splits(train: Index, tune: Index, report: Index) -> Splits:
    ids = [one.image_id for one in (train, tune, report)]
    return Splits(train, ids[0], tune, ids[1], report, ids[2])


def anywhere(images: int, objects: int) -> list[Objects]:
    rng = np.random.default_rng(1)
    return [[(3, (*rng.random(2) * 0.8, 0.1, 0.1)) for _ in range(objects)] for _ in range(images)]


def test_objects_that_lie_alike_in_all_images_are_found_without_looking(tmp_path: Path):
    alike = index(tmp_path / "alike", [TWO] * 6)
    half = index(tmp_path / "half", [TWO, [(3, (0.6, 0.1, 0.1, 0.1))]] * 3)
    found = chance(splits(alike, alike, half))
    assert found["tune"] == pytest.approx(100)
    assert 0 < found["report"] < 100
    assert [label for _, label, _ in constant(alike, alike.image_id)] == [0, 1]


def test_objects_that_lie_anywhere_are_not(tmp_path: Path):
    spread = index(tmp_path / "spread", anywhere(60, 2))
    other = index(tmp_path / "other", anywhere(70, 2)[60:])
    assert chance(splits(spread, other, other))["report"] < 5


def test_what_is_guessed_first_is_what_most_images_have(tmp_path: Path):
    rare = (90, (0.5, 0.5, 0.25, 0.5))
    data = index(tmp_path / "data", [[TWO[0]]] * 5 + [[rare]])
    (first, label, box), *_ = constant(data, data.image_id)
    assert (first, label) == (pytest.approx(5 / 6), 0)
    assert box.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_what_one_box_has_found_earns_no_other_anything(tmp_path: Path):
    here, there = (3, (0.1, 0.2, 0.3, 0.4)), (3, (0.6, 0.5, 0.25, 0.5))
    data = index(tmp_path / "data", [[here]] * 4 + [[there]] * 3)
    guesses = constant(data, data.image_id)
    assert [score for score, _, _ in guesses] == pytest.approx([4 / 7, 3 / 7])


def test_a_box_earns_the_share_of_overlaps_that_it_reaches():
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.2, 0.1, 0.4, 0.5], [5.0, 5.0, 1.0, 1.0]])
    objects = np.array([[0.0, 0.0, 1.0, 0.62], [0.2, 0.1, 0.5, 0.5]])
    # overlaps 0.62 and 0.25; 0.2 / 0.62 and 0.8; none
    shares = [[0.3, 0.0], [0.0, 0.7], [0.0, 0.0]]
    assert _hits(boxes, objects).round(2).tolist() == shares


def test_a_split_without_objects_has_none(tmp_path: Path):
    data, empty = index(tmp_path / "data", [TWO] * 3), index(tmp_path / "empty", [[]] * 3)
    crowds = index(tmp_path / "crowds", [TWO] * 3, crowd=True)
    assert chance(splits(data, empty, data)).keys() == {"report"}
    assert chance(splits(crowds, data, data)) == {"tune": 0.0, "report": 0.0}


@pytest.mark.slow
def test_it_takes_a_second_or_two_however_many_images_there_are(tmp_path: Path):
    many = index(tmp_path / "many", anywhere(IMAGES + 50, 10))
    begun = time.process_time()
    first = chance(splits(many, many, many))
    assert time.process_time() - begun < 2
    assert chance(splits(many, many, many)) == first  # the same images are drawn
