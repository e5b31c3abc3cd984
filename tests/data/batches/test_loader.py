"""A batch is a function of (seed, iteration, slot); targets follow the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from study.config import TINY, DataConfig
from study.data.batches.example import cropped, flipped, tight_boxes
from study.data.batches.loader import Batch, TrainingData, evaluation_batches
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.splits import Splits, open_splits
from tests.data.coco_files import content, write


@pytest.fixture(scope="module")
def splits() -> Splits:
    return open_splits(DataConfig())


@pytest.fixture(scope="module")
def data(splits: Splits) -> TrainingData:
    return TrainingData(splits.train, splits.subset(12), TINY)


def same(a: Batch, b: Batch) -> bool:
    targets = zip(a.targets, b.targets, strict=True)
    return equal(a.images, b.images) and all(
        torch.equal(x[key], y[key]) for x, y in targets for key in x
    )


def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_batch_is_repeated_exactly_and_differs_from_others(data: TrainingData, splits: Splits):
    batch = data.batch(5, 0, 4, range(4))
    again = TrainingData(splits.train, splits.subset(12), TINY).batch(5, 0, 4, range(4))
    assert same(batch, again)
    assert not same(batch, data.batch(5, 1, 4, range(4)))
    assert not same(batch, data.batch(6, 0, 4, range(4)))


def test_slots_may_be_shared_out_in_any_way(data: TrainingData):
    whole = data.batch(5, 0, 4, range(4))
    parts = [data.batch(5, 0, 4, slots) for slots in (range(0, 1), range(1, 4))]
    assert equal(whole.images, [image for part in parts for image in part.images])
    assert {part.space for part in parts} == {whole.space}
    assert whole.image_ids == [i for part in parts for i in part.image_ids]


def test_every_epoch_shows_every_image_once(data: TrainingData):
    shown = [i for at in range(6) for i in data.batch(at, 0, 4, range(4)).image_ids]
    for epoch in (shown[:12], shown[12:]):
        assert sorted(epoch) == sorted(data.image_ids.tolist())
    assert shown[:12] != shown[12:]


def test_targets_fit_the_picture(data: TrainingData):
    """Boxes are tight around masks, also after flips: the embedded data's own boxes are."""
    for at in range(6):
        for target in data.batch(at, 0, 4, range(4)).targets:
            assert np.array_equal(tight_boxes(target["masks"].numpy()), target["boxes"].numpy())
            assert (target["labels"] >= 1).all()


def test_every_slot_of_every_iteration_draws_by_itself(data: TrainingData):
    drawn = np.array([[data._draw(i, 0, 8, s).mirrored for s in range(8)] for i in range(8)])
    shares = drawn.mean(axis=0), drawn.mean(axis=1)
    assert all(((share > 0) & (share < 1)).any() for share in shares)
    other = [[data._draw(i, 1, 8, s).mirrored for s in range(8)] for i in range(8)]
    assert (drawn != np.array(other)).any()


def test_flip_moves_image_boxes_and_masks_together(data: TrainingData):
    example = data.plain(0)
    mirror = flipped(example, data.mirror)
    assert mirror.masks is not None
    assert np.array_equal(tight_boxes(mirror.masks), mirror.boxes)
    assert np.array_equal(mirror.image[:, ::-1], example.image)
    assert np.array_equal(flipped(mirror, data.mirror).boxes, example.boxes)


def test_crop_keeps_what_is_seen(data: TrainingData):
    example = data.plain(int(np.argmax([len(data.plain(i).labels) for i in range(12)])))
    rng = np.random.default_rng(0)
    counts = set()
    for _ in range(20):
        part = cropped(example, 64, rng)
        assert part.image.shape == (64, 64, 3)
        assert part.masks is not None
        assert part.masks.shape == (len(part.labels), 64, 64)
        assert np.array_equal(tight_boxes(part.masks), part.boxes)
        counts.add(len(part.labels))
    assert len(counts) > 1  # some crops lose an object


def test_crowd_and_empty_images_train_without_targets(tmp_path: Path):
    index = Index.open(AnnotationFile(*write(tmp_path, "train", content(2))))
    model = replace(TINY, short_px=40, long_px=60)
    batch = TrainingData(index, np.array([10, 11]), model).batch(0, 0, 2, range(2))
    by_image = dict(zip(batch.image_ids, batch.targets, strict=True))
    assert len(by_image[10]["labels"]) == 3  # of four, one is a crowd
    assert by_image[11]["boxes"].shape == (0, 4)
    assert by_image[11]["masks"].shape == (0, 40, 60)
    assert [image.shape for image in batch.images] == [(3, 40, 60)] * 2


def test_resizing_scales_boxes_and_masks(tmp_path: Path):
    index = Index.open(AnnotationFile(*write(tmp_path, "train", content(1))))
    data = TrainingData(index, np.array([10]), replace(TINY, short_px=80, long_px=200))
    example = data.plain(0)
    assert example.masks is not None
    assert example.image.shape == (80, 120, 3)
    assert example.boxes[0].tolist() == [10, 20, 50, 40]
    assert np.array_equal(tight_boxes(example.masks)[0], example.boxes[0])


def test_evaluation_does_not_depend_on_who_shares_it(tmp_path: Path):
    index = Index.open(AnnotationFile(*write(tmp_path, "val", content(4))))
    model = replace(TINY, short_px=40, long_px=60)
    ids = np.array(index.image_id)
    ((whole,),) = evaluation_batches(index, ids, [model], 4)
    halves = [list(evaluation_batches(index, ids, [model], 1, rank, 2)) for rank in (0, 1)]
    by_id = {batch.image_ids[0]: batch for half in halves for (batch,) in half}
    for at, image_id in enumerate(whole.image_ids):
        assert torch.equal(by_id[image_id].images[0], whole.images[at])
    assert whole.original_sizes == [(40, 60)] * 4
    assert whole.scales == [(1.0, 1.0)] * 4


def test_images_at_several_sizes_are_the_same_images(tmp_path: Path):
    index = Index.open(AnnotationFile(*write(tmp_path, "val", content(3))))
    models = [replace(TINY, short_px=short, long_px=200) for short in (40, 80)]
    for small, large in evaluation_batches(index, np.array(index.image_id), models, 2):
        assert small.image_ids == large.image_ids
        assert {image.shape for image in small.images} == {(3, 40, 60)}
        assert {image.shape for image in large.images} == {(3, 80, 120)}
        assert small.scales[0] == (1, 1) and large.scales[0] == (2, 2)


def test_a_box_beside_its_image_is_no_target(tmp_path: Path):
    """The checks let a box stick out by a pixel; one wholly out there would have no area."""
    data = content()
    size = data["images"][0]["width"]
    outside = {"id": 999, "image_id": 10, "category_id": 3, "bbox": [size + 0.25, 5, 0.5, 8]}
    data["annotations"].append(outside | {"area": 4.0, "iscrowd": 0})
    index = Index.open(AnnotationFile(*write(tmp_path, "train", data)))
    target = TrainingData(index, np.array([10]), TINY).batch(0, 0, 1, range(1)).targets[0]
    sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
    assert len(sides) == len(target["masks"]) == 3 and (sides > 0).all()


def test_a_batch_that_moves_leaves_its_polygons_where_they_are_drawn(splits: Splits):
    data = TrainingData(splits.train, splits.subset(4), replace(TINY, fidelity="detectron"))
    batch = data.batch(0, 0, 4, range(4))
    moved = batch.to(torch.device("meta"))  # stands for a GPU
    assert {image.device.type for image in moved.images} == {"meta"}
    assert moved.space == batch.space and moved.image_ids == batch.image_ids
    for target in moved.targets:
        devices = {name: value.device.type for name, value in target.items()}
        assert devices == {
            "boxes": "meta",
            "labels": "meta",
            "polygons": "cpu",
            "polygon_sizes": "cpu",
            "polygon_owner": "cpu",
        }
    assert same(batch, batch.to(torch.device("cpu")))
