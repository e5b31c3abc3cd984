"""Two-stage detectors put together from torchvision's parts, the same parts for every arm.

The stock builders choose norm, freezing and initial weights together, by whether weights are
given; a comparison of initialisations built on them compares all three at once.
"""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn

from study.config import ModelConfig
from study.models import backbones, boxes, rpn
from study.models.canvas import Maps, MapsOf, Size, covering, groups, sizes
from study.models.features import features
from study.models.heads import assembly
from study.models.losses import Share, summed
from study.models.matching import Objects
from study.models.rpn import Proposals


class Detector(nn.Module):
    """Images in, losses or detections out. Images come resized; they are padded here.

    By its configuration it is Mask R-CNN, Faster R-CNN (no masks), Keypoint R-CNN, or a cascade.

    What is computed of an image depends on that image alone, but for float rounding: it has a
    canvas of its own (`study.models.canvas`), and norms look at one image or at none. Batch
    statistics are the exception: in training they are those of all images, and the canvas is then
    one for all, too.

    Attributes:
        every_stage: whether all stages of a cascade are there, or only its first.
        autocast: what products and norms are computed in; None: in the parameters' type.
        stride: px of the input for one cell of the coarsest map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, num_classes: int) -> None:
        super().__init__()
        backbones.require(config)
        backbone = backbones.find(config.body.name)
        maps = backbone.maps(config)
        self.backbone = features(config)
        self.rpn = rpn.build(config, self.backbone.out_channels, maps.anchored_strides)
        self.roi_heads = assembly.heads(config, self.backbone.out_channels, num_classes)
        self.every_stage = True
        self.autocast: torch.dtype | None = None
        self.stride = maps.anchored_strides[-1]
        self.together = backbone.uses_batch_statistics(config.body.norm)
        self.register_buffer("mean", _pixel(config.body.pixel_mean), persistent=False)
        self.register_buffer("std", _pixel(config.body.pixel_std), persistent=False)

    def forward(
        self,
        images: list[Tensor],
        targets: list[dict[str, Tensor]] | None = None,
        seeds: list[tuple[int, int]] | None = None,
        space: Size | None = None,
    ) -> dict[str, Share] | list[dict[str, Tensor]]:
        """Shares of the losses if `targets` are given, else detections per image.

        Args:
            images: uint8 [3, h, w], each of its own size.
            targets: per image boxes float32 [n, 4] xyxy px, labels int64 [n] from 1, and what the
                model's heads learn: masks uint8 [n, h, w], or with fidelity "detectron" polygons
                (`study.models.heads.masks.from_polygons`); keypoints float32 [n, K, 3] (x, y px
                and visibility). They may be on the host, and polygons are.
            seeds: per image one for the RPN's sampler and one for the RoI heads'; with `targets`.
            space: height and width px that hold every image of the whole batch, on all workers;
                matters to batch statistics only.

        Returns:
            Shares by name, those of a cascade's stages numbered from 1. Or per image boxes [n, 4]
            xyxy px of the network's input, scores [n], labels [n], with a mask head masks
            [n, 1, m, m] in [0, 1], with a keypoint head keypoints float32 [n, K, 3] (x, y px, and
            a logit as score).
        """
        with self._computing():
            if targets is None:
                return self._detected(images)
            assert seeds is not None
            return self._learnt(images, targets, seeds, space)

    def candidates(self, images: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Per image boxes [N, C, 4] and scores [N, C], before score threshold and NMS.

        N places for proposals, C foreground classes from class 1 on; boxes are clipped to the
        image. Images are those of `forward`; the detector is in evaluation mode.
        """
        with self._computing():
            return list(zip(*self._candidates(images)[1], strict=True))

    def select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One image's detections, best first: boxes [n, 4], scores [n], labels int64 [n].

        From one image's candidates by score threshold, NMS per class, and the limit on their
        number.
        """
        return self.roi_heads.select(boxes, scores)

    def masks_at(
        self, images: list[Tensor], boxes: list[Tensor], labels: list[Tensor]
    ) -> list[Tensor]:
        """Per image [n, 1, m, m] in [0, 1]: the masks of given boxes [n, 4] and labels [n].

        Raises:
            ValueError: the model has no mask head.
        """
        if self.roi_heads.mask_head is None:
            raise ValueError("model.masks = False: a detector without mask head has no masks")
        with self._computing():
            return self.roi_heads.masks_at(self._maps(images), boxes, labels)

    def joining(self) -> list[nn.Parameter]:
        """Parameters of a cascade's later stages, which may join in the midst of a run."""
        return list(self.roi_heads.later.parameters())

    def _detected(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        maps, found = self._candidates(images)
        selected = [self.select(*own) for own in zip(*found, strict=True)]
        return self.roi_heads.finish(maps, selected)

    def _learnt(
        self,
        images: list[Tensor],
        targets: list[dict[str, Tensor]],
        seeds: list[tuple[int, int]],
        space: Size | None,
    ) -> dict[str, Share]:
        objects = Objects.of(targets, self.mean)
        own_seeds = [own for own, _ in seeds]
        maps, proposals, shares = self._proposals(images, objects, own_seeds, space)
        limits = boxes.limits(sizes(images), proposals.boxes)
        return shares | self.roi_heads.learn(
            maps, proposals, limits, objects, targets, [roi for _, roi in seeds], self.every_stage
        )

    def _maps(self, images: list[Tensor], space: Size | None = None) -> Maps:
        together = None
        if self.training and self.together:
            together = space or covering(sizes(images))
        inputs = groups(images, self.stride, self.mean, self.std, together)
        return [MapsOf(own.images, self.backbone(self._laid_out(own.inputs))) for own in inputs]

    def _laid_out(self, inputs: Tensor) -> Tensor:
        return inputs.contiguous(memory_format=self.layout)

    @property
    def layout(self) -> torch.memory_format:
        """Of images and weights: pixel by pixel where the kernels of bfloat16 want it so.

        On a CPU they want it for convolutions, and lose more in GroupNorm's gradient.
        """
        rough = self.autocast is not None and self.mean.device.type == "cuda"
        return torch.channels_last if rough else torch.contiguous_format

    def _computing(self) -> contextlib.AbstractContextManager[object]:
        if self.autocast is None:
            return contextlib.nullcontext()
        return torch.autocast(self.mean.device.type, self.autocast)

    def _candidates(self, images: list[Tensor]) -> tuple[Maps, tuple[Tensor, Tensor]]:
        maps, proposals, _ = self._proposals(images)
        limits = boxes.limits(sizes(images), proposals.boxes)
        return maps, self.roi_heads.candidates(maps, proposals, limits, self.every_stage)

    def _proposals(
        self,
        images: list[Tensor],
        objects: Objects | None = None,
        seeds: list[int] | None = None,
        space: Size | None = None,
    ) -> tuple[Maps, Proposals, dict[str, Share]]:
        """Maps, proposals in the batch's order, and the RPN's losses."""
        maps, every = self._maps(images, space), sizes(images)
        parts = [
            self.rpn(
                own.features,
                [every[at] for at in own.images],
                objects.at(own.images) if objects else None,
                [seeds[at] for at in own.images] if seeds else None,
            )
            for own in maps
        ]
        proposals = rpn.in_order([own for own, _ in parts], [own.images for own in maps])
        return maps, proposals, summed(shares for _, shares in parts)


def _pixel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).reshape(1, 3, 1, 1)
