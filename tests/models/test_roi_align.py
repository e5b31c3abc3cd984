"""RoIAlign, by whichever way, equals torchvision's kernel, in values and in gradients."""

import pytest
import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops import roi_align as kernel

from study.models.canvas import MapsOf
from study.models.heads import roi_align
from study.models.heads.roi_align import PyramidRoIAlign

SIDES = {"0": (24, 32), "1": (12, 16), "2": (6, 8)}


def pyramid(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        level: torch.randn(2, 8, *sides, generator=generator, requires_grad=True)
        for level, sides in SIDES.items()
    }


def boxes(seed: int, count: int) -> Tensor:
    """Inside, overhanging, thin and empty boxes on an image of 96 × 128 px, [2, count, 4]."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(2 * count, 2, generator=generator) * 110 - 5
    size = torch.rand(2 * count, 2, generator=generator) ** 2 * 90
    size[0] = 0
    size[1, 0] = 0.3
    return torch.cat([corner, corner + size], dim=1).unflatten(0, (2, count))


@pytest.fixture(params=["matrices", "rows", "kernel"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How RoIs are pooled: the last is CUDA's way with large maps."""
    if request.param != "matrices":
        monkeypatch.setattr(roi_align, "MAX_MATRIX_MAP", 0)
    if request.param == "kernel":
        monkeypatch.setattr(roi_align, "ROWS_ON", ())
    return request.param


@pytest.mark.parametrize("bins", [5, 10])
def test_equals_torchvision(bins: int, way: str):
    ours = PyramidRoIAlign(bins, 3, canonical_px=48, canonical_level=3)
    theirs = MultiScaleRoIAlign(["0", "1", "2"], bins, 2, canonical_scale=48, canonical_level=3)
    maps, same_maps, rois = pyramid(0), pyramid(0), boxes(1, 40)
    pooled = ours([MapsOf([0, 1], maps)], rois)
    expected = theirs(same_maps, list(rois), [(96, 128)] * 2)
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=1e-5)

    weights = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2))
    (pooled * weights).sum().backward()
    (expected * weights).sum().backward()
    for level in SIDES:
        torch.testing.assert_close(maps[level].grad, same_maps[level].grad, atol=1e-4, rtol=1e-4)


def two_canvases() -> tuple[PyramidRoIAlign, list[MapsOf], Tensor]:
    """Three images, of which the second has another canvas."""
    pool = PyramidRoIAlign(5, 3, canonical_px=48, canonical_level=3)
    tall = {name: own[:1].transpose(2, 3) for name, own in pyramid(3).items()}
    return pool, [MapsOf([0, 2], pyramid(0)), MapsOf([1], tall)], boxes(1, 40)[[0, 1, 0]]


def test_images_of_different_canvases_come_in_the_batchs_order(way: str):
    pool, (wide, tall), rois = two_canvases()
    found = pool([wide, tall], rois).unflatten(0, (3, -1))
    ends = pool([MapsOf([0, 1], wide.features)], rois[[0, 2]]).unflatten(0, (2, -1))
    assert torch.equal(found[[0, 2]], ends)
    assert torch.equal(found[1], pool([MapsOf([0], tall.features)], rois[1:2]))


def test_an_image_is_pooled_as_suits_its_own_canvas_beside_a_larger_one(
    monkeypatch: pytest.MonkeyPatch,
):
    pool, (wide, tall), rois = two_canvases()
    tall.features["0"] = torch.nn.functional.pad(tall.features["0"], (0, 0, 0, 8))
    alone = [pool([MapsOf([0], own.features)], rois[1:2]) for own in (tall,)]
    monkeypatch.setattr(roi_align, "MAX_MATRIX_MAP", 24 * 32)
    alone.append(pool([MapsOf([0], tall.features)], rois[1:2]))
    assert not torch.equal(*alone)  # two ways
    torch.testing.assert_close(*alone, atol=1e-5, rtol=1e-5)
    found = pool([wide, tall], rois).unflatten(0, (3, -1))
    assert torch.equal(found[1], alone[1])
    ends = pool([MapsOf([0, 1], wide.features)], rois[[0, 2]]).unflatten(0, (2, -1))
    assert torch.equal(found[[0, 2]], ends)


def test_of_chosen_boxes_come_the_rows_of_all(way: str):
    pool, maps, rois = two_canvases()
    chosen = torch.tensor([3, 40, 55, 119])
    assert torch.equal(pool(maps, rois, chosen), pool(maps, rois)[chosen])
    assert pool(maps, rois, chosen[:0]).shape == (0, 8, 5, 5)


def test_no_boxes_give_no_rows(way: str):
    pool = PyramidRoIAlign(5, 3, canonical_px=48, canonical_level=3)
    assert pool([MapsOf([0, 1], pyramid(0))], torch.zeros(2, 0, 4)).shape == (0, 8, 5, 5)


def test_a_single_map_of_stride_16_is_pooled_from(way: str):
    pool = PyramidRoIAlign(7, 1, canonical_px=224, canonical_level=4, first_stride=16)
    maps, rois = {"0": pyramid(0)["2"]}, boxes(1, 20)
    expected = kernel(maps["0"], list(rois), 7, spatial_scale=1 / 16, sampling_ratio=2)
    found = pool([MapsOf([0, 1], maps)], rois)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
