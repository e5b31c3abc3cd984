"""The region proposal network (Ren et al. 2015): anchors, what it learns from them, proposals.

Its head is torchvision's. All images of one canvas are computed at once, in fixed shapes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.config import ModelConfig
from study.models import boxes as on_boxes
from study.models.losses import Share, masked
from study.models.matching import Objects, keys, match, rows, sample
from study.models.transfer import listed
from study.models.vision import AnchorGenerator, RPNHead

POSITIVE_IOU, NEGATIVE_IOU = 0.7, 0.3
POSITIVE = 0.5  # largest share of positives among the sampled anchors
NMS_IOU = 0.7
BETA = 1 / 9  # where smooth L1 becomes linear
SMALLEST_PX = 1e-3  # side of a proposal
WEIGHTS = (1.0, 1.0, 1.0, 1.0)


class Proposals(NamedTuple):
    """Regions that may hold an object, best first: N places for each of B images."""

    boxes: Tensor  # [B, N, 4] xyxy px
    there: Tensor  # bool [B, N]


class RPN(nn.Module):
    """Feature maps in, proposals and in training losses out. Thresholds are Detectron's.

    With fidelity "detectron", anchors that reach beyond the image are neither positive nor
    negative examples (its TRAIN.RPN_STRADDLE_THRESH = 0, `roi_data/rpn.py`); they propose boxes.
    """

    def __init__(
        self,
        anchors: AnchorGenerator,
        head: nn.Module,
        config: ModelConfig,
        strides: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.anchor_generator, self.head = anchors, head
        self.before, self.after = config.proposals_before_nms, config.proposals
        self.samples = config.rpn_samples
        self.inside_only = config.fidelity == "detectron"
        self.strides = strides
        self._anchors: dict[tuple[object, ...], tuple[Tensor, list[int]]] = {}

    def forward(
        self,
        features: dict[str, Tensor],
        sizes: list[tuple[int, int]],
        objects: Objects | None = None,
        seeds: list[int] | None = None,
    ) -> tuple[Proposals, dict[str, Share]]:
        """Proposals of images of one canvas, and the losses if there are objects to learn.

        Args:
            features: maps [B, C, h, w] by name, the finest first.
            sizes: height and width of each image without its padding.
            objects: of the images, with `seeds`: one per image, for the sampling.
        """
        maps = list(features.values())
        logits, deltas = self.head(maps)
        anchors, counts = self.anchors(maps)
        scores = torch.cat([_by_anchor(own, 1) for own in logits], dim=1)[..., 0]
        moves = torch.cat([_by_anchor(own, 4) for own in deltas], dim=1)
        scores, moves = scores.to(anchors.dtype), moves.to(anchors.dtype)
        limits = on_boxes.limits(sizes, anchors)
        with torch.no_grad():
            proposals = self.propose(scores.detach(), moves.detach(), anchors, counts, limits)
        if objects is None:
            return proposals, {}
        assert seeds is not None
        return proposals, self.losses(scores, moves, anchors, limits, objects, seeds)

    def anchors(self, maps: list[Tensor]) -> tuple[Tensor, list[int]]:
        """[A, 4] xyxy px in the maps' order, and how many each map has; always the same tensors.

        float32, or float64 where the maps are.
        """
        shapes = [(own.shape[-2], own.shape[-1]) for own in maps]
        dtype = torch.promote_types(maps[0].dtype, torch.float32)
        key = (tuple(shapes), maps[0].device, dtype)
        if key not in self._anchors:
            generator = self.anchor_generator
            generator.set_cell_anchors(dtype, maps[0].device)
            strides = [
                [torch.tensor(stride, device=maps[0].device)] * 2 for stride in self.strides
            ]
            own = generator.grid_anchors([list(shape) for shape in shapes], strides)
            self._anchors[key] = torch.cat(own), [len(level) for level in own]
        return self._anchors[key]

    def propose(
        self, scores: Tensor, moves: Tensor, anchors: Tensor, counts: list[int], limits: Tensor
    ) -> Proposals:
        """From scores [B, A] and deltas [B, A, 4]: the best of each map, moved, after NMS there.

        A map gives `counts` of the anchors; `limits` are those of `boxes.limits`.
        """
        before, after = (both[0 if self.training else 1] for both in (self.before, self.after))
        taken = [min(before, count) for count in counts]
        places, begin = [], 0
        for level, number in zip(scores.split(counts, dim=1), taken, strict=True):
            places.append(level.topk(number, dim=1).indices + begin)
            begin += level.shape[1]
        best = torch.cat(places, dim=1)
        scores = scores.gather(1, best)
        boxes = on_boxes.moved(anchors[best], rows(moves, best), WEIGHTS)
        boxes = on_boxes.clipped(boxes, limits)
        large = (boxes[..., 2:] - boxes[..., :2] >= SMALLEST_PX).all(dim=-1)
        boxes = boxes * large[..., None]  # without area they suppress nothing
        there = on_boxes.suppressed(boxes, scores, taken, NMS_IOU) & large
        ranked = scores.masked_fill(~there, -torch.inf).topk(min(after, len(scores[0])), dim=1)
        chosen = rows(boxes, ranked.indices), there.gather(1, ranked.indices)
        return Proposals(*(_filled(own, after) for own in chosen))

    def losses(
        self,
        scores: Tensor,
        moves: Tensor,
        anchors: Tensor,
        limits: Tensor,
        objects: Objects,
        seeds: list[int],
    ) -> dict[str, Share]:
        """Objectness and box loss; both are divided by the number of sampled anchors."""
        positive, negative, own = self.targets(anchors, limits, objects)
        number = keys(seeds, len(anchors), anchors.device)
        chosen, others = sample(number, positive, negative, self.samples, POSITIVE)
        here = chosen.there[..., None]
        start = anchors[chosen.boxes]
        to = rows(objects.boxes, rows(own, chosen.boxes))
        # an anchor may have no height, and no deltas then; it is no positive
        truth = on_boxes.deltas(start, to, WEIGHTS).where(here, start.new_zeros(()))
        box = F.smooth_l1_loss(rows(moves, chosen.boxes), truth, beta=BETA, reduction="none")
        both = torch.cat([chosen.boxes, others.boxes], dim=1)
        there = torch.cat([chosen.there, others.there], dim=1)
        labels = torch.cat([chosen.there, torch.zeros_like(others.there)], dim=1)
        score = F.binary_cross_entropy_with_logits(
            scores.gather(1, both), labels.to(scores.dtype), reduction="none"
        )
        terms = there.sum()
        return {
            "objectness": Share(masked(score, there), terms),
            "rpn_box": Share(masked(box, chosen.there), terms),
        }

    def targets(
        self, anchors: Tensor, limits: Tensor, objects: Objects
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Positives and negatives, bool [B, A], and the object of each anchor, int64 [B, A].

        Positive is what overlaps an object by 0.7, or most of all that overlap it (Ren et al.
        2015, Sec. 3.1.2).
        """
        inside = within(anchors, limits) if self.inside_only else None
        found = match(objects, anchors[None], inside)
        positive = (found.overlap >= POSITIVE_IOU) | found.best
        negative = (found.overlap < NEGATIVE_IOU) & ~positive
        return positive, negative if inside is None else negative & inside, found.object


def in_order(parts: list[Proposals], images: list[list[int]]) -> Proposals:
    """Of a whole batch, from those of each group's images and these images' places."""
    if len(parts) == 1:
        return parts[0]
    boxes, there = (torch.cat(own) for own in zip(*parts, strict=True))
    order = [at for own in images for at in own]
    places = [order.index(at) for at in range(len(order))]
    order = listed(places, boxes.device, torch.int64)
    return Proposals(boxes[order], there[order])


def _filled(values: Tensor, number: int) -> Tensor:
    """[B, number, ...] from [B, n, ...], with zeros behind: a small canvas has few anchors."""
    empty = values.new_zeros(len(values), number - values.shape[1], *values.shape[2:])
    return torch.cat([values, empty], dim=1) if empty.shape[1] else values


def within(boxes: Tensor, limits: Tensor) -> Tensor:
    """Which boxes [A, 4] lie wholly in each image, bool [B, A]; `limits` are `boxes.limits`."""
    corner, other = boxes.split(2, dim=-1)
    return (corner >= 0).all(dim=-1) & (other <= limits[:, None, 2:]).all(dim=-1)


def _by_anchor(values: Tensor, each: int) -> Tensor:
    """[B, h w k, each] from a head's output [B, k each, h, w]."""
    return values.unflatten(1, (-1, each)).permute(0, 3, 4, 1, 2).flatten(1, 3)


def build(config: ModelConfig, channels: int, strides: tuple[int, ...]) -> RPN:
    """3x3 convolutions without norm, as in Detectron's GN models.

    A pyramid has one size of anchor on each level; a single map has all of them. `strides`: px of
    the input, of each map.
    """
    sizes = [(side,) for side in config.anchor_px] if config.pyramid else [config.anchor_px]
    anchors = AnchorGenerator(tuple(sizes), (config.aspect_ratios,) * len(sizes))
    per_cell = len(sizes[0]) * len(config.aspect_ratios)
    return RPN(anchors, RPNHead(channels, per_cell, config.rpn_convs), config, strides)
