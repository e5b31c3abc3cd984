"""Test-time augmentation: what it must not change, and what it must treat alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from study.config import TINY, DataConfig, EvaluationConfig, ModelConfig, ScheduleConfig
from study.data.batches.loader import evaluation_batches
from study.data.splits import open_splits
from study.models.detector import Detector
from study.training.evaluation import augmentation
from study.training.evaluation.augmentation import (
    View,
    detect_augmented,
    merged,
    moved,
    sides,
)
from study.training.evaluation.detections import Detection, detect
from tests.runs import TINY_RUN, complete

INDEX = open_splits(DataConfig()).val
IDS = np.array(INDEX.image_id[:7])
MODEL = replace(TINY, detections=10, score_threshold=0.3)
SIDES = sides(MODEL, EvaluationConfig(short_px=(64,)))


def confident(model: ModelConfig) -> Detector:
    """One that has learnt nothing and has no doubts: scores of all sizes, few of them equal."""
    torch.manual_seed(0)
    detector = Detector(model, len(INDEX.category_id)).eval()
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if name.endswith(("cls_score.weight", "cls_logits.weight")):
                weight *= 40
    return detector.to(torch.float64)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return confident(MODEL)


def plainly(detector: Detector, model: ModelConfig) -> list[Detection]:
    return detect(detector, (own for (own,) in evaluation_batches(INDEX, IDS, [model], 4)), INDEX)


def augmented(
    detector: Detector, batch_size: int = 8, rank: int = 0, workers: int = 1
) -> list[Detection]:
    batches = evaluation_batches(INDEX, IDS, SIDES, batch_size, rank, workers)
    return detect_augmented(detector, batches, INDEX, flip=True, masks=True)


@pytest.fixture(scope="module")
def together(detector: Detector) -> list[Detection]:
    return augmented(detector)


def test_sides_keep_the_proportion_and_the_models_own_comes_first():
    found = sides(TINY, EvaluationConfig(short_px=(64, 96, 192)))
    assert [(model.short_px, model.long_px) for model in found] == [
        (96, 160),
        (64, 107),
        (192, 320),
    ]


KINDS_OF_MODEL = {
    "masks": MODEL,
    "boxes": replace(MODEL, masks=False),
    "cascade": replace(MODEL, cascade=(0.5, 0.6, 0.7)),
}


@pytest.mark.parametrize("model", KINDS_OF_MODEL.values(), ids=KINDS_OF_MODEL)
def test_one_view_alone_is_the_plain_result(model: ModelConfig):
    detector = confident(model)
    plain = plainly(detector, model)
    batches = evaluation_batches(INDEX, IDS, [model], 4)
    assert detect_augmented(detector, batches, INDEX, flip=False, masks=model.masks) == plain
    assert len(plain) > 20


def test_keypoints_are_not_augmented():
    model = replace(MODEL, masks=False, keypoints=3)
    detector = confident(model)
    plain = plainly(detector, model)
    batches = evaluation_batches(INDEX, IDS, [model], 4)
    found = detect_augmented(detector, batches, INDEX, flip=False, masks=False)
    assert [len(row.pop("keypoints")) for row in plain] == [9] * len(plain)
    assert found == plain  # in all else


@pytest.mark.slow
def test_more_views_find_something_else(detector: Detector, together: list[Detection]):
    plain = plainly(detector, MODEL)
    assert {row["score"] for row in together} - {row["score"] for row in plain}
    assert detector.training is False


def test_the_mirror_image_has_the_mirrored_detections(detector: Detector):
    (own, small), *_ = evaluation_batches(INDEX, IDS, SIDES, 3)
    views, mirrored = [], []
    for batch in (own, small):
        view = View(batch.images)
        other = View(view.mirror().images)
        views += [view, view.mirror()]
        mirrored += [other, other.mirror()]
    with torch.no_grad():
        pairs = zip(merged(detector, views, True), merged(detector, mirrored, True), strict=True)
        for image, (here, there) in enumerate(pairs):
            assert len(here["boxes"]) > 2
            orders = here["scores"].argsort(), there["scores"].argsort()
            here, there = (
                {name: value[order] for name, value in found.items()}
                for found, order in zip((here, there), orders, strict=True)
            )
            back = moved(there["boxes"], views[1], views[0], image)
            assert torch.allclose(here["boxes"], back, atol=1e-6)
            assert torch.allclose(here["scores"], there["scores"], atol=1e-9)
            assert torch.equal(here["labels"], there["labels"])
            assert torch.allclose(here["masks"], there["masks"].flip(-1), atol=1e-6)


@pytest.mark.slow
def test_workers_and_batches_make_no_difference(detector: Detector, together: list[Detection]):
    parts = [row for rank in range(2) for row in augmented(detector, 2, rank, 2)]
    parts.sort(key=lambda row: row["image_id"])
    assert len(parts) == len(together) > 20
    for one, other in zip(parts, together, strict=True):
        assert one["segmentation"] == other["segmentation"]
        for name in ("image_id", "category_id", "score", "bbox"):
            assert one[name] == pytest.approx(other[name], abs=1e-9)


def test_every_size_is_looked_at_and_in_the_mirror_too(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
):
    seen: list[list[tuple[int, bool]]] = []

    def merging(_: Detector, views: list[View], __: bool) -> list[dict[str, torch.Tensor]]:
        seen.append([(min(view.sizes[0]), view.mirrored) for view in views])
        return []

    monkeypatch.setattr(augmentation, "merged", merging)
    short = [model.short_px for model in SIDES]
    for flip in (True, False):
        batches = evaluation_batches(INDEX, IDS[:1], SIDES, 1)
        detect_augmented(detector, batches, INDEX, flip=flip, masks=True)
    plain = [(px, False) for px in short]
    assert seen == [[(px, mirrored) for px in short for mirrored in (False, True)], plain]


def test_boxes_move_between_views_and_back():
    plain = View([torch.zeros(3, 60, 100, dtype=torch.uint8)])
    small = View([torch.zeros(3, 30, 50, dtype=torch.uint8)], mirrored=True)
    box = torch.tensor([[10.0, 6, 40, 60]])
    there = moved(box, plain, small, 0)
    assert there.tolist() == [[30, 3, 45, 30]]
    assert torch.equal(moved(there, small, plain, 0), box)


def test_every_image_is_mirrored_in_its_own_width():
    wide = torch.arange(1, 6, dtype=torch.uint8).expand(3, 3, 5)
    narrow = torch.arange(1, 3, dtype=torch.uint8).expand(3, 4, 2)
    mirror = View([wide, narrow]).mirror()
    assert mirror.mirrored and mirror.sizes == [(3, 5), (4, 2)]
    assert mirror.images[0][0, 0].tolist() == [5, 4, 3, 2, 1]
    assert mirror.images[1][0, 3].tolist() == [2, 1]
    assert torch.equal(mirror.mirror().images[0], wide)


@pytest.mark.slow
def test_a_run_records_what_its_configuration_asks_for(tmp_path: Path):
    asked = EvaluationConfig(metric="voc", short_px=(64,), flip=True)
    schedule = ScheduleConfig(lengths=(4,), tail=(2, 1), warmup=1)
    plain = replace(TINY_RUN, schedule=schedule)
    (record,) = complete(tmp_path / "all", replace(plain, evaluation=asked)).records()
    (without,) = complete(tmp_path / "plain", plain).records()
    coco = {f"{metric}_{kind}" for metric in ("AP", "AP50", "AP75") for kind in ("box", "mask")}
    named = coco | {"mAP_voc07", "mAP_voc12"}
    new = (named | {f"{name}_augmented" for name in named}) - coco
    assert set(record) - set(without) == new
    assert all(0 <= record[name] <= 100 for name in new)
    assert {name: record[name] for name in coco} == {name: without[name] for name in coco}
