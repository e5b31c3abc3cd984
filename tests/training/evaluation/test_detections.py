"""Rows of results are in the original's pixels and say no more than the detector does."""

from __future__ import annotations

import numpy as np
import torch
from hotcoco import mask as rle

from study.config import TINY, DataConfig
from study.data.batches.loader import evaluation_batches
from study.data.splits import open_splits
from study.training.evaluation.detections import encode, rows

INDEX = open_splits(DataConfig()).val
BATCH = next(evaluation_batches(INDEX, INDEX.image_id[:2], TINY, 2))


def output() -> dict[str, torch.Tensor]:
    boxes = torch.tensor([[9.0, 12, 45, 60], [0, 0, 30, 30]])
    return {"boxes": boxes, "scores": torch.tensor([0.75, 0.5]), "labels": torch.tensor([2, 1])}


def test_a_detector_without_a_mask_head_has_no_segmentation():
    first, _ = rows(output(), BATCH, 1, INDEX)
    scale_x, scale_y = BATCH.scales[1]
    assert set(first) == {"image_id", "category_id", "score", "bbox"}
    assert (first["image_id"], first["score"]) == (BATCH.image_ids[1], 0.75)
    assert first["category_id"] == INDEX.category_id[1]
    expected = [9 / scale_x, 12 / scale_y, 36 / scale_x, 48 / scale_y]
    assert np.allclose(first["bbox"], expected)


def test_masks_are_pasted_into_their_boxes():
    full = output() | {"masks": torch.ones(2, 1, 14, 14)}
    found = rows(full, BATCH, 0, INDEX)
    for row in found:
        mask = rle.decode(row["segmentation"])
        assert mask.shape == BATCH.original_sizes[0]
        assert abs(mask.sum() / (row["bbox"][2] * row["bbox"][3]) - 1) < 0.1


def test_keypoints_are_x_y_as_coco_counts_pixels_and_one():
    points = torch.tensor([[[9.0, 12, 4.5], [20, 30, -1]], [[1, 2, 3], [4, 5, 6]]])
    first, second = rows(output() | {"keypoints": points}, BATCH, 1, INDEX)
    scale_x, scale_y = BATCH.scales[1]
    expected = [9 / scale_x - 0.5, 12 / scale_y - 0.5, 1]
    expected += [20 / scale_x - 0.5, 30 / scale_y - 0.5, 1]
    assert np.allclose(first["keypoints"], expected)
    assert len(second["keypoints"]) == 6 and "segmentation" not in second


def test_no_detections_no_rows():
    none = {name: value[:0] for name, value in output().items()}
    none |= {"masks": torch.ones(0, 1, 14, 14), "keypoints": torch.ones(0, 3, 3)}
    assert rows(none, BATCH, 0, INDEX) == []


def test_masks_survive_encoding():
    mask = np.random.default_rng(0).random((17, 23)) < 0.3
    assert np.array_equal(rle.decode(encode(mask)).astype(bool), mask)
