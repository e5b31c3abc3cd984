"""A batch in parts has the gradients of the whole; bfloat16 is close to float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from study.config import TINY, RunConfig, schedule
from study.data.batches.loader import Batch
from study.models.detector import Detector
from study.training import memory
from study.training.engine import Session, placed
from study.training.gradients import Diverged, Gradients
from study.training.workers import World
from tests.models import shapes
from tests.runs import TINY_RUN, complete, mixed_shapes, trial, with_lengths

EXACT = replace(TINY_RUN, precision="float64")
SHORT = with_lengths(EXACT, 6)
CPU = torch.device("cpu")


def gradients(
    config: RunConfig, folder: Path, at_once: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    session = Session(replace(config, at_once=at_once), trial(folder, config), World())
    session.step(schedule.legs(config.schedule)[0], 0)
    named = session.state.detector.named_parameters()
    found = {name: p.grad.clone() for name, p in named if p.grad is not None}
    return session.state.loss_sums, found


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("fidelity", ["torchvision", "detectron"])
def test_parts_add_up_to_the_batch(tmp_path: Path, at_once: int, fidelity: str):
    model = replace(TINY, fidelity=fidelity)
    config = replace(EXACT, data=mixed_shapes(tmp_path / "data"), model=model)
    whole, expected = gradients(config, tmp_path / "whole", 4)
    losses, found = gradients(config, tmp_path / "parts", at_once)
    assert losses == pytest.approx(whole, rel=1e-9)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-9, rtol=1e-6)


@pytest.mark.slow
def test_a_run_in_parts_is_that_of_whole_batches(tmp_path: Path):
    (whole,), (parts,) = (
        complete(tmp_path / str(n), replace(SHORT, at_once=n)).records() for n in (4, 1)
    )
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-8)
    assert parts["AP50_box"] == pytest.approx(whole["AP50_box"], abs=1e-6)


def test_batch_statistics_are_not_those_of_a_part(tmp_path: Path):
    config = replace(TINY_RUN, model=TINY.but(norm="sync_batch"), at_once=2)
    with pytest.raises(ValueError, match=r"batch_size = 4: 2 of the 4 images .*more --workers"):
        Session(config, trial(tmp_path, config), World())


def test_what_is_not_finite_adds_nothing():
    model = shapes.detector()
    with torch.no_grad():
        model.get_parameter("rpn.head.bbox_pred.bias").fill_(torch.nan)
    batch = Batch(shapes.images([0, 1]), [1, 2], [shapes.target(s) for s in shapes.BATCH])
    for at_once in (1, 2):
        with pytest.raises(Diverged):
            Gradients(model, World(), at_once).add(batch, [(1, 2), (3, 4)], 7)
        assert all(p.grad is None for p in model.parameters())


@pytest.mark.slow
def test_bfloat16_is_close_and_weights_stay_float32():
    config = replace(TINY_RUN, compute="bfloat16")
    plain = shapes.detector()
    rough = placed(shapes.detector(), config, CPU)
    seen: set[torch.dtype] = set()
    kinds = (torch.nn.Conv2d, torch.nn.GroupNorm)
    for module in rough.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _, __, out: seen.add(out.dtype))
    found, expected = shapes.shares(rough, [0, 1]), shapes.shares(plain, [0, 1])
    assert seen == {torch.bfloat16}
    for name in ("objectness", "classifier", "mask"):
        one, other = found[name], expected[name]
        assert one.total.dtype == torch.float32
        means = [float(share.total.detach() / share.terms) for share in (one, other)]
        assert means[0] == pytest.approx(means[1], rel=0.05)
    shapes.mean(found).backward()
    assert {p.dtype for p in rough.parameters()} == {torch.float32}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in rough.parameters())
    history = shapes.learn(rough, steps=14)
    assert sum(history[-1].values()) < 0.8 * sum(history[0].values())


@pytest.mark.slow
def test_a_run_in_bfloat16_is_resumed_and_scored(tmp_path: Path):
    (*_, record) = complete(tmp_path, replace(TINY_RUN, compute="bfloat16")).records()
    assert record["done"] and record["AP_box"] is not None


def test_memory_of_an_image_is_what_backward_needs():
    small, large = (
        memory.image_bytes(shapes.detector(model), replace(TINY_RUN, model=model))
        for model in (TINY, replace(TINY, short_px=192, long_px=320))
    )
    assert 2 * small < large < 4 * small  # four times the pixels, and as many RoIs


def test_memory_is_measured_on_an_image_like_those_of_the_run():
    model = replace(TINY, keypoints=17, short_px=64, long_px=128)
    (image,), (target,), _ = memory._example(replace(TINY_RUN, model=model), torch.device("cpu"))
    assert (image.dtype, image.shape) == (torch.uint8, (3, 64, 128))
    objects = len(target["boxes"])
    assert target["keypoints"].shape == (objects, 17, 3)
    assert target["masks"].shape == (objects, 64, 128)


def test_what_fits_is_computed_at_once_and_the_rest_after(monkeypatch: pytest.MonkeyPatch):
    model = replace(TINY, short_px=192, long_px=320)
    detector, config = shapes.detector(model), replace(TINY_RUN, model=model)
    one = memory.image_bytes(detector, config)
    weights = sum(4 * p.numel() for p in detector.parameters())

    def with_free(images: float) -> int:
        free = round(images * one * memory.SPARE + memory.STATES * weights)
        monkeypatch.setattr(memory, "free_bytes", lambda *_: free)
        return memory.images_at_once(detector, config, 4)

    assert [with_free(n) for n in (1.01, 2.9, 50)] == [1, 2, 4]
    with pytest.raises(ValueError, match=r"one image of up to 192 × 320 px needs .* are free"):
        with_free(0.9)


def test_counting_leaves_the_detector_as_it_was():
    detector: Detector = shapes.detector(TINY.but(norm="sync_batch"))
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    memory.image_bytes(detector, TINY_RUN)
    assert all(torch.equal(before[name], own) for name, own in detector.state_dict().items())
    assert all(module.training for module in detector.modules())


def test_gradients_are_clipped_by_the_norm_of_all_of_them(tmp_path: Path):
    """So that they keep their direction."""

    def clipped(norm: float | None) -> dict[str, torch.Tensor]:
        config = replace(SHORT, optim=replace(SHORT.optim, clip_norm=norm))
        return gradients(config, tmp_path / str(norm), 4)[1]

    free = clipped(None)
    norm = float(torch.stack([own.norm() for own in free.values()]).norm())
    half, loose = clipped(norm / 2), clipped(2 * norm)
    for name, own in free.items():
        torch.testing.assert_close(half[name], own / 2, atol=1e-9, rtol=1e-4)
        assert torch.equal(loose[name], own)
