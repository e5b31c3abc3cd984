"""RoIAlign as matrix products equals torchvision's kernel, in values and in gradients."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops import roi_align as kernel

from study.models.heads import roi_align
from study.models.heads.roi_align import PyramidRoIAlign

SIDES = {"0": 24, "1": 12, "2": 6}


def pyramid(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        level: torch.randn(2, 8, side, side, generator=generator, requires_grad=True)
        for level, side in SIDES.items()
    }


def boxes(seed: int, count: int) -> list[Tensor]:
    """Inside, overhanging, thin and empty boxes on a 96 px image."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(2 * count, 2, generator=generator) * 90 - 5
    size = torch.rand(2 * count, 2, generator=generator) ** 2 * 90
    size[0] = 0
    size[1, 0] = 0.3
    own = torch.cat([corner, corner + size], dim=1)
    return [own[: count + 3], own[count + 3 :]]


@pytest.mark.parametrize("largest_map", [roi_align.MAX_MATRIX_MAP, 0])
@pytest.mark.parametrize("bins", [5, 10])
def test_equals_torchvision(bins: int, largest_map: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roi_align, "MAX_MATRIX_MAP", largest_map)
    ours = PyramidRoIAlign(bins, 3, canonical_px=48, canonical_level=3)
    theirs = MultiScaleRoIAlign(["0", "1", "2"], bins, 2, canonical_scale=48, canonical_level=3)
    maps, same_maps, rois = pyramid(0), pyramid(0), boxes(1, 40)
    pooled = ours(maps, rois)
    expected = theirs(same_maps, rois, [(96, 96)] * 2)
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=1e-5)

    weights = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2))
    (pooled * weights).sum().backward()
    (expected * weights).sum().backward()
    for level in SIDES:
        torch.testing.assert_close(maps[level].grad, same_maps[level].grad, atol=1e-4, rtol=1e-4)


def test_an_image_without_boxes_gives_no_rows():
    pool = PyramidRoIAlign(5, 3, canonical_px=48, canonical_level=3)
    own = boxes(1, 40)[0]
    alone = pool({k: v[1:] for k, v in pyramid(0).items()}, [own])
    beside_empty = pool(pyramid(0), [torch.zeros(0, 4), own])
    assert beside_empty.shape == (len(own), 8, 5, 5)
    torch.testing.assert_close(beside_empty, alone)
    assert pool(pyramid(0), [torch.zeros(0, 4)] * 2).shape == (0, 8, 5, 5)


@pytest.mark.parametrize("largest_map", [roi_align.MAX_MATRIX_MAP, 0])
def test_a_single_map_of_stride_16_is_pooled_from(
    largest_map: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roi_align, "MAX_MATRIX_MAP", largest_map)
    pool = PyramidRoIAlign(7, 1, canonical_px=224, canonical_level=4, first_stride=16)
    maps, rois = {"0": pyramid(0)["2"]}, boxes(1, 20)
    expected = kernel(maps["0"], rois, 7, spatial_scale=1 / 16, sampling_ratio=2)
    torch.testing.assert_close(pool(maps, rois), expected, atol=1e-5, rtol=1e-5)
