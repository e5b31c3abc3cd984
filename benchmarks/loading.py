"""Making training batches: one process of ours against torchvision's way with two workers.

python -m benchmarks.loading ANNOTATIONS IMAGES

Ours: R50_FPN as the paper's spaces train it (polygons for masks), decoded images stored; each
batch's pixels are copied once, as they would be for a GPU. The peer: torchvision's `CocoDetection`
with v2 transforms, resized and mirrored as in its reference training, with the masks that this
needs, in a `DataLoader`. Both make images of the same sizes, and take turns.
"""

from __future__ import annotations

import contextlib
import io
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
from torchvision.transforms import v2

from study.config import R50_FPN, ModelConfig
from study.data.batches.loader import TrainingData
from study.data.formats.coco import AnnotationFile
from study.data.index import Index

BATCH, BATCHES, ROUNDS = 16, 10, 5  # images in a batch, batches in a round
WORKERS = 2
AHEAD = 2 * WORKERS  # batches that the peer has begun when the clock starts
DETECTRON = replace(R50_FPN, fidelity="detectron")
MODELS = {"800": DETECTRON, "512 to 800": replace(DETECTRON, train_short_px=(512, 800))}
Round = Callable[[], tuple[float, float]]
"""Makes some batches; seconds by the clock for an image, and of all processors."""


def main() -> None:
    torch.set_num_threads(1)
    annotations, images = Path(sys.argv[1]), Path(sys.argv[2])
    index = Index.open(AnnotationFile(annotations, images))
    objects = len(index.bbox) / len(index.image_id)
    print(f"{len(index.image_id)} images, {objects:.1f} objects each, batches of {BATCH}")
    for name, model in MODELS.items():
        print(f"shorter side {name} px")
        compare(ours(index, model), peer(annotations, images, model))


def compare(own: Round, other: Round) -> None:
    """Print the medians of both, and the ratios of the peer's to ours."""
    taken = [(own(), other()) for _ in range(ROUNDS)]
    medians = [
        [statistics.median(one[way][kind] for one in taken) for kind in (0, 1)] for way in (0, 1)
    ]
    names = "ours, one process", f"torchvision, {WORKERS} workers"
    for name, (clock, used) in zip(names, medians, strict=True):
        each = f"{1000 * clock:6.2f} ms an image, {1 / clock:5.0f} images/s"
        print(f"  {name:22} {each}; {1000 * used:6.2f} ms of a processor")
    clock, used = (theirs / own for own, theirs in zip(*medians, strict=True))
    print(f"  theirs : ours  {clock:.1f} by the clock, {used:.1f} by the processor")


def ours(index: Index, model: ModelConfig) -> Round:
    data = TrainingData(index, index.image_id, model)
    data.store()
    begun = 0

    def round() -> tuple[float, float]:
        nonlocal begun
        start, used = time.perf_counter(), time.process_time()
        for iteration in range(begun, begun + BATCHES):
            batch = data.batch(iteration, 0, BATCH, range(BATCH))
            _ = [image.clone() for image in batch.images]
        begun += BATCHES
        made = BATCH * BATCHES
        return (time.perf_counter() - start) / made, (time.process_time() - used) / made

    return round


def peer(annotations: Path, images: Path, model: ModelConfig) -> Round:
    low, high = model.train_short_px or (model.short_px, model.short_px)
    transforms = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomShortestSize(list(range(low, high + 1)), max_size=model.long_px),
            v2.RandomHorizontalFlip(0.5),
            v2.SanitizeBoundingBoxes(),
        ]
    )
    with contextlib.redirect_stdout(io.StringIO()):
        found = CocoDetection(images, str(annotations), transforms=transforms)
    keys = ["boxes", "labels", "masks"]
    data: Any = wrap_dataset_for_transforms_v2(found, target_keys=keys)
    of_any = [at for at in range(len(found)) if found.coco.getAnnIds(found.ids[at])]
    order = [of_any[at % len(of_any)] for at in range(BATCH * (AHEAD + BATCHES))]

    def round() -> tuple[float, float]:
        before = _of_children()
        batches = iter(
            DataLoader(data, BATCH, sampler=order, num_workers=WORKERS, collate_fn=_batch)
        )
        for _ in range(AHEAD):
            next(batches)
        start = time.perf_counter()
        for _ in batches:
            pass
        clock = time.perf_counter() - start
        del batches  # its workers end
        return clock / (BATCH * BATCHES), (_of_children() - before) / len(order)

    return round


def _batch(examples: list[Any]) -> tuple[Any, ...]:
    return tuple(zip(*examples, strict=True))


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
