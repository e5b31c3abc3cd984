"""From a network's output to box and mask AP: the study, against what others are made of.

The peer is torchvision's `paste_masks_in_image` with pycocotools' `encode` and `COCOeval`.
Images and objects are like COCO's, detections like those of a detector that finds most of them.

python -m benchmarks.evaluation               # 40 images, two minutes
python -m benchmarks.evaluation --images 500
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pycocotools import mask as rle
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from benchmarks import index as like_coco
from benchmarks.pairs import compare
from study.data.batches.loader import Batch
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.training.evaluation.coco import average_precision
from study.training.evaluation.detections import rows
from study.training.evaluation.metric import Detection

DETECTIONS = 100  # of an image
FINDS = 4  # detections of each object, of which one is good; the others are of no object
SCALE = 800 / like_coco.HEIGHT  # of the network's input
MASK = 28  # px, of a detection's mask
Output = dict[str, Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40, help="default 40")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns; default 3")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["STUDY_CACHE"] = str(Path(folder) / "cache")
        path = Path(folder) / "instances_val.json"
        like_coco.write(path, options.images / like_coco.IMAGES)
        index = Index.open(AnnotationFile(path, path.parent))
        random = np.random.default_rng(0)
        outputs = {i: output(index, i, random) for i in index.image_id.tolist()}
        print(f"{len(outputs)} images, {DETECTIONS} detections each, boxes and masks")
        assert ours(index, outputs) == peer(index, outputs), "not the same AP"
        compare(
            {
                "study": lambda: ours(index, outputs),
                "torchvision, pycocotools": lambda: peer(index, outputs),
            },
            rounds=options.rounds,
            warmup=0,
        )


def ours(index: Index, outputs: dict[int, Output]) -> dict[str, float | None]:
    found: list[Detection] = []
    for image_id, of_image in outputs.items():
        found += rows(of_image, batch(index, image_id), 0, index.category_id)
    return average_precision(index.coco(outputs), found)


def peer(index: Index, outputs: dict[int, Output]) -> dict[str, float | None]:
    found: list[Detection] = []
    for image_id, of_image in outputs.items():
        at = index.position(image_id)
        boxes = of_image["boxes"] / SCALE
        size = int(index.height[at]), int(index.width[at])
        images = paste_masks_in_image(of_image["masks"], boxes, size)[:, 0] > 0.5
        corner, side = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        for box, score, label, mask in zip(
            torch.cat([corner, side], dim=1).tolist(),
            of_image["scores"].tolist(),
            of_image["labels"].tolist(),
            images.numpy(),
            strict=True,
        ):
            segmentation: Any = rle.encode(np.asfortranarray(mask, np.uint8))
            segmentation["counts"] = segmentation["counts"].decode()
            category = int(index.category_id[label - 1])
            found.append(
                {"image_id": image_id, "category_id": category, "score": score}
                | {"bbox": box, "segmentation": segmentation}
            )
    return average_precision(index.coco(outputs), found, backend="pycocotools")


def batch(index: Index, image_id: int) -> Batch:
    """What the network was shown, but for its pixels."""
    at = index.position(image_id)
    return Batch(
        images=[],
        image_ids=[image_id],
        scales=[(SCALE, SCALE)],
        original_sizes=[(int(index.height[at]), int(index.width[at]))],
    )


def output(index: Index, image_id: int, random: np.random.Generator) -> Output:
    """What a network gives: boxes around the objects, soft masks of their shapes, scores."""
    objects = np.array([row for row in index.rows(image_id) if not index.crowd[row]], np.int64)
    if not len(objects):
        objects = np.flatnonzero(~index.crowd)[:1]
    shapes = torch.stack([soft(index, row) for row in objects.tolist()])
    of = random.integers(0, len(objects), DETECTIONS)  # the object whose shape it has
    found = np.arange(DETECTIONS) < FINDS * len(objects)
    box = index.bbox[objects[of]].copy()
    good = found & (np.arange(DETECTIONS) % FINDS == 0)
    spread = np.where(good, 0.04, 0.3)[:, None]
    box += random.normal(0, 1, box.shape) * spread * np.tile(box[:, 2:], 2)
    box[~found, :2] = random.random((int((~found).sum()), 2)) * (400, 300)
    box[:, 2:] = box[:, 2:].clip(4)
    corners = np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)
    corners = corners.clip(0, [like_coco.WIDTH, like_coco.HEIGHT] * 2)
    scores = np.where(good, random.beta(5, 2, DETECTIONS), random.beta(1, 4, DETECTIONS))
    order = np.argsort(-scores)
    noise = torch.from_numpy(random.normal(0, 0.08, (DETECTIONS, MASK, MASK))).float()
    return {
        "boxes": torch.from_numpy(corners[order] * SCALE).float(),
        "scores": torch.from_numpy(scores[order]).float(),
        "labels": torch.from_numpy(index.label[objects[of]][order] + 1),
        "masks": (shapes[of[order]] + noise).clamp(0, 1)[:, None],
    }


def soft(index: Index, row: int) -> Tensor:
    """An object's shape [MASK, MASK] in its box, with edges that fade, as a mask head gives it."""
    left, top, width, height = index.bbox[row].astype(int).tolist()
    mask = index.masks([row])[0][top : top + height + 1, left : left + width + 1]
    small = F.interpolate(torch.from_numpy(mask.copy())[None, None].float(), (MASK, MASK))
    return F.avg_pool2d(small, 3, stride=1, padding=1)[0, 0]


if __name__ == "__main__":
    main()
