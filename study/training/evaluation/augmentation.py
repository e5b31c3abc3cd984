"""Test-time augmentation: what a detector finds in several sizes of an image and in their mirrors.

As Detectron does it with its defaults (`core/test.py`: union of boxes and scores, mean of soft
masks): the candidates of all views, before any threshold, are put together on the original image,
and one selection is made of them. Masks are then predicted at the selected boxes in every view,
and their mean is pasted once. The longer side's limit changes in proportion to the shorter side,
where Detectron has one limit for all.

Keypoints are not augmented: the detections have none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from study.config import EvaluationConfig, ModelConfig
from study.data.batches.loader import Batch
from study.data.index import Index
from study.models import canvas
from study.models.detector import Detector
from study.training.evaluation.detections import Detection, rows


@dataclass(frozen=True)
class View:
    """The images of a batch as one augmentation shows them."""

    images: list[Tensor]  # uint8 [3, h, w]
    mirrored: bool = False

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each, px."""
        return canvas.sizes(self.images)

    def mirror(self) -> View:
        """Left and right exchanged."""
        return View([image.flip(-1) for image in self.images], not self.mirrored)


def sides(model: ModelConfig, evaluation: EvaluationConfig) -> list[ModelConfig]:
    """The model at each shorter side, its own first; the longer side's limit in proportion."""
    return [
        dataclasses.replace(
            model,
            short_px=short,
            long_px=max(short, round(model.long_px * short / model.short_px)),
        )
        for short in dict.fromkeys((model.short_px, *evaluation.short_px))
    ]


@torch.no_grad()
def detect_augmented(
    detector: Detector,
    batches: Iterable[tuple[Batch, ...]],
    index: Index,
    flip: bool,
    masks: bool,
) -> list[Detection]:
    """The detections on all images, each tuple of `batches` being some of them at several sizes.

    The model's own size comes first. With `flip` every size is looked at in the mirror too.
    """
    training = detector.training
    detector.eval()
    detections: list[Detection] = []
    for sizes in batches:
        views: list[View] = []
        for batch in sizes:
            plain = View(batch.images)
            views += [plain, plain.mirror()] if flip else [plain]
        for image, output in enumerate(merged(detector, views, masks)):
            detections += rows(output, sizes[0], image, index.category_id)
    detector.train(training)
    return detections


def merged(detector: Detector, views: list[View], masks: bool) -> list[dict[str, Tensor]]:
    """Per image one selection of all views' candidates, in px of the first view.

    Nothing is changed by selecting there instead of in the original's pixels, of which both axes
    are multiples: overlaps are the same. And of one view alone the selection is the plain one.

    Returns:
        boxes [n, 4] xyxy px, scores [n], labels [n] from 1; with `masks` also masks [n, 1, m, m].
    """
    first = views[0]
    found = [detector.candidates(view.images) for view in views]
    outputs: list[dict[str, Tensor]] = []
    for image in range(len(first.images)):
        boxes = [
            moved(own[image][0], view, first, image)
            for own, view in zip(found, views, strict=True)
        ]
        scores = [own[image][1] for own in found]
        selected = detector.select(torch.cat(boxes), torch.cat(scores))
        outputs.append(dict(zip(("boxes", "scores", "labels"), selected, strict=True)))
    if masks:
        for output, mask in zip(outputs, mean_masks(detector, views, outputs), strict=True):
            output["masks"] = mask
    return outputs


def mean_masks(
    detector: Detector, views: list[View], outputs: list[dict[str, Tensor]]
) -> list[Tensor]:
    """Per image the mean over the views of the mask probabilities [n, 1, m, m] at its boxes."""
    labels = [output["labels"] for output in outputs]
    total: list[Tensor] = []
    for view in views:
        boxes = [moved(own["boxes"], views[0], view, image) for image, own in enumerate(outputs)]
        soft = detector.masks_at(view.images, boxes, labels)
        soft = [mask.flip(-1) for mask in soft] if view.mirrored else soft
        total = [a + b for a, b in zip(total, soft, strict=True)] if total else soft
    return [mask / len(views) for mask in total]


def moved(boxes: Tensor, of: View, to: View, image: int) -> Tensor:
    """Boxes [..., 4] xyxy px on an image of one view, as they lie on it in another."""
    (height, width), (to_height, to_width) = of.sizes[image], to.sizes[image]
    x, y = to_width / width, to_height / height
    boxes = boxes * boxes.new_tensor([x, y, x, y])
    if of.mirrored == to.mirrored:
        return boxes
    left, top, right, bottom = boxes.unbind(-1)
    return torch.stack([to_width - right, top, to_width - left, bottom], dim=-1)
