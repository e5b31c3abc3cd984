"""RoIAlign, computed as suits the maps and the device.

Small maps: matrix products, because bilinear interpolation acts on rows and columns separately,
and a mean over samples is linear: every RoI has an interpolation matrix per axis. That is several
times faster on a CPU than torchvision's scalar kernel, whose backward took a quarter of a training
step; and a matrix product has a deterministic gradient, also where torchvision's kernel adds
atomically (on CUDA). The levels of a pyramid stand one below the other in one map, so that RoIs
need not be sorted by level: two products for all of them, in a fixed shape.

The matrices of a large map would not fit. There a CPU sums weighted rows
(`study.models.heads.roi_rows`), and on CUDA torchvision's kernel is used. The choice depends on
the map's size and the device alone. Values agree with `torchvision.ops.roi_align(aligned=False)`
to float rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.models.canvas import Maps, MapsOf
from study.models.heads import roi_rows
from study.models.transfer import listed
from study.models.vision import roi_align

MAX_MATRIX_MAP = 64 * 64  # cells of the finest map up to which the matrix form is used
ROWS_ON = ("cpu",)  # kinds of devices
SAMPLES = roi_rows.SAMPLES


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

    def forward(self, maps: Maps, boxes: Tensor, chosen: Tensor | None = None) -> Tensor:
        """[B n, C, bins, bins] from the maps of B images and boxes [B, n, 4] xyxy px of the input,
        image after image; or only of the `chosen` among the B n, int64 [k].
        """
        # interpolated in float32 whatever the maps are, and never by what autocast would choose:
        # 8 bits do not say where between two cells a point is
        with torch.autocast(boxes.device.type, enabled=False):
            if torch.compiler.is_exporting():
                return self._every_level(maps, boxes, chosen)
            small = [own for own in maps if _is_small(own)]
            if not small:
                return self._one_by_one(maps, boxes, chosen)
            parts = [
                self._by_matrices(self._levels(own, boxes), _of(own.images, boxes))
                for own in small
            ]
            images = [own.images for own in small]
            if len(small) < len(maps):
                large = [own for own in maps if not _is_small(own)]
                images += [[at for own in large for at in own.images]]
                parts.append(self._one_by_one(large, boxes, _places(images[-1], boxes)))
            pooled = parts[0]
            if len(parts) > 1:
                order = torch.cat([_places(own, boxes) for own in images])
                pooled = torch.cat(parts)
                pooled = torch.empty_like(pooled).index_copy(0, order, pooled)
            return pooled if chosen is None else pooled[chosen]

    def _levels(self, own: MapsOf, boxes: Tensor) -> list[Tensor]:
        return [own.features[str(level)].to(boxes.dtype) for level in range(self.num_levels)]

    def _one_by_one(self, maps: Maps, boxes: Tensor, chosen: Tensor | None) -> Tensor:
        """[k, C, bins, bins] of the chosen boxes, or of all, that lie on any of the maps."""
        groups = [self._levels(own, boxes) for own in maps]
        group, place = [0] * len(boxes), [0] * len(boxes)  # of each image of the batch
        for number, own in enumerate(maps):
            for at, image in enumerate(own.images):
                group[image], place[image] = number, at
        lies = listed([group, place], boxes.device, torch.int64)
        rois, lies = boxes.flatten(0, 1), lies.repeat_interleave(boxes.shape[1], dim=1)
        if chosen is not None:
            rois, lies = rois[chosen], lies[:, chosen]
        level = self._level(rois)
        where = lies[0], lies[1], level
        if boxes.device.type in ROWS_ON:
            cells = rois / (self.first_stride * 2.0**level)[:, None]
            return roi_rows.pooled(groups, where, cells, self.bins)
        return self._by_kernel(groups, where, rois)

    def _every_level(self, maps: Maps, boxes: Tensor, chosen: Tensor | None) -> Tensor:
        """The same of one image, in fixed shapes: each box pooled from all maps, one of which is
        taken. Other programs have this one kernel, and no matrices of ours would be faster there.
        """
        (own,) = maps
        rois = boxes[0] if chosen is None else boxes[0][chosen]
        level = self._level(rois)[:, None, None, None]
        rois = torch.cat([torch.zeros_like(rois[:, :1]), rois], dim=1)
        parts = [
            roi_align(features, rois, self.bins, 1 / self._stride(number), SAMPLES)
            for number, features in enumerate(self._levels(own, boxes))
        ]
        pooled = parts[0]
        for number, part in enumerate(parts[1:], start=1):
            pooled = torch.where(level == number, part, pooled)
        return pooled

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
        heights, widths, starts = listed(
            [
                [own.shape[-2], own.shape[-1], at]
                for own, at in zip(maps, _starts(maps), strict=True)
            ],
            boxes.device,
            boxes.dtype,
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

    def _by_kernel(
        self, groups: list[list[Tensor]], lies: tuple[Tensor, Tensor, Tensor], rois: Tensor
    ) -> Tensor:
        group, place, level = lies
        which = group * self.num_levels + level
        order = which.argsort(stable=True)
        rois = torch.cat([place.to(rois.dtype)[:, None], rois], dim=1)[order]
        each = torch.arange(len(groups) * self.num_levels, device=rois.device)
        counts = (which[:, None] == each).sum(dim=0).tolist()  # where a step waits for the device
        maps = [own for levels in groups for own in levels]
        pooled = torch.cat(
            [
                roi_align(own, part, self.bins, 1 / self._stride(number), SAMPLES)
                for number, (own, part) in enumerate(zip(maps, rois.split(counts), strict=True))
            ]
        )
        # index_copy because its gradient is a plain selection
        return torch.empty_like(pooled).index_copy(0, order, pooled)

    def _stride(self, number: int) -> int:
        return self.first_stride * 2 ** (number % self.num_levels)


def _is_small(own: MapsOf) -> bool:
    return own.features["0"][0, 0].numel() <= MAX_MATRIX_MAP


def _of(images: list[int], boxes: Tensor) -> Tensor:
    """[b, n, 4] of some images."""
    if images == list(range(len(boxes))):
        return boxes
    return boxes[listed(images, boxes.device, torch.int64)]


def _places(images: list[int], boxes: Tensor) -> Tensor:
    """Where the boxes of some images are among all of [B, n, 4], int64 [b n]."""
    first = listed(images, boxes.device, torch.int64) * boxes.shape[1]
    return (first[:, None] + torch.arange(boxes.shape[1], device=boxes.device)).flatten()


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
