"""Rows of results are in the original's pixels and say no more than the detector does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hotcoco import mask as rle
from pycocotools import mask as peer
from torchvision.models.detection.roi_heads import paste_masks_in_image

from study.config import TINY, DataConfig
from study.data.batches.loader import evaluation_batches
from study.data.splits import open_splits
from study.storage.detection_files import detections_file, read_detections
from study.training.evaluation.detections import pasted, rows
from tests.runs import TINY_RUN, complete, mixed_shapes, with_lengths

INDEX = open_splits(DataConfig()).val
(BATCH,) = next(evaluation_batches(INDEX, INDEX.image_id[:2], [TINY], 2))


def output() -> dict[str, torch.Tensor]:
    boxes = torch.tensor([[9.0, 12, 45, 60], [0, 0, 30, 30]])
    return {"boxes": boxes, "scores": torch.tensor([0.75, 0.5]), "labels": torch.tensor([2, 1])}


def test_a_detector_without_a_mask_head_has_no_segmentation():
    first, _ = rows(output(), BATCH, 1, INDEX.category_id)
    scale_x, scale_y = BATCH.scales[1]
    assert set(first) == {"image_id", "category_id", "score", "bbox"}
    assert (first["image_id"], first["score"]) == (BATCH.image_ids[1], 0.75)
    assert first["category_id"] == INDEX.category_id[1]
    expected = [9 / scale_x, 12 / scale_y, 36 / scale_x, 48 / scale_y]
    assert np.allclose(first["bbox"], expected)


def test_masks_are_pasted_into_their_boxes():
    full = output() | {"masks": torch.ones(2, 1, 14, 14)}
    found = rows(full, BATCH, 0, INDEX.category_id)
    for row in found:
        mask = rle.decode(row["segmentation"])
        assert mask.shape == BATCH.original_sizes[0]
        assert abs(mask.sum() / (row["bbox"][2] * row["bbox"][3]) - 1) < 0.1


def test_keypoints_are_x_y_as_coco_counts_pixels_and_one():
    points = torch.tensor([[[9.0, 12, 4.5], [20, 30, -1]], [[1, 2, 3], [4, 5, 6]]])
    first, second = rows(output() | {"keypoints": points}, BATCH, 1, INDEX.category_id)
    scale_x, scale_y = BATCH.scales[1]
    expected = [9 / scale_x - 0.5, 12 / scale_y - 0.5, 1]
    expected += [20 / scale_x - 0.5, 30 / scale_y - 0.5, 1]
    assert np.allclose(first["keypoints"], expected)
    assert len(second["keypoints"]) == 6 and "segmentation" not in second


def test_no_detections_no_rows():
    none = {name: value[:0] for name, value in output().items()}
    none |= {"masks": torch.ones(0, 1, 14, 14), "keypoints": torch.ones(0, 3, 3)}
    assert rows(none, BATCH, 0, INDEX.category_id) == []


def on_the_whole_image(
    masks: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """What `pasted` is said to be: torchvision's whole images, encoded by pycocotools."""
    images = (paste_masks_in_image(masks, boxes, size)[:, 0] > 0.5).numpy()
    found: list[Any] = [peer.encode(np.asfortranarray(image, np.uint8)) for image in images]
    return [{"size": list(size), "counts": one["counts"].decode()} for one in found]


def of_random_corners(size: tuple[int, int], beyond: float, count: int) -> torch.Tensor:
    """Boxes on an image, of any size, which stick out of it by up to `beyond` px."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, 2, generator=generator)
    corners = corners * (torch.tensor([size[1], size[0]]) + 2 * beyond) - beyond
    low, high = corners.amin(1), corners.amax(1)
    on_it = (high > 0).all(1) & (low < torch.tensor([size[1], size[0]])).all(1)
    return torch.cat([low, high], dim=1)[on_it]  # torchvision fails at one wholly beside it


@pytest.mark.parametrize("size", [(60, 83), (83, 60)])
@pytest.mark.parametrize("beyond", [0.0, 0.5, 12.0])
@pytest.mark.parametrize("side", [14, 28])
def test_masks_are_those_pasted_on_the_whole_image(
    size: tuple[int, int], beyond: float, side: int
):
    boxes = of_random_corners(size, beyond, 150)
    generator = torch.Generator().manual_seed(1)
    masks = torch.rand(len(boxes), 1, side, side, generator=generator)
    masks[::3] = masks[::3].mean(dim=(2, 3), keepdim=True).round().expand_as(masks[::3])
    assert list(pasted(masks, boxes, size)) == on_the_whole_image(masks, boxes, size)


def test_boxes_at_the_edges_and_without_an_area_are_pasted_alike():
    height, width = size = 40, 50
    boxes = torch.tensor(
        [
            [0.0, 0, width, height],  # all of it
            [-30, -30, width + 30, height + 30],
            [10, -5, 20, height + 5],  # runs from column to column
            [-3, 12, 7, 30],
            [width - 4, height - 4, width + 9, height + 9],
            [7, 7, 7, 7],
            [7, 7, 7.4, 30],
            [-20, 5, -0.9, 20],  # touches the first column at most
            [width, 5, width + 20, 20],
        ]
    )
    for masks in (torch.ones(len(boxes), 1, 28, 28), torch.zeros(len(boxes), 1, 28, 28)):
        assert list(pasted(masks, boxes, size)) == on_the_whole_image(masks, boxes, size)


def test_a_box_beside_the_image_has_an_empty_mask():
    beside = torch.tensor(
        [[-30.0, 5, -10, 20], [80, 5, 95, 20], [5, -30, 20, -10], [5, 60, 20, 90]]
    )
    for found in pasted(torch.ones(4, 1, 28, 28), beside, (40, 50)):
        assert found["size"] == [40, 50] and not rle.decode(found).any()


def test_detections_are_stored_image_after_image(tmp_path: Path):
    """Images are looked at by their shape, and by several workers: that makes no difference."""
    data = mixed_shapes(tmp_path / "data")
    run = replace(with_lengths(TINY_RUN, 6), data=data, split="report", keep_detections=True)
    done = complete(tmp_path / "run", replace(run, model=replace(run.model, score_threshold=0.0)))
    rows = read_detections(detections_file(done, done.records()[0]["leg"]))
    images = [row["image_id"] for row in rows]
    assert len(set(images)) > 4 and images == sorted(images)
