"""Initial weights: what is loaded, what is random, what is frozen, and the audit that says so.

Every run first initialises the whole detector from its seed and then loads the arm's tensors over
it, so two arms of one seed differ in the loaded tensors only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import safetensors.torch
import torch
from torch import Tensor, nn

from study.config import ModelConfig, RunConfig
from study.models.detector import MaskRCNN
from study.randomness import Stream, seed

PRETEXT_WEIGHTS = Path(__file__).with_name("pretext_thin24.safetensors")
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "body.")
CLASSIFIERS = ("fc.", "head.", "classifier.", "heads.")  # of the pre-training; never loaded


Audit = dict[str, dict[str, int]]
"""Numbers of parameters loaded, random and frozen, by group of parameters."""


def build(config: RunConfig, num_classes: int) -> tuple[MaskRCNN, Audit]:
    """The detector with its initial weights, on the CPU, and its init audit.

    Raises:
        ValueError: weights that do not exist or do not fit; lists the keys and shapes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(Stream.INIT, config.seed))
        detector = MaskRCNN(config.model, num_classes)
    loaded: set[str] = set()
    if config.init is not None:
        body = detector.backbone.body
        names = load_body(body, read_weights(config.init, config.model), config.init)
        loaded = {f"backbone.body.{name}" for name in names}
    return detector, audit(detector, loaded)


def read_weights(source: str, model: ModelConfig) -> dict[str, Tensor]:
    """Tensors by name from "pretext", "imagenet", a .safetensors or .pt/.pth file, or a URL.

    Raises:
        ValueError: no such weights for this model, or no such file.
    """
    if source == "pretext":
        if model.backbone != "thin":
            raise ValueError(
                f"arm 'pretext' has weights for the backbone 'thin' only, not {model.backbone!r}:"
                " use --model tiny, or another arm"
            )
        return safetensors.torch.load_file(PRETEXT_WEIGHTS)
    if source == "imagenet":
        return _imagenet(model)
    if urlparse(source).scheme in ("http", "https"):
        content = torch.hub.load_state_dict_from_url(source, map_location="cpu", progress=False)
        return _tensors(content, source)
    path = Path(source).expanduser()
    if not path.is_file():
        raise ValueError(
            f"weights {source!r}: no such file (an arm is scratch, pretext, imagenet, a file or a"
            " URL)"
        )
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    return _tensors(torch.load(path, map_location="cpu", weights_only=True), source)


def _imagenet(model: ModelConfig) -> dict[str, Tensor]:
    """timm's `resnet50_gn.a1h_in1k` (Apache-2.0), key-compatible with torchvision's ResNet-50.

    ImageNet weights with GroupNorm are public for ResNet-50 alone; those with BatchNorm do not
    fit a network with GroupNorm.
    """
    if model.backbone != "resnet50":
        raise ValueError(
            f"arm 'imagenet': there are no ImageNet weights with GroupNorm for {model.backbone!r},"
            " only for resnet50; give a weights file as the arm"
        )
    import timm  # here, because it is slow to import and only this arm needs it

    return timm.create_model("resnet50_gn.a1h_in1k", pretrained=True).state_dict()


def _tensors(content: object, source: str) -> dict[str, Tensor]:
    for key in ("state_dict", "model", "teacher"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(f"weights {source!r}: holds {type(content).__name__}, not a state dict")
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}


def load_body(body: nn.Module, weights: dict[str, Tensor], source: str) -> set[str]:
    """Load the whole body, or nothing: names loaded, as the body calls them.

    Prefixes that wrappers add are taken off; a pre-training's classifier is left out.

    Raises:
        ValueError: lists every key that is missing, left over, or of another shape.
    """
    own = body.state_dict()
    given = {_strip(key): value for key, value in weights.items()}
    given = {key: value for key, value in given.items() if not key.startswith(CLASSIFIERS)}
    problems = [f"missing: {key} {tuple(own[key].shape)}" for key in own if key not in given]
    problems += [f"left over: {key} {tuple(given[key].shape)}" for key in given if key not in own]
    problems += [
        f"shape: {key} is {tuple(given[key].shape)}, must be {tuple(own[key].shape)}"
        for key in own
        if key in given and own[key].shape != given[key].shape
    ]
    if problems:
        shown = "\n  ".join(problems[:20])
        more = f"\n  … and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise ValueError(f"weights {source!r} do not fit the backbone:\n  {shown}{more}")
    body.load_state_dict({key: given[key].to(own[key].dtype) for key in own})
    return set(own)


def _strip(key: str) -> str:
    while key.startswith(PREFIXES):
        key = key.split(".", 1)[1]
    return key


GROUPS = (
    "backbone.body",
    "backbone.fpn",
    "rpn",
    "roi_heads.box",
    "roi_heads.mask",
    "roi_heads.keypoint",
    "roi_heads.later",
)


def audit(detector: nn.Module, loaded: set[str]) -> Audit:
    """What became of each group of parameters; `loaded` holds the names of those loaded.

    Raises:
        ValueError: a parameter is frozen but was not loaded. Detectron's first numbers from
            scratch lost 3.3 to 3.5 AP to this (its GN project's README).
    """
    counts: Audit = {}
    for name, parameter in detector.named_parameters():
        if not parameter.requires_grad and name not in loaded:
            raise ValueError(f"parameter {name} is frozen but was not loaded: unfreeze or load it")
        group = next((own for own in GROUPS if name.startswith(own)), name.split(".")[0])
        row = counts.setdefault(group, {"loaded": 0, "random": 0, "frozen": 0})
        row["loaded" if name in loaded else "random"] += parameter.numel()
        row["frozen"] += 0 if parameter.requires_grad else parameter.numel()
    return counts
