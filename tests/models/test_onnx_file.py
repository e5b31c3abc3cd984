"""An exported detector finds in a picture what the detector finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from study.config import TINY, ModelConfig
from study.data.geometry.resize import resized
from study.models.detector import Detector
from study.models.fixed_shape import FixedShape
from study.models.heads import roi_align
from study.models.onnx_file import shared, write

CLASSES = ("cat", "dog", "hen")


def made(config: ModelConfig) -> Detector:
    """With scores that differ, so that there is something to find."""
    torch.manual_seed(0)
    detector = Detector(config, len(CLASSES)).eval()
    for own in detector.roi_heads.box_predictor.parameters():
        nn.init.normal_(own, std=0.3)
    return detector


def picture(size: tuple[int, int], config: ModelConfig, seed: int = 1) -> np.ndarray:
    height, width = resized(*size, config)
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8)


@pytest.mark.parametrize("masks", [True, False])
def test_fixed_shapes_hold_the_same_detections(masks: bool):
    config = replace(TINY, masks=masks, detections=200, score_threshold=0.5)
    detector = made(config)
    image = torch.from_numpy(picture((60, 90), config))
    with torch.no_grad():
        (expected,) = detector([image])
        found = dict(zip(FixedShape(detector).outputs, FixedShape(detector)(image), strict=True))
    there = len(expected["scores"])
    assert 0 < there < config.detections  # and so some places are empty
    assert found.keys() == expected.keys()
    for name, own in expected.items():
        assert torch.equal(found[name][:there], own), name
    assert not any(found[name][there:].any() for name in ("scores", "labels", "boxes"))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(70, 48)])
def test_a_file_finds_the_same(size: tuple[int, int], tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    # with a high threshold most places are empty
    config = replace(TINY, short_px=48, long_px=96, detections=100, score_threshold=0.6)
    detector = made(config)
    file = tmp_path / "new" / "detector.onnx"
    assert write(detector, config, CLASSES, size, file) == size
    session = onnxruntime.InferenceSession(file)
    told = session.get_modelmeta().custom_metadata_map
    assert (
        json.loads(told["classes"]) == list(CLASSES) and told["input"] == f"{size[0]} x {size[1]}"
    )
    image = picture(size, config)
    found = {
        output.name: value
        for output, value in zip(
            session.get_outputs(), session.run(None, {"image": image}), strict=True
        )
    }
    with torch.no_grad():
        (expected,) = detector([torch.from_numpy(image)])
    there = len(expected["scores"])
    assert there and np.count_nonzero(found["scores"]) == there
    for name, own in expected.items():
        np.testing.assert_allclose(found[name][:there], own.numpy(), atol=1e-3, err_msg=name)


@pytest.mark.slow
def test_a_file_that_finds_something_else_is_not_left_though_nothing_is_above_the_threshold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("onnxruntime")
    config = replace(TINY, masks=False, short_px=48, long_px=96, score_threshold=0.999)
    right = roi_align.PyramidRoIAlign._every_level
    monkeypatch.setattr(
        roi_align.PyramidRoIAlign, "_every_level", lambda *given: right(*given).flip(-1)
    )
    with pytest.raises(ValueError, match=r"x\.onnx: not written: ONNX Runtime finds \d+% of what"):
        write(made(config), config, CLASSES, (48, 60), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bfloat16", "float64"])
def test_a_detector_of_other_numbers_becomes_a_file_of_float32(kind: str, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    config = replace(TINY, masks=False, short_px=48, long_px=96)
    detector = made(config)
    if kind == "bfloat16":
        detector.autocast = torch.bfloat16
    else:
        detector.double()
    write(detector, config, CLASSES, (48, 60), tmp_path / "x.onnx")
    assert (tmp_path / "x.onnx").is_file()


def test_what_both_find_is_counted():
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 30, 30], [0, 0, 0, 0]])
    one = {
        "boxes": boxes,
        "scores": torch.tensor([0.9, 0.001, 0]),
        "labels": torch.tensor([1, 2, 0]),
    }
    one["masks"] = torch.rand(3, 1, 4, 4)
    order = torch.tensor([1, 0, 2])
    assert shared(one, {name: own[order] for name, own in one.items()}) == 1
    for name, other in (("boxes", boxes + 3), ("scores", one["scores"] * 1.1), ("labels", 3)):
        changed = one[name].clone()
        changed[1] = other[1] if isinstance(other, torch.Tensor) else other
        assert shared(one, one | {name: changed}) == 0.5, name
    assert shared(one, one | {"masks": one["masks"] + 0.1}) == 0
    none = one | {"scores": torch.zeros(3)}
    assert shared(none, none) == 1


def test_pooling_for_export_is_the_same(monkeypatch: pytest.MonkeyPatch):
    """In a graph every box is pooled from all maps, and one is taken."""
    config = replace(TINY, score_threshold=0.0)
    detector = made(config)
    image = torch.from_numpy(picture((90, 60), config))
    with torch.no_grad():
        (expected,) = detector([image])
        monkeypatch.setattr(roi_align.torch.compiler, "is_exporting", lambda: True)
        (found,) = detector([image])
    for name, own in expected.items():
        torch.testing.assert_close(found[name], own, atol=1e-3, rtol=1e-4)


def test_keypoints_are_refused(tmp_path: Path):
    config = replace(TINY, masks=False, keypoints=3)
    with pytest.raises(ValueError, match=r"model\.keypoints: a detector of keypoints cannot be"):
        write(Detector(config, 1), config, ("cat",), (48, 48), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())
