"""Arms differ in the loaded tensors only; weights that do not fit are refused with a list."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from study.config import R50_FPN, TINY, ModelConfig, RunConfig
from study.models import backbones, features, initialisation
from study.models.weights import available
from study.training.train_state import optimiser
from tests.runs import TINY_RUN

SCRATCH = RunConfig(seed=3)


def weights(seed: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return features.body(SCRATCH.model.body).state_dict()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(weights(), path)
    return path


def test_two_arms_differ_in_the_backbone_only(file: Path):
    scratch, _ = initialisation.build(SCRATCH, 8)
    loaded, report = initialisation.build(dataclasses.replace(SCRATCH, init=str(file)), 8)
    expected = weights()
    for (name, a), b in zip(
        scratch.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        body = name.removeprefix("backbone.body.")
        assert torch.equal(b, expected[body] if body != name else a), name
    assert report["backbone.body"] == {"loaded": 655_224, "random": 0, "frozen": 0}
    assert report["rpn"]["loaded"] == 0


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
    read = initialisation.read_weights(str(path), SCRATCH.model.body)
    body = features.body(SCRATCH.model.body)
    initialisation.load_body(body, read, str(path))
    for key, value in weights().items():
        assert torch.equal(body.state_dict()[key], value)


def test_misfits_are_listed_and_nothing_is_loaded():
    wrong = weights()
    del wrong["stem.0.weight"]
    wrong["layer1.0.weight"] = torch.zeros(4, 4)
    wrong["layer9.0.weight"] = torch.zeros(2)
    body = features.body(SCRATCH.model.body)
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
        initialisation.report(detector, set())


@pytest.mark.parametrize(
    ("init", "model", "words"),
    [
        ("nowhere.pt", TINY, "no such file"),
        ("imagenet", TINY, "no ImageNet weights with GroupNorm for 'thin', only for resnet50"),
        ("pretext", R50_FPN, "for the backbone 'thin' with GroupNorm of 8 .* use --model thin"),
        ("pretext", TINY.but(norm_groups=4), "not for 'thin' with .* 'group' of 4 groups"),
        ("pretext", TINY.but(norm="sync_batch"), "not for 'thin' with .* 'sync_batch'"),
    ],
)
def test_weights_that_do_not_exist_are_named(init: str, model: ModelConfig, words: str):
    with pytest.raises(ValueError, match=words):
        initialisation.read_weights(init, model.body)
    with pytest.raises(ValueError, match=words):  # without reading any
        available.require(dataclasses.replace(SCRATCH, init=init, model=model))


@pytest.mark.slow
def test_timm_keys_fit_the_full_size_backbone():
    """The file itself cannot be downloaded by a test; its keys and shapes are timm's."""
    timm = pytest.importorskip("timm")
    given = timm.create_model("resnet50_gn", pretrained=False).state_dict()
    body = features.body(R50_FPN.body)
    assert len(initialisation.load_body(body, given, "timm")) == len(given) - 2  # fc


def frozen(**changes: object) -> RunConfig:
    model = SCRATCH.model.but(**changes)  # type: ignore[arg-type]
    return dataclasses.replace(SCRATCH, model=model)


def saved(config: RunConfig, folder: Path) -> RunConfig:
    """The same run with weights for its backbone, which all are 0.5."""
    tensors = features.body(config.model.body).state_dict()
    path = folder / "half.safetensors"
    halves = {key: torch.full(value.shape, 0.5) for key, value in tensors.items()}
    safetensors.torch.save_file(halves, path)
    return dataclasses.replace(config, init=str(path))


@pytest.mark.parametrize(
    ("config", "first"),
    [
        (frozen(frozen_stages=1), "backbone.body.stem.0.weight"),
        (frozen(norm="frozen_batch"), "backbone.body.stem.1.weight"),
        (frozen(norm="sync_batch", frozen_stages=2), "backbone.body.stem.0.weight"),
    ],
)
def test_what_is_frozen_must_be_loaded_unless_its_randomness_is_asked_for(
    config: RunConfig, first: str, tmp_path: Path
):
    with pytest.raises(
        ValueError, match=rf"{first} is frozen but was not loaded: .*frozen_random"
    ):
        initialisation.build(config, 8)
    with pytest.raises(ValueError, match="arm 'scratch': its weights are random, and the model"):
        available.require(config)  # without building it
    asked = dataclasses.replace(config, frozen_random=True)
    available.require(asked)
    _, report = initialisation.build(asked, 8)
    body = report["backbone.body"]
    assert body["loaded"] == 0 and 0 < body["frozen"] < body["random"]
    _, report = initialisation.build(saved(config, tmp_path), 8)
    assert report["backbone.body"] == body | {"loaded": body["random"], "random": 0}


def test_what_is_frozen_stays_and_has_no_optimiser(tmp_path: Path):
    config = saved(frozen(norm="sync_batch", frozen_stages=2), tmp_path)
    detector, _ = initialisation.build(config, 8)
    optimised = {
        id(p) for group in optimiser(detector, config.optim).param_groups for p in group["params"]
    }
    parts = dict(detector.backbone.body.named_parameters())
    assert {name for name, p in parts.items() if id(p) not in optimised} == {
        f"{part}.weight" for part in ("stem.0", "layer1.0", "layer1.3")
    }
    detector.train()
    detector.backbone(torch.randn(2, 3, 32, 32))
    state = detector.backbone.body.state_dict()
    still = {name for name, value in state.items() if (value == 0.5).all()}
    running = {
        name for name in state if name.startswith(("layer2", "layer3")) and "running" in name
    }
    assert still == {name for name in state if "tracked" not in name} - running


def test_the_report_counts_running_statistics():
    _, group = initialisation.build(SCRATCH, 8)
    _, batch = initialisation.build(frozen(norm="sync_batch"), 8)
    channels = 24 + 2 * (48 + 96 + 192)
    assert batch["backbone.body"]["random"] == group["backbone.body"]["random"] + 2 * channels
    assert batch["rpn"] == group["rpn"]


def test_vgg16s_fully_connected_layers_go_into_the_box_head():
    head = TwoMLPHead(in_channels=18, representation_size=5)
    shapes = {"classifier.0": (5, 18), "classifier.3": (5, 5), "classifier.6": (1000, 5)}
    weights = {f"{name}.weight": torch.full(shape, 0.5) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": torch.full(shape[:1], 0.5) for name, shape in shapes.items()}
    single = backbones.find("vgg16").single
    assert single
    layers = single.box_head
    names = initialisation.load_box_head(head, weights, layers, "vgg16")
    assert names == {"fc6.weight", "fc6.bias", "fc7.weight", "fc7.bias"}
    assert all((value == 0.5).all() for value in head.state_dict().values())
    assert not initialisation.load_box_head(
        head, {"0.weight": torch.zeros(3)}, layers, "body alone"
    )
    small = TwoMLPHead(in_channels=18, representation_size=4)
    with pytest.raises(ValueError, match=r"box head: .*shape: fc6\.weight is \(5, 18\), must be"):
        initialisation.load_box_head(small, weights, layers, "vgg16")


@pytest.mark.parametrize("part", [{"arm": "mine"}, {"size": 3}, {"draw": 2}, {"trial_id": "b"}])
def test_first_weights_follow_from_the_seed_alone(part: dict[str, object]):
    one, other = (
        initialisation.build(run, 3)[0].state_dict()
        for run in (TINY_RUN, replace(TINY_RUN, **part))  # type: ignore[arg-type]
    )
    assert all(torch.equal(value, other[name]) for name, value in one.items())
