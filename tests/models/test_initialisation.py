"""Arms differ in the loaded tensors only; weights that do not fit are refused with a list."""

import dataclasses
from pathlib import Path

import pytest
import safetensors.torch
import torch

from study.config import MODELS, RunConfig
from study.models import backbone, initialisation

SCRATCH = RunConfig(seed=3)


def weights(seed: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return backbone.build(SCRATCH.model).state_dict()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(weights(), path)
    return path


def test_two_arms_differ_in_the_backbone_only(file: Path):
    scratch, _ = initialisation.build(SCRATCH, 8)
    loaded, audit = initialisation.build(dataclasses.replace(SCRATCH, init=str(file)), 8)
    expected = weights()
    for (name, a), b in zip(
        scratch.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        body = name.removeprefix("backbone.body.")
        assert torch.equal(b, expected[body] if body != name else a), name
    assert audit["backbone.body"] == {"loaded": 655_224, "random": 0, "frozen": 0}
    assert audit["rpn"]["loaded"] == 0


def test_initial_weights_are_a_function_of_the_seed():
    torch.manual_seed(123)
    first, _ = initialisation.build(SCRATCH, 8)
    after = torch.rand(1)
    torch.manual_seed(123)
    assert torch.equal(torch.rand(1), after)  # the global generator is left alone
    second, _ = initialisation.build(SCRATCH, 8)
    other, _ = initialisation.build(dataclasses.replace(SCRATCH, seed=4), 8)
    key = "backbone.body.stem.0.weight"
    assert torch.equal(first.state_dict()[key], second.state_dict()[key])
    assert not torch.equal(first.state_dict()[key], other.state_dict()[key])


@pytest.mark.parametrize("wrapper", ["module.", "module.backbone.", "encoder."])
def test_prefixes_and_classifier_are_taken_off(tmp_path: Path, wrapper: str):
    wrapped = {wrapper + key: value for key, value in weights().items()}
    wrapped["fc.weight"] = torch.zeros(5, 192)
    path = tmp_path / "wrapped.pth"
    torch.save({"state_dict": wrapped, "epoch": 3}, path)
    read = initialisation.read_weights(str(path), SCRATCH.model)
    body = backbone.build(SCRATCH.model)
    initialisation.load_body(body, read, str(path))
    for key, value in weights().items():
        assert torch.equal(body.state_dict()[key], value)


def test_misfits_are_listed_and_nothing_is_loaded():
    wrong = weights()
    del wrong["stem.0.weight"]
    wrong["layer1.0.weight"] = torch.zeros(4, 4)
    wrong["layer9.0.weight"] = torch.zeros(2)
    body = backbone.build(SCRATCH.model)
    before = {key: value.clone() for key, value in body.state_dict().items()}
    with pytest.raises(ValueError) as error:
        initialisation.load_body(body, wrong, "wrong.pt")
    text = str(error.value)
    assert "missing: stem.0.weight (24, 3, 3, 3)" in text
    assert "left over: layer9.0.weight (2,)" in text
    assert "shape: layer1.0.weight is (4, 4), must be (48, 24, 3, 3)" in text
    assert all(torch.equal(before[key], value) for key, value in body.state_dict().items())


def test_a_frozen_parameter_that_was_not_loaded_is_refused():
    detector, _ = initialisation.build(SCRATCH, 8)
    detector.backbone.body.stem.requires_grad_(False)
    with pytest.raises(ValueError, match=r"backbone.body.stem.0.weight is frozen but was not"):
        initialisation.audit(detector, set())


@pytest.mark.parametrize(
    ("init", "model", "words"),
    [
        ("nowhere.pt", "tiny", "no such file"),
        ("imagenet", "tiny", "no ImageNet weights with GroupNorm for 'thin'"),
        ("pretext", "r50-fpn", "use --model tiny"),
    ],
)
def test_weights_that_do_not_exist_are_named(init: str, model: str, words: str):
    with pytest.raises(ValueError, match=words):
        initialisation.read_weights(init, MODELS[model])


def test_timm_keys_fit_the_full_size_backbone():
    """The file itself cannot be downloaded by a test; its keys and shapes are timm's."""
    timm = pytest.importorskip("timm")
    given = timm.create_model("resnet50_gn", pretrained=False).state_dict()
    body = backbone.build(MODELS["r50-fpn"])
    assert len(initialisation.load_body(body, given, "timm")) == len(given) - 2  # fc
