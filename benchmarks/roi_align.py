"""RoIAlign forward and backward on a CPU, against torchvision's kernel, at two scales.

python -m benchmarks.roi_align
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from benchmarks.pairs import compare
from study.models.canvas import MapsOf
from study.models.heads.roi_align import PyramidRoIAlign

LEVELS = ("0", "1", "2")


def boxes(images: int, each: int, side: int) -> Tensor:
    """[images, each, 4] within an image of that side, px."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(images, each, 2, generator=generator) * 0.6 * side
    size = (0.06 + 0.3 * torch.rand(images, each, 2, generator=generator)) * side
    return torch.cat([corner, corner + size], dim=-1)


def against(images: int, each: int, bins: int, channels: int, side: int, rounds: int) -> None:
    """Three levels from stride 4 on; RoIs are of all of them."""
    maps = {
        name: torch.randn(images, channels, side // stride, side // stride, requires_grad=True)
        for name, stride in zip(LEVELS, (4, 8, 16), strict=True)
    }
    rois = boxes(images, each, side)
    ours = PyramidRoIAlign(bins, 3, side // 2, 3)
    theirs = MultiScaleRoIAlign(
        list(LEVELS), bins, 2, canonical_scale=side // 2, canonical_level=3
    )
    print(
        f"{images} images of {side} px, {channels} channels, {each} RoIs of {bins} × {bins} bins"
    )
    compare(
        {
            "ours": lambda: ours([MapsOf(list(range(images)), maps)], rois).sum().backward(),
            "torchvision": lambda: (
                theirs(maps, list(rois), [(side, side)] * images).sum().backward()
            ),
        },
        rounds,
        warmup=1,
    )


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for images in (2, 8):
        against(images, 48, 5, 48, 96, rounds=30)  # matrices
        against(images, 12, 10, 48, 96, rounds=30)
    against(2, 512, 7, 256, 512, rounds=4)  # weighted rows
    against(2, 64, 14, 256, 512, rounds=4)


if __name__ == "__main__":
    main()
