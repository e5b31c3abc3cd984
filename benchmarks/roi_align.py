"""RoIAlign forward and backward: matrix products against torchvision's kernel.

python -m benchmarks.roi_align
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from benchmarks.pairs import compare
from study.models.heads.roi_align import PyramidRoIAlign

CHANNELS, SIDES, INPUT_PX = 48, {"0": 24, "1": 12, "2": 6}, 96


def boxes(images: int, each: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(images):
        corner = torch.rand(each, 2, generator=generator) * (INPUT_PX - 36)
        found.append(torch.cat([corner, corner + 6 + 30 * torch.rand(each, 2)], dim=1))
    return found


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for images in (2, 8):
        for bins, each in ((5, 48), (10, 12)):
            maps = {
                level: torch.randn(images, CHANNELS, side, side, requires_grad=True)
                for level, side in SIDES.items()
            }
            rois = boxes(images, each)
            ours = PyramidRoIAlign(bins, 3, 48, 3)
            theirs = MultiScaleRoIAlign(
                list(SIDES), bins, 2, canonical_scale=48, canonical_level=3
            )

            sizes = [(INPUT_PX, INPUT_PX)] * images
            print(f"{images} images, {each} RoIs of {bins} × {bins} bins each")
            compare(
                {
                    "matrix products": lambda: ours(maps, rois, sizes).sum().backward(),  # noqa: B023
                    "torchvision": lambda: theirs(maps, rois, sizes).sum().backward(),  # noqa: B023
                }
            )


if __name__ == "__main__":
    main()
