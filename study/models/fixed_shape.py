"""A detector as a function of fixed shapes, for programs that run exported graphs.

The number of detections is always the model's limit; places that nothing was detected for have
score, label and box 0. What is there equals what the detector gives, in the same order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.models import boxes as on_boxes
from study.models.detector import Detector
from study.models.heads.boxes import NMS_IOU, SMALLEST_PX


class FixedShape(nn.Module):
    """One image in, detections out.

    Attributes:
        threshold: [], the score that detections are above.

    Raises:
        ValueError: the detector finds keypoints, for which there is no fixed shape yet.
    """

    threshold: Tensor

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        if detector.roi_heads.keypoint_head is not None:
            raise ValueError("model.keypoints: a detector of keypoints cannot be exported")
        self.detector = detector.eval()
        self.masks = detector.roi_heads.mask_head is not None
        # no constant of an exported graph, so that the graph can be tried with another one
        self.register_buffer("threshold", torch.tensor(detector.roi_heads.score_threshold))
        self.eval()

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the values of `forward` are called."""
        return ("boxes", "scores", "labels", *["masks"] * self.masks)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Boxes [n, 4] xyxy px, scores [n], labels int64 [n] from 1, and masks [n, 1, m, m].

        n is the model's limit of detections, or as many as it looks at where these are fewer.
        Masks are in [0, 1], each to be stretched over its box; there are none without a mask head.

        Args:
            image: uint8 [3, h, w], resized as the model wants it, not padded.
        """
        heads = self.detector.roi_heads
        with self.detector._computing():
            maps, (boxes, scores) = self.detector._candidates([image])
            number, classes = scores.shape[1:]
            boxes = boxes[0].transpose(0, 1).reshape(1, -1, 4)  # class by class
            scores = scores[0].T.reshape(1, -1)
            large = (boxes[..., 2:] - boxes[..., :2] >= SMALLEST_PX).all(dim=-1)
            usable = large & (scores > self.threshold)
            # what is not usable must suppress nothing: it has no area
            held = boxes * usable[..., None]
            kept = on_boxes.suppressed(held, scores * usable, [number] * classes, NMS_IOU)
            ranked = (scores * (kept & usable)).topk(
                min(heads.detections, number * classes), dim=1
            )
            place, score = ranked.indices[0], ranked.values[0]
            # of those with score 0 it is chance which are the first: they must not differ
            found = boxes[0][place] * (score > 0)[:, None]
            label = (place // number + 1) * (score > 0)
            if not self.masks:
                return found, score, label
            (mask,) = heads.masks_at(maps, [found], [label.clamp(min=1)])
            return found, score, label, mask
