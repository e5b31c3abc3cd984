"""Of each program's checkpoints the backbone is taken, and of two encoders the right one.

Files have the keys and shapes of the published ones. Every tensor is one number seen everywhere,
so that they are small, and networks are on the device "meta".
"""

from __future__ import annotations

import argparse
import pickle
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models import get_weight, resnet18, resnet50, vgg16

from study.commands.options.models import chosen
from study.config import R50_FPN, TINY, ModelConfig
from study.models import features
from study.models.initialisation import load_body, read_weights
from study.models.weights import checkpoints, download

pytestmark = pytest.mark.filterwarnings("ignore:.*is a no-op")  # loading into "meta"

BATCH = R50_FPN.but(norm="sync_batch")
RIGHT, WRONG = 1.0, 2.0


def one(shape: tuple[int, ...] | torch.Size, value: float = RIGHT) -> Tensor:
    return torch.tensor(value).expand(shape)


def body(config: ModelConfig = BATCH) -> torch.nn.Module:
    with torch.device("meta"):
        return features.body(config.body)


def like(module: torch.nn.Module, prefix: str, value: float = RIGHT) -> dict[str, Tensor]:
    return {prefix + key: one(own.shape, value) for key, own in module.state_dict().items()}


def linear(name: str, inputs: int, outputs: int) -> dict[str, Tensor]:
    return {
        f"{name}.weight": one((outputs, inputs), WRONG),
        f"{name}.bias": one((outputs,), WRONG),
    }


def mlp_of_moco(encoder: str) -> dict[str, Tensor]:
    return linear(f"{encoder}.fc.0", 2048, 2048) | linear(f"{encoder}.fc.2", 2048, 128)


def moco_v2() -> object:
    weights = like(body(), "module.encoder_q.") | mlp_of_moco("module.encoder_q")
    weights |= like(body(), "module.encoder_k.", WRONG) | mlp_of_moco("module.encoder_k")
    weights |= {"module.queue": one((128, 65536), WRONG)}
    weights |= {"module.queue_ptr": torch.zeros(1, dtype=torch.int64)}
    return {"epoch": 800, "arch": "resnet50", "state_dict": weights, "optimizer": {"state": {}}}


def dino() -> object:
    student, teacher = (
        like(body(), "module.backbone.", value)
        | linear("module.head.mlp.0", 2048, 2048)
        | {"module.head.last_layer.weight_g": one((60000, 1), WRONG)}
        for value in (WRONG, RIGHT)
    )
    args = argparse.Namespace(arch="resnet50", lr=0.3, local_crops_scale=(0.05, 0.14))
    return {"student": student, "teacher": teacher, "args": args, "epoch": 800}


def swav() -> object:
    head = {"module.projection_head.1.running_mean": one((2048,), WRONG)}
    head |= linear("module.projection_head.0", 2048, 2048)
    return like(body(), "module.") | head | {"module.prototypes.weight": one((3000, 128), WRONG)}


def without_counters() -> dict[str, Tensor]:
    """As torchvision's oldest files are: from before batch norms counted their batches."""
    weights = like(body(), "")
    return {key: value for key, value in weights.items() if "tracked" not in key}


FILES = {
    "MoCo v2": moco_v2,
    "DINO": dino,
    "DINO, backbone alone": lambda: {"teacher": like(body(), "backbone.")},
    "SwAV": swav,
    "SparK": lambda: {"module": like(body(), ""), "is_pretrain": False},
    "SparK in timm's style": lambda: like(body(), ""),
    "torchvision": lambda: without_counters() | linear("fc", 2048, 1000),
}


@pytest.mark.parametrize("norm", ["sync_batch", "frozen_batch"])
@pytest.mark.parametrize("kind", FILES)
def test_the_backbone_is_taken_of_each_kind_of_checkpoint(kind: str, norm: str, tmp_path: Path):
    path = tmp_path / "checkpoint.pth"
    torch.save(FILES[kind](), path)
    config = BATCH.but(norm=norm)  # type: ignore[arg-type]
    weights = read_weights(str(path), config.body)
    network = body(config)
    names = load_body(network, weights, kind)
    assert len(names) == 5 * 53 and not any("tracked" in name for name in names)
    assert all(float(weights[name].max()) == RIGHT for name in names)


def test_weights_with_batch_statistics_are_refused_by_other_norms(tmp_path: Path):
    path = tmp_path / "checkpoint.pth"
    torch.save(moco_v2(), path)
    weights = read_weights(str(path), R50_FPN.body)
    for norm in ("group", "none"):
        with pytest.raises(ValueError) as error:
            load_body(body(R50_FPN.but(norm=norm)), weights, "MoCo")
        assert "trained with BatchNorm" in str(error.value)
        assert "model.body.norm must be sync_batch or frozen_batch" in str(error.value)
        assert re.search(r"left over: .*bn1\.running_mean \(64,\)", str(error.value))
    for norm in ("sync_batch", "frozen_batch"):
        with pytest.raises(ValueError, match="trained without BatchNorm") as error:
            load_body(body(R50_FPN.but(norm=norm)), like(body(R50_FPN), ""), "GN")
        assert "missing: bn1.running_mean (64,)" in str(error.value)


def test_a_file_with_two_backbones_is_refused():
    both = like(body(), "backbone.") | like(body(), "encoder.")
    with pytest.raises(ValueError, match=r"backbone\.conv1\.weight and encoder\.conv1\.weight"):
        checkpoints.backbone_of(both, "both")


class Program:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a program ran",)


def test_a_file_that_runs_a_program_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "bad.pth"
    torch.save({"state_dict": like(body(), ""), "extra": Program()}, path)
    with pytest.raises(ValueError, match="more than tensors and plain values"):
        read_weights(str(path), BATCH.body)
    path.with_suffix(".pkl").write_bytes(pickle.dumps(Program()))
    with pytest.raises(ValueError, match="only NumPy arrays are taken from a pickle"):
        read_weights(str(path.with_suffix(".pkl")), BATCH.body)
    assert "a program ran" not in capsys.readouterr().out


@pytest.mark.parametrize("norm", ["sync_batch", "frozen_batch"])
def test_imagenet_weights_with_batch_norm_are_torchvisions(
    norm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A file in torch's cache under the published one's name is not downloaded again."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = get_weight("ResNet50_Weights.IMAGENET1K_V1").url
    cached = tmp_path / "hub" / "checkpoints" / Path(url).name
    cached.parent.mkdir(parents=True)
    with torch.device("meta"):
        stock = resnet50()
    torch.save(like(stock, ""), cached)
    monkeypatch.setattr(download, "digest_of", lambda _: None)
    config = BATCH.but(norm=norm)  # type: ignore[arg-type]
    weights = read_weights("imagenet", config.body)
    assert len(load_body(body(config), weights, "imagenet")) == 5 * 53
    assert weights["conv1.weight"].unique().tolist() == [RIGHT]
    plain = config.but(pixel_std=(1.0, 1.0, 1.0))  # then inputs are that much larger
    scaled = read_weights("imagenet", plain.body)["conv1.weight"]
    torch.testing.assert_close(scaled[0, :, 0, 0], 1 / torch.tensor(R50_FPN.body.pixel_std))
    with pytest.raises(ValueError, match=r"model\.body\.pixel_mean = \(0\.0, 0\.0, 0\.0\)"):
        read_weights("imagenet", config.but(pixel_mean=(0.0, 0.0, 0.0)).body)


@pytest.mark.parametrize(
    ("norm", "name"), [("group", "resnet50_gn"), ("sync_batch", "ResNet50_Weights")]
)
def test_imagenet_weights_that_cannot_be_downloaded_are_named(
    norm: str, name: str, monkeypatch: pytest.MonkeyPatch
):
    def offline(*_args: object, **_options: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("timm.create_model", offline)
    monkeypatch.setattr("study.models.weights.torch_hub.content", offline)
    config = R50_FPN.but(norm=norm)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"'imagenet': {name}.* cannot be downloaded .*Name"):
        read_weights("imagenet", config.body)


def test_imagenet_weights_without_norm_are_torchvisions_vgg16():
    config = R50_FPN.but(name="vgg16", norm="none")
    with torch.device("meta"):
        stock = vgg16()
    weights = checkpoints.backbone_of(like(stock, ""), "vgg16")
    assert len(load_body(body(config), weights, "vgg16")) == 26


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "resnet101"}, "with GroupNorm for 'resnet101', only for resnet50"),
        (
            {"name": "resnext152_32x8d", "norm": "sync_batch"},
            "only for resnet18, resnet50, resnet",
        ),
        ({"norm": "none"}, "with no norm for 'resnet50', only for vgg16"),
        ({"norm_groups": 16}, r"model\.body\.norm_groups = 16: .* trained with 32"),
        ({"stride_1x1": True}, r"leave model\.body\.stride_1x1 off"),
    ],
)
def test_imagenet_weights_that_do_not_exist_are_refused(changes: dict[str, str], words: str):
    with pytest.raises(ValueError, match=words):
        read_weights("imagenet", R50_FPN.but(**changes).body)  # type: ignore[arg-type]


def test_imagenet_weights_of_resnet18_are_for_the_norm_that_it_comes_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = get_weight("ResNet18_Weights.IMAGENET1K_V1").url
    cached = tmp_path / "hub" / "checkpoints" / Path(url).name
    cached.parent.mkdir(parents=True)
    with torch.device("meta"):
        stock = resnet18()
    torch.save(like(stock, ""), cached)
    monkeypatch.setattr(download, "digest_of", lambda _: None)
    usual = chosen(TINY, "resnet18", None)
    weights = read_weights("imagenet", usual.body)
    assert len(load_body(body(usual), weights, "imagenet")) == 5 * 20
