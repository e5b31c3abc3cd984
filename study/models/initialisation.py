"""Initial weights: what is loaded, what is random, what is frozen, and the audit that says so.

Every run first initialises the whole detector from its seed and then loads the arm's tensors over
it, so two arms of one seed differ in the loaded tensors only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from study.config import TINY, ModelConfig, RunConfig
from study.models.detector import Detector
from study.models.weights import checkpoints, detectron
from study.models.weights.imagenet import imagenet, named
from study.randomness import Stream, seed

PRETEXT_WEIGHTS = Path(__file__).with_name("weights") / "pretext_thin24.safetensors"
CLASSIFIERS = ("fc.", "head.", "heads.", "classifier.", "projection_head.", "prototypes.")
"""What is left of a pre-training's own task; never loaded into a backbone."""

COUNTER = "num_batches_tracked"  # of batch norms: says nothing where momentum is constant

Audit = dict[str, dict[str, int]]
"""Numbers of values loaded, random and frozen, by group of parameters."""


def build(config: RunConfig, num_classes: int) -> tuple[Detector, Audit]:
    """The detector with its initial weights, on the CPU, and its init audit.

    Raises:
        ValueError: weights that do not exist or do not fit; lists the keys and shapes. Or
            something is frozen that was not loaded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(Stream.INIT, config.seed))
        detector = Detector(config.model, num_classes)
    loaded: set[str] = set()
    if config.init is not None:
        weights = read_weights(config.init, config.model)
        names = load_body(detector.backbone.body, weights, config.init)
        loaded = {f"backbone.body.{name}" for name in names}
        if not config.model.pyramid:
            names = load_box_head(detector.roi_heads.box_head, weights, config.init)
            loaded |= {f"roi_heads.box_head.{name}" for name in names}
    return detector, audit(detector, loaded, config.frozen_random)


def read_weights(source: str, model: ModelConfig) -> dict[str, Tensor]:
    """Tensors by name from "pretext", "imagenet", a .safetensors, .pt/.pth or Detectron's .pkl
    file, or a URL of one.

    "imagenet" and .pkl are fitted to the model's normalisation of pixels; what another file holds
    must have been trained with that.

    Raises:
        ValueError: no such weights for this model, or no such file.
    """
    _require_weights(source, model)
    if source == "pretext":
        return checkpoints.read(PRETEXT_WEIGHTS)
    if source == "imagenet":
        return imagenet(model)
    path = checkpoints.fetched(source) if _is_url(source) else Path(source).expanduser()
    if path.suffix == ".pkl":
        return detectron.read(path, model)
    return checkpoints.read(path)


def require(config: RunConfig) -> None:
    """Refuse what `build` would refuse, as far as that can be said without reading any weights.

    Raises:
        ValueError: weights that are not there or were never made for such a model; or something
            is frozen and nothing is loaded.
    """
    if config.init is not None:
        _require_weights(config.init, config.model)
    elif config.model.body.freezes and not config.frozen_random:
        raise ValueError(
            f"arm {config.arm!r}: its weights are random, and the model freezes some of them"
            f" (model.body.frozen_stages = {config.model.body.frozen_stages}, model.body.norm ="
            f" {config.model.body.norm!r}): give weights as the arm, or a model that freezes none"
        )


def _require_weights(source: str, model: ModelConfig) -> None:
    if source == "pretext":
        fits = model.body.name == "thin" and model.body.norm == "group"
        if not fits or model.body.norm_groups != TINY.body.norm_groups:
            raise ValueError(
                "arm 'pretext' has weights for the backbone 'thin' with GroupNorm of"
                f" {TINY.body.norm_groups} groups only, not {model.body.name!r} with"
                f" {model.body.norm!r} of {model.body.norm_groups}: use --model tiny, or another"
                " arm"
            )
    elif source == "imagenet":
        named(model)
    elif not _is_url(source) and not Path(source).expanduser().is_file():
        raise ValueError(
            f"weights {source!r}: no such file (an arm is scratch, pretext, imagenet, a file or a"
            " URL)"
        )


def _is_url(source: str) -> bool:
    return urlparse(source).scheme in ("http", "https")


def load_body(body: nn.Module, weights: dict[str, Tensor], source: str) -> set[str]:
    """Load the whole body, or nothing: names loaded, as the body calls them.

    A pre-training's classifier is left out.

    Raises:
        ValueError: lists every key that is missing, left over, or of another shape.
    """
    given = {key: value for key, value in weights.items() if not key.startswith(CLASSIFIERS)}
    return _load(body, given, f"weights {source!r} do not fit the backbone")


def load_box_head(head: nn.Module, weights: dict[str, Tensor], source: str) -> set[str]:
    """Load VGG-16's two fully-connected layers into the box head's, if the weights have them.

    Fast R-CNN with VGG-16 begins with both (Girshick 2015): names loaded, as the head calls them.

    Raises:
        ValueError: they do not fit.
    """
    names = {f"classifier.{layer}.": f"{own}." for layer, own in ((0, "fc6"), (3, "fc7"))}
    given = {
        key.replace(prefix, own): value
        for key, value in weights.items()
        for prefix, own in names.items()
        if key.startswith(prefix)
    }
    return _load(head, given, f"weights {source!r} do not fit the box head") if given else set()


def _load(module: nn.Module, given: Mapping[str, Tensor], complaint: str) -> set[str]:
    own = {k: v for k, v in module.state_dict().items() if not k.endswith(COUNTER)}
    given = {k: v for k, v in given.items() if not k.endswith(COUNTER)}
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
        raise ValueError(f"{complaint}{_other_norm(own, given)}:\n  {shown}{more}")
    # not strict: batch norms keep their own counter
    module.load_state_dict({key: given[key].to(own[key].dtype) for key in own}, strict=False)
    return set(own)


def _other_norm(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """The reason, where it is the norm."""
    here, there = (any(key.endswith("running_mean") for key in one) for one in (own, given))
    if there and not here:
        return (
            ": they were trained with BatchNorm, and the network has nowhere to put its statistics"
            " (model.body.norm must be sync_batch or frozen_batch)"
        )
    if here and not there:
        return (
            ": they were trained without BatchNorm, and the network's would lack its statistics"
            " (model.body.norm must be group, or none)"
        )
    return ""


GROUPS = (
    "backbone.body",
    "backbone.fpn",
    "rpn",
    "roi_heads.box",
    "roi_heads.mask",
    "roi_heads.keypoint",
    "roi_heads.later",
)


def audit(detector: nn.Module, loaded: set[str], frozen_random: bool = False) -> Audit:
    """What became of each group's values; `loaded` holds the names of those loaded.

    Values are the parameters, and what a batch norm has beside them: its running statistics, and
    scale and offset too where it is frozen. "random" is what no file gave, constants included.

    Raises:
        ValueError: something is frozen but was not loaded, unless that is asked for. Detectron's
            first numbers from scratch lost 3.3 to 3.5 AP to this (its GN project's README).
    """
    counts: Audit = {}
    for name, value, frozen in _values(detector):
        if frozen and name not in loaded and not frozen_random:
            raise ValueError(
                f"{name} is frozen but was not loaded: load it, or unfreeze it (model.body.norm is"
                " not frozen_batch, model.body.frozen_stages = 0); frozen_random = True if that is"
                " meant"
            )
        group = next((own for own in GROUPS if name.startswith(own)), name.split(".")[0])
        row = counts.setdefault(group, {"loaded": 0, "random": 0, "frozen": 0})
        row["loaded" if name in loaded else "random"] += value.numel()
        row["frozen"] += value.numel() if frozen else 0
    return counts


def _values(detector: nn.Module) -> Iterator[tuple[str, Tensor, bool]]:
    """Name, value, and whether it stays as it is, of all that initial weights may set."""
    for prefix, module in detector.named_modules():
        for name, parameter in module.named_parameters(prefix, recurse=False):
            yield name, parameter, not parameter.requires_grad
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            for name, statistic in module.named_buffers(prefix, recurse=False):
                if not name.endswith(COUNTER):
                    yield name, statistic, isinstance(module, FrozenBatchNorm2d)
