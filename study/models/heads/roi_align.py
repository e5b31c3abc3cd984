"""RoIAlign over a feature pyramid as two matrix products.

RoIAlign averages bilinear samples on a regular grid, so for each RoI it is `Y @ F @ X.T` with one
small interpolation matrix per axis. On small maps that is several times faster on a CPU than
torchvision's scalar kernel, whose backward took a quarter of a training step; and a matrix product
has a deterministic gradient, also where torchvision's kernel adds atomically (on CUDA). The levels
of a pyramid stand one below the other in one map, so that RoIs need not be sorted by level: two
products for all of them, in a fixed shape. The matrices of a large map would not fit, so there
torchvision's kernel is used: the choice depends on the map's size alone. Values agree with
`torchvision.ops.roi_align(aligned=False)` to float rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from study.models.canvas import Maps

MAX_MATRIX_MAP = 64 * 64  # cells of the finest map up to which the matrix form is used
SAMPLES = 2  # per bin and axis, as Detectron's FPN configurations have it


class PyramidRoIAlign(nn.Module):
    """Pools each RoI from the level that suits its size (FPN, eq. 1).

    Args:
        bins: output size, bins per axis.
        num_levels: feature maps that are pooled from, finest first.
        canonical_px: a RoI of this side (square root of its area) belongs to `canonical_level`.
        canonical_level: counted as log2 of the stride: 2 is stride 4.
        first_stride: of the finest map, a power of two; each further map has twice the last one's.
    """

    def __init__(
        self,
        bins: int,
        num_levels: int,
        canonical_px: int,
        canonical_level: int,
        first_stride: int = 4,
    ) -> None:
        super().__init__()
        self.bins = bins
        self.num_levels = num_levels
        self.canonical_px = canonical_px
        self.canonical_level = canonical_level
        self.first_stride = first_stride

    def forward(self, maps: Maps, boxes: Tensor) -> Tensor:
        """[B n, C, bins, bins] from the maps of B images and boxes [B, n, 4] xyxy px of the input,
        image after image.
        """
        if len(maps) == 1:
            return self._pooled(maps[0].features, boxes)
        parts = [self._pooled(own.features, boxes[own.images]) for own in maps]
        order = torch.tensor([at for own in maps for at in own.images], device=boxes.device)
        pooled = torch.cat([part.unflatten(0, (-1, boxes.shape[1])) for part in parts])
        return torch.empty_like(pooled).index_copy(0, order, pooled).flatten(0, 1)

    def _pooled(self, features: dict[str, Tensor], boxes: Tensor) -> Tensor:
        # in float32 whatever the maps are: 8 bits do not say where between two cells a point is
        own = [features[str(level)].to(boxes.dtype) for level in range(self.num_levels)]
        with torch.autocast(boxes.device.type, enabled=False):
            if own[0][0, 0].numel() <= MAX_MATRIX_MAP:
                return self._by_matrices(own, boxes)
            return self._by_kernel(own, boxes)

    def _level(self, boxes: Tensor) -> Tensor:
        """The index of the map for each box, int64 [...]."""
        sides = boxes[..., 2:] - boxes[..., :2]
        size = sides.prod(dim=-1).sqrt()
        level = torch.floor(self.canonical_level + torch.log2(size / self.canonical_px) + 1e-6)
        first = self.first_stride.bit_length() - 1  # log2: level 2 is stride 4
        level = (level - first).clamp(0, self.num_levels - 1)
        return level.nan_to_num(0).to(torch.int64)  # of a run that diverges

    def _by_matrices(self, maps: list[Tensor], boxes: Tensor) -> Tensor:
        _, channels, _, width = maps[0].shape
        level = self._level(boxes)
        heights, widths, starts = boxes.new_tensor(
            [
                [own.shape[-2], own.shape[-1], begin]
                for own, begin in zip(maps, _starts(maps), strict=True)
            ]
        ).T
        scale = 1 / self.first_stride / 2.0**level
        rows = _interpolation(
            boxes[..., 1], boxes[..., 3], scale, self.bins, heights[level], starts[level],
            sum(own.shape[-2] for own in maps),
        )  # fmt: skip
        columns = _interpolation(
            boxes[..., 0], boxes[..., 2], scale, self.bins, widths[level], None, width
        )
        lines = torch.cat([_line(own, width) for own in maps], dim=1)  # [B, lines, width C]
        between = (rows.flatten(1, 2) @ lines).unflatten(2, (width, channels))
        between = between.unflatten(1, (-1, self.bins)).flatten(0, 1)  # [B n, bins, width, C]
        pooled = columns.flatten(0, 1)[:, None] @ between
        return pooled.permute(0, 3, 1, 2)  # from [B n, bins (y), bins (x), C]

    def _by_kernel(self, maps: list[Tensor], boxes: Tensor) -> Tensor:
        images, number, _ = boxes.shape
        image = torch.arange(images, device=boxes.device, dtype=boxes.dtype)
        rois = torch.cat([image.repeat_interleave(number)[:, None], boxes.flatten(0, 1)], dim=1)
        level = self._level(rois[:, 1:])
        order = level.argsort(stable=True)
        counts = torch.bincount(level, minlength=len(maps)).tolist()
        scale = 1 / self.first_stride
        pooled = torch.cat(
            [
                roi_align(own, part, self.bins, scale / 2**at, SAMPLES)
                for at, (own, part) in enumerate(zip(maps, rois[order].split(counts), strict=True))
            ]
        )
        # index_copy because its gradient is a plain selection
        return torch.empty_like(pooled).index_copy(0, order, pooled)


def _starts(maps: list[Tensor]) -> list[int]:
    """The first line of each map, when they stand one below the other."""
    return [sum(own.shape[-2] for own in maps[:at]) for at in range(len(maps))]


def _line(features: Tensor, width: int) -> Tensor:
    """[B, h, width C] of a map [B, C, h, w], with zeros to the right."""
    padded = F.pad(features, (0, width - features.shape[-1]))
    return padded.permute(0, 2, 3, 1).flatten(2)


def _interpolation(
    start: Tensor,
    stop: Tensor,
    scale: Tensor,
    bins: int,
    cells: Tensor,
    first: Tensor | None,
    number: int,
) -> Tensor:
    """The matrix that takes one axis of a map to the bins of each RoI, [..., bins, number].

    A bin is the mean of SAMPLES points, a point the weighted mean of its two neighbouring cells.

    Args:
        start, stop: [...] the RoI's edges in px of the input.
        scale: [...] 1 / stride of its map.
        cells: [...] of its map along the axis.
        first: [...] the first of them among the `number` of all maps; None: 0.
    """
    begin = start * scale
    size = (stop * scale - begin).clamp(min=1.0)  # aligned=False: a RoI is at least one cell
    inside = torch.arange(bins * SAMPLES, device=start.device, dtype=start.dtype) + 0.5
    points = begin[..., None] + size[..., None] * (inside / (bins * SAMPLES))
    last = cells[..., None]
    on_map = (points >= -1) & (points <= last)
    points = torch.minimum(points.clamp(min=0), last - 1)
    if first is not None:
        points = points + first[..., None]
    cell = torch.arange(number, device=start.device, dtype=start.dtype)
    near = (1 - (points[..., None] - cell).abs()).clamp(min=0) * on_map[..., None]
    return near.unflatten(-2, (bins, SAMPLES)).mean(dim=-2)
