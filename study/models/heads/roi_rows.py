"""RoIAlign as weighted sums of rows: each bin is one of 16 cells of a map, channel by channel.

On a CPU, for maps of which interpolation matrices would not fit. The cells of all maps are rows of
one table; torch's embedding_bag reads and adds whole rows, where torchvision's kernel goes value
by value: a third of its time at 256 channels. RoIs need not be sorted by level or image, and the
gradient is deterministic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from study.models.transfer import listed

SAMPLES = 2  # per bin and axis, as Detectron's FPN configurations have it


def pooled(
    groups: list[list[Tensor]], lies: tuple[Tensor, Tensor, Tensor], rois: Tensor, bins: int
) -> Tensor:
    """[k, C, bins, bins] of k RoIs.

    Args:
        groups: maps [b, C, h, w] of images of a canvas, by level.
        lies: int64 [k] each: the group, the image among the group's, and the level of each RoI.
        rois: [k, 4] xyxy in cells of its map.
        bins: a side.
    """
    maps = [own for levels in groups for own in levels]
    group, place, level = lies
    which = group * len(groups[0]) + level
    first = [0]
    for own in maps:
        first.append(first[-1] + own.shape[0] * own.shape[2] * own.shape[3])
    places = [[begin, *own.shape[2:]] for begin, own in zip(first, maps, strict=False)]
    begin, height, width = listed(places, rois.device, torch.int64).T[:, which]
    rows, down = _cells(rois[:, 1], rois[:, 3], height, bins)
    columns, across = _cells(rois[:, 0], rois[:, 2], width, bins)
    begin = begin + place * height * width
    lines = begin[:, None, None] + rows * width[:, None, None]
    cells = lines[:, :, None, :, None] + columns[:, None, :, None, :]  # [k, bins, bins, 4, 4]
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    table = torch.cat([own.permute(0, 2, 3, 1).flatten(0, 2) for own in maps])
    found = F.embedding_bag(
        cells.flatten(3).flatten(0, 2),
        table,
        mode="sum",
        per_sample_weights=weights.flatten(3).flatten(0, 2),
    )
    return found.unflatten(0, (-1, bins, bins)).permute(0, 3, 1, 2)


def _cells(start: Tensor, stop: Tensor, number: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """The cells of an axis that make each bin, int64 [k, bins, 2 SAMPLES], and their weights.

    A bin is the mean of SAMPLES points, a point the weighted mean of its two neighbouring cells.

    Args:
        start, stop: [k] the RoIs' edges, in cells.
        number: int64 [k], cells of their map.
    """
    size = (stop - start).clamp(min=1.0)  # aligned=False: a RoI is at least one cell
    inside = torch.arange(bins * SAMPLES, device=start.device, dtype=start.dtype) + 0.5
    points = start[:, None] + size[:, None] * (inside / (bins * SAMPLES))
    last = number[:, None]
    on_map = (points >= -1) & (points <= last)
    # of a run that diverges, a point may be no number, and then it lies on no map
    points = torch.minimum(points.clamp(min=0), last - 1).where(on_map, points.new_zeros(()))
    cell = points.long()
    beyond = points - cell
    both = torch.stack([cell, torch.minimum(cell + 1, last - 1)], dim=-1)
    share = torch.stack([1 - beyond, beyond], dim=-1) * (on_map / SAMPLES)[..., None]
    shape = (len(start), bins, 2 * SAMPLES)
    return both.reshape(shape), share.reshape(shape)
