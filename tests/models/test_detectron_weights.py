"""Detectron's pickles are converted to torchvision's names, RGB and the model's pixels.

Files have the keys and shapes of R-50-GN.pkl, R-101-GN.pkl and R-50.pkl; networks are on the
device "meta", and all but the stem's blobs are single bytes.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import FrozenBatchNorm2d

from study.config import R50_FPN, ModelConfig
from study.models import features
from study.models.initialisation import load_body, read_weights

pytestmark = pytest.mark.filterwarnings("ignore:.*is a no-op")  # loading into "meta"

FOLDED = R50_FPN.but(norm="frozen_batch", stride_1x1=True)
RANDOM = np.random.default_rng(0)


def blobs(norm: Literal["gn", "bn"], depths: tuple[int, ...]) -> dict[str, np.ndarray]:
    """A ResNet as Detectron names it."""
    found = {"conv1_w": RANDOM.normal(size=(64, 3, 7, 7)).astype(np.float32)}
    for end in "sb":
        stem = "conv1_gn_" if norm == "gn" else "res_conv1_bn_"
        found[stem + end] = RANDOM.normal(size=64).astype(np.float32)
    inputs = 64
    for stage, depth in enumerate(depths, start=2):
        width = 16 * 2**stage
        for block in range(depth):
            shapes = {
                "2a": (width, inputs, 1, 1),
                "2b": (width, width, 3, 3),
                "2c": (4 * width, width, 1, 1),
            }
            if block == 0:
                shapes["1"] = (4 * width, inputs, 1, 1)
            inputs = 4 * width
            for branch, shape in shapes.items():
                name = f"res{stage}_{block}_branch{branch}"
                found[f"{name}_w"] = np.zeros(shape, np.float16)
                found |= {f"{name}_{norm}_{end}": np.zeros(shape[0], np.float16) for end in "sb"}
    return found


def body(config: ModelConfig) -> torch.nn.Module:
    with torch.device("meta"):
        return features.body(config.body)


def written(folder: Path, content: object) -> str:
    path = folder / "R.pkl"
    path.write_bytes(pickle.dumps(content, protocol=2))  # as Python 2 wrote them
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "depths"), [("resnet50", (3, 4, 6, 3)), ("resnet101", (3, 4, 23, 3))]
)
def test_weights_with_group_norm_fit_and_see_what_they_were_trained_on(
    name: Literal["resnet50", "resnet101"], depths: tuple[int, ...], tmp_path: Path
):
    own = blobs("gn", depths)
    rest = {"pred_w": np.zeros((1000, 2048), np.int8), "pred_b": np.zeros(1000, np.int8)}
    rest |= {"conv1_w_momentum": np.zeros(3, np.int8)}
    config = R50_FPN.but(name=name)
    weights = read_weights(written(tmp_path, {"blobs": own | rest, "cfg": "…"}), config.body)
    assert load_body(body(config), weights, name) == body(config).state_dict().keys()
    assert np.array_equal(weights["bn1.weight"], own["conv1_gn_s"])
    assert np.array_equal(weights["bn1.bias"], own["conv1_gn_b"])
    rgb = torch.from_numpy(RANDOM.uniform(0, 255, (2, 3, 16, 16))).float()
    mean = torch.tensor(config.body.pixel_mean)[:, None, None]
    bgr = (rgb - mean).flip(1)  # Detectron divides by nothing
    expected = F.conv2d(bgr, torch.from_numpy(own["conv1_w"]))
    ours = F.conv2d(
        (rgb - mean) / torch.tensor(config.body.pixel_std)[:, None, None], weights["conv1.weight"]
    )
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-2)


def test_folded_batch_norms_become_frozen_ones(tmp_path: Path):
    own = blobs("bn", (3, 4, 6, 3))
    rest = {"conv1_b": np.ones(64, np.int8), "fc1000_w": np.zeros((1000, 2048), np.int8)}
    weights = read_weights(written(tmp_path, own | rest), FOLDED.body)  # without `blobs`
    assert load_body(body(FOLDED), weights, "R-50") == body(FOLDED).state_dict().keys()
    norm = FrozenBatchNorm2d(64)
    norm.load_state_dict({key[4:]: value for key, value in weights.items() if key[:4] == "bn1."})
    x = torch.randn(2, 64, 3, 3)
    scale, offset = (torch.from_numpy(own[f"res_conv1_bn_{end}"]) for end in "sb")
    expected = x * scale[:, None, None] + offset[:, None, None]
    torch.testing.assert_close(norm(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("norm", "changes", "words"),
    [
        ("bn", {"norm": "sync_batch", "stride_1x1": True}, "norm = 'sync_batch', must be 'frozen"),
        ("bn", {"norm": "frozen_batch"}, r"model\.body\.stride_1x1 = False, must be True"),
        ("gn", {"norm": "sync_batch"}, r"model\.body\.norm = 'sync_batch', must be 'group'"),
        ("gn", {"norm_groups": 16}, r"model\.body\.norm_groups = 16, must be 32"),
        ("gn", {"name": "thin"}, r"model\.body\.name = 'thin', must be 'resnet50' or"),
        ("gn", {"name": "resnet18"}, r"model\.body\.name = 'resnet18', must be 'resnet50' or"),
        (
            "gn",
            {"pixel_mean": (0.0, 0.0, 0.0)},
            r"body\.pixel_mean = .*made for \(122\.7717",
        ),
    ],
)
def test_models_that_the_weights_do_not_suit_are_refused(
    norm: Literal["gn", "bn"], changes: dict[str, object], words: str, tmp_path: Path
):
    path = written(tmp_path, {"blobs": blobs(norm, (1,))})
    with pytest.raises(ValueError, match=words):
        read_weights(path, R50_FPN.but(**changes).body)  # type: ignore[arg-type]


def test_blobs_missing_or_left_over_are_listed(tmp_path: Path):
    own = blobs("gn", (3, 4, 6, 3)) | {"res2_0_branch2a_bn_rm": np.zeros(64, np.int8)}
    del own["res5_2_branch2c_w"]
    weights = read_weights(written(tmp_path, own), R50_FPN.body)
    with pytest.raises(ValueError) as error:
        load_body(body(R50_FPN), weights, "R-50-GN.pkl")
    assert "missing: layer4.2.conv3.weight (2048, 512, 1, 1)" in str(error.value)
    assert "left over: res2_0_branch2a_bn_rm (64,)" in str(error.value)
    other = written(tmp_path, {"model": {"conv1.weight": np.zeros(3)}, "__author__": "detectron2"})
    with pytest.raises(ValueError, match=r"no Caffe2 blobs .* only Detectron's are read"):
        read_weights(other, R50_FPN.body)
