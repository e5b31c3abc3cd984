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
    """

    def __init__(
        self, bins: int, num_levels: int, canonical_px: int, canonical_level: int
    ) -> None:
        super().__init__()
        self.bins = bins
        self.num_levels = num_levels
        self.canonical_px = canonical_px
        self.canonical_level = canonical_level

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: object = None
    ) -> Tensor:
        """[sum of n_i, C, bins, bins] from maps "0", "1", … [B, C, H, W] and boxes [n_i, 4].

        Boxes are xyxy px of the network's input. `image_shapes` is accepted because torchvision's
        RoI heads pass it, and is not used: strides are known.
        """
        maps = [features[str(level)] for level in range(self.num_levels)]
        levels = [self._level(box) for box in boxes]
        stride = 4.0
        pooled: Tensor | None = None
        for level, level_map in enumerate(maps):
            on_level = [(own == level).to(level_map.dtype) for own in levels]
            pool = _by_matrices if level_map[0, 0].numel() <= MAX_MATRIX_MAP else _by_kernel
            part = pool(level_map, boxes, on_level, 1 / stride, self.bins)
            pooled = part if pooled is None else pooled + part
            stride *= 2
        assert pooled is not None
        return pooled

    def _level(self, boxes: Tensor) -> Tensor:
        """The index of the map for each box, int64 [n]."""
        sides = boxes[:, 2:] - boxes[:, :2]
        size = sides.prod(dim=1).sqrt()
        level = torch.floor(self.canonical_level + torch.log2(size / self.canonical_px) + 1e-6)
        return (level - 2).clamp(0, self.num_levels - 1).to(torch.int64)  # level 2 is stride 4


def _by_matrices(
    features: Tensor, boxes: list[Tensor], weights: list[Tensor], scale: float, bins: int
) -> Tensor:
    """RoIs of weight 0 get zeros: the sum over levels then needs no gathering of rows.

    Image by image, so that what lies between the two products stays in the cache.
    """
    channels, height, width = features.shape[1:]
    pooled = []
    for image, box, weight in zip(features, boxes, weights, strict=True):
        rows = interpolation(box[:, 1], box[:, 3], scale, bins, height) * weight[:, None, None]
        columns = interpolation(box[:, 0], box[:, 2], scale, bins, width)
        lines = image.permute(1, 2, 0).reshape(height, width * channels)
        lines = (rows.flatten(0, 1) @ lines).reshape(len(box), bins, width, channels)
        pooled.append(columns[:, None] @ lines)  # [n, bins (y), bins (x), C]
    return torch.cat(pooled).permute(0, 3, 1, 2).contiguous()


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
    features: Tensor, boxes: list[Tensor], weights: Sequence[Tensor], scale: float, bins: int
) -> Tensor:
    own = torch.cat(list(weights))
    chosen = [box[weight > 0] for box, weight in zip(boxes, weights, strict=True)]
    pooled = roi_align(features, chosen, bins, scale, SAMPLES)
    full = pooled.new_zeros(len(own), *pooled.shape[1:])
    return full.index_copy(0, torch.nonzero(own)[:, 0], pooled)
