"""RoIAlign over a feature pyramid as two matrix products.

RoIAlign averages bilinear samples on a regular grid, so for each RoI it is `Y @ F @ X.T` with one
small interpolation matrix per axis. On small maps that is several times faster on a CPU than
torchvision's scalar kernel, whose backward took a quarter of a training step; and a matrix product
has a deterministic gradient, also where torchvision's kernel adds atomically (on CUDA). The matrix
of a large map would not fit, so there torchvision's kernel is used: the choice depends on the
map's size alone. Values agree with `torchvision.ops.roi_align(aligned=False)` to float rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

MAX_MATRIX_MAP = 64 * 64  # cells of a feature map up to which the matrix form is used
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

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: object = None
    ) -> Tensor:
        """[sum of n_i, C, bins, bins] from maps "0", "1", … [B, C, H, W] and boxes [n_i, 4].

        Boxes are xyxy px of the network's input. `image_shapes` is accepted because torchvision's
        RoI heads pass it, and is not used: strides are known.
        """
        maps = [features[str(level)] for level in range(self.num_levels)]
        rois, images = torch.cat(boxes), len(boxes)
        image = torch.cat([torch.full((len(box),), i) for i, box in enumerate(boxes)])
        place = self._level(rois) * images + image.to(rois.device)
        order = place.argsort(stable=True)  # by level, then by image
        counts = torch.bincount(place, minlength=len(maps) * images).tolist()
        rois = rois[order]
        parts: list[Tensor] = []
        stride, begin = float(self.first_stride), 0
        for level, level_map in enumerate(maps):
            of_images = counts[level * images : (level + 1) * images]
            own = rois[begin : begin + sum(of_images)]
            begin += len(own)
            pool = _by_matrices if level_map[0, 0].numel() <= MAX_MATRIX_MAP else _by_kernel
            parts += pool(level_map, own, of_images, 1 / stride, self.bins)
            stride *= 2
        pooled = torch.cat(parts)
        # index_copy because its gradient is a plain selection
        return torch.empty_like(pooled).index_copy(0, order, pooled)

    def _level(self, boxes: Tensor) -> Tensor:
        """The index of the map for each box, int64 [n]."""
        sides = boxes[:, 2:] - boxes[:, :2]
        size = sides.prod(dim=1).sqrt()
        level = torch.floor(self.canonical_level + torch.log2(size / self.canonical_px) + 1e-6)
        first = self.first_stride.bit_length() - 1  # log2: level 2 is stride 4
        return (level - first).clamp(0, self.num_levels - 1).to(torch.int64)


def _by_matrices(
    features: Tensor, rois: Tensor, counts: Sequence[int], scale: float, bins: int
) -> list[Tensor]:
    """[n, C, bins, bins] for each image; `rois` lie image by image, `counts` of them in each.

    The products go image by image, so that what lies between them stays in the cache.
    """
    images, channels, height, width = features.shape
    rows = interpolation(rois[:, 1], rois[:, 3], scale, bins, height)
    columns = interpolation(rois[:, 0], rois[:, 2], scale, bins, width)[:, None]
    lines = features.permute(0, 2, 3, 1).reshape(images, height, width * channels)
    pooled = []
    for own, y, x in zip(lines, rows.split(counts), columns.split(counts), strict=True):
        between = (y.flatten(0, 1) @ own).reshape(len(y), bins, width, channels)
        pooled.append((x @ between).permute(0, 3, 1, 2))  # from [n, bins (y), bins (x), C]
    return pooled


def interpolation(start: Tensor, stop: Tensor, scale: float, bins: int, cells: int) -> Tensor:
    """The matrix that takes one axis of a map to the bins of each RoI, [..., bins, cells].

    `start` and `stop` [...] are the RoI's edges in px of the input, `scale` is 1 / stride. A bin
    is the mean of SAMPLES points, a point the weighted mean of its two neighbouring cells.
    """
    begin = start * scale
    size = (stop * scale - begin).clamp(min=1.0)  # aligned=False: a RoI is at least one cell
    inside = torch.arange(bins * SAMPLES, device=start.device, dtype=start.dtype) + 0.5
    points = begin[..., None] + size[..., None] * (inside / (bins * SAMPLES))
    on_map = (points >= -1) & (points <= cells)
    points = points.clamp(0, cells - 1)
    cell = torch.arange(cells, device=start.device, dtype=start.dtype)
    near = (1 - (points[..., None] - cell).abs()).clamp(min=0) * on_map[..., None]
    return near.unflatten(-2, (bins, SAMPLES)).mean(dim=-2)


def _by_kernel(
    features: Tensor, rois: Tensor, counts: Sequence[int], scale: float, bins: int
) -> list[Tensor]:
    return [roi_align(features, list(rois.split(list(counts))), bins, scale, SAMPLES)]
