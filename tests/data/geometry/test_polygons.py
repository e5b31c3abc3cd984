"""Polygons follow the picture as masks do, and only what is trained on is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hotcoco import mask as rle

from study.config import TINY, DataConfig
from study.data.batches.example import cropped, flipped, tight_boxes
from study.data.batches.loader import TrainingData
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.splits import open_splits
from tests.data.coco_files import HEIGHT, WIDTH, content, masks, write

SHARED = Path(__file__).parents[4] / "shared" / "data" / "coco_cc_by"
PLAIN = replace(TINY, short_px=HEIGHT, long_px=WIDTH)
DETECTRON = replace(PLAIN, fidelity="detectron")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    data = content()
    del data["annotations"][4]["segmentation"]  # of image 12
    return Index.open(AnnotationFile(*write(tmp_path, "train", data)))


def rasterised(points: np.ndarray, sizes: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 [height, width] of one object's rings, as COCO fills them."""
    rings = np.split(points.astype(float), np.cumsum(sizes)[:-1])
    parts = rle.frPyObjects([ring.ravel().tolist() for ring in rings], height, width)
    return rle.decode([rle.merge(parts)])[:, :, 0]


def test_every_form_of_segmentation_has_its_polygons(index: Index):
    for row, mask in zip(index.rows(10), masks().values(), strict=True):
        rings = index.polygons(row)
        sizes = np.array([len(ring) for ring in rings])
        assert np.array_equal(rasterised(np.concatenate(rings), sizes, HEIGHT, WIDTH), mask)
    (ring,) = index.polygons(0)
    assert ring.dtype == np.float32  # as in the file
    assert ring.tolist() == [[5, 10], [25, 10], [25, 20], [5, 20]]


def test_an_object_without_a_segmentation_has_its_box(index: Index):
    (row,) = index.rows(12)
    assert not index.has_mask(row)
    assert index.polygons(row)[0].tolist() == [[5, 10], [25, 10], [25, 20], [5, 20]]


@pytest.mark.parametrize("side", [None, 64])
def test_polygons_and_masks_are_the_same_objects_in_every_batch(side: int | None):
    """Of the embedded data, in their own size: flipped, cropped, with and without holes."""
    splits = open_splits(DataConfig())
    ids, model = splits.subset(12), replace(TINY, crop_px=side)
    bits = TrainingData(splits.train, ids, model)
    rings = TrainingData(splits.train, ids, replace(model, fidelity="detectron"))
    for iteration in range(2):
        a, b = (data.batch(iteration, 0, 8, range(8)) for data in (bits, rings))
        for mask_target, target in zip(a.targets, b.targets, strict=True):
            owner, sizes = target["polygon_owner"].numpy(), target["polygon_sizes"].numpy()
            points = target["polygons"].numpy()
            assert points.dtype == np.float32 and len(points) == sizes.sum()
            assert set(owner) == set(range(len(target["boxes"])))
            of_point = owner.repeat(sizes)
            for k, mask in enumerate(mask_target["masks"].numpy()):
                part = rasterised(points[of_point == k], sizes[owner == k], *mask.shape)
                assert np.array_equal(part, mask)
            assert np.array_equal(mask_target["boxes"], target["boxes"])


def test_real_polygons_fit_their_boxes_when_scaled_and_flipped():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    path = SHARED / "annotations" / "instances_val2017.json"
    index = Index.open(AnnotationFile(path, SHARED / "val2017"))
    model = replace(TINY, fidelity="detectron", train_short_px=(64, 128))
    data = TrainingData(index, np.array(index.image_id), model)
    several = 0
    for target in data.batch(0, 0, 15, range(15)).targets:
        of_point = target["polygon_owner"].repeat_interleave(target["polygon_sizes"])
        several += int((target["polygon_owner"].bincount() > 1).sum()) if len(of_point) else 0
        for k, box in enumerate(target["boxes"]):
            points = target["polygons"][of_point == k]
            extent = np.concatenate([points.amin(dim=0), points.amax(dim=0)])
            assert abs(extent - box.numpy()).max() < 0.3  # boxes in the file are rounded
    assert several  # objects of more than one part


def test_only_what_is_trained_on_is_made(index: Index):
    ids = np.array([10])
    keys = {
        "masks": PLAIN,
        "polygons": DETECTRON,
        "neither": replace(PLAIN, masks=False),
        "neither, as Detectron": replace(DETECTRON, masks=False),
    }
    found = {
        name: set(TrainingData(index, ids, model).batch(0, 0, 1, range(1)).targets[0])
        for name, model in keys.items()
    }
    boxes = {"boxes", "labels"}
    assert found["masks"] == boxes | {"masks"}
    assert found["polygons"] == boxes | {"polygons", "polygon_sizes", "polygon_owner"}
    assert found["neither"] == found["neither, as Detectron"] == boxes
    assert TrainingData(index, ids, keys["neither"]).plain(0).masks is None


def test_a_crop_keeps_the_same_objects_whatever_is_trained_on(index: Index):
    ids = np.array([10])
    models = (PLAIN, DETECTRON, replace(PLAIN, masks=False))
    for seed in range(8):
        parts = [
            cropped(
                TrainingData(index, ids, replace(model, crop_px=32)).plain(0),
                32,
                np.random.default_rng(seed),
            )
            for model in models
        ]
        for part in parts:
            assert part.masks is not None
            assert np.array_equal(part.labels, parts[0].labels)
            assert np.array_equal(part.boxes, tight_boxes(part.masks))


def test_an_image_without_objects_has_empty_polygons(index: Index):
    target = TrainingData(index, np.array([11]), DETECTRON).batch(0, 0, 1, range(1)).targets[0]
    shapes = {name: tuple(value.shape) for name, value in target.items()}
    assert shapes["polygons"] == (0, 2)
    assert shapes["polygon_sizes"] == shapes["polygon_owner"] == (0,)


def test_a_mirror_of_the_mirror_is_the_polygon_again(index: Index):
    data = TrainingData(index, np.array([10]), DETECTRON)
    example = data.plain(0)
    twice = flipped(flipped(example, data.mirror), data.mirror)
    assert example.polygons is not None and twice.polygons is not None
    assert np.array_equal(twice.polygons.points, example.polygons.points)
