"""Initial weights: what is loaded, what is random, what is frozen, and the report that says so.

Every run first initialises the whole detector from its seed and then loads the arm's tensors over
it, so two arms of one seed differ in the loaded tensors only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from study.config import BodyConfig, RunConfig
from study.config.arms import is_hub
from study.models import backbones
from study.models.detector import Detector
from study.models.vision import FrozenBatchNorm2d
from study.models.weights import available, checkpoints, detectron, files, fitting, imagenet
from study.models.weights.whole import loading, reading
from study.randomness import Stream, seed

CLASSIFIERS = ("fc.", "head.", "heads.", "classifier.", "projection_head.", "prototypes.")
"""What is left of a pre-training's own task; never loaded into a backbone."""

COUNTER = "num_batches_tracked"  # of batch norms: says nothing where momentum is constant

Report = dict[str, dict[str, Any]]
"""Numbers of values loaded, random and frozen, by group of parameters.

Of a whole detector's weights also `from`, the program whose they are, and in groups with layers
that depend on the classes `class_rows`, the names of the classes whose rows were loaded, and
`classes`, how many the detector has.
"""


def build(
    config: RunConfig, num_classes: int, classes: Sequence[str] | None = None
) -> tuple[Detector, Report]:
    """The detector with its initial weights, on the CPU, and its init report.

    `classes` are their names in order from class 1 on: by them a whole detector's weights keep
    rows. Without names all such rows are random.

    Raises:
        ValueError: weights that do not exist or do not fit; lists the keys and shapes. Or
            something is frozen that was not loaded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(Stream.INIT, config.seed))
        detector = Detector(config.model, num_classes)
    loaded: set[str] = set()
    if config.init is not None and (whole := reading.found(config.init, config.model)):
        got = loading.load(detector, whole, config.model, classes, _load)
        counts = report(detector, got.names, config.frozen_random, got.partly)
        return detector, _told(counts, got, num_classes)
    if config.init is not None:
        weights = read_weights(config.init, config.model.body)
        published = backbones.find(config.model.body.name).names
        known = published() if published else ()
        names = load_body(detector.backbone.body, weights, config.init, known)
        loaded = {f"backbone.body.{name}" for name in names}
        single = backbones.find(config.model.body.name).single
        if single and not config.model.pyramid:
            head = detector.roi_heads.box_head
            names = load_box_head(head, weights, single.box_head, config.init)
            loaded |= {f"roi_heads.box_head.{name}" for name in names}
    return detector, report(detector, loaded, config.frozen_random)


def read_weights(source: str, body: BodyConfig) -> dict[str, Tensor]:
    """Tensors by name from "pretext", "imagenet", timm/MODEL.TAG, a .safetensors, .pt/.pth or
    Detectron's .pkl file, or a URL of one.

    "imagenet", timm's, .pkl and what was pre-trained here are fitted to the body's normalisation
    of pixels; what another file holds must have been trained with that.

    Raises:
        ValueError: no such weights for this backbone, or no such file.
    """
    available.require_weights(source, body)
    backbone = backbones.find(body.name)
    if source == "pretext" and backbone.shipped:
        return checkpoints.read(backbone.shipped.file)
    if source == "imagenet":
        return imagenet.imagenet(body)
    if is_hub(source):
        weights = available.published_as(source, body)
        return imagenet.published(weights, body, f"weights {source!r}")
    path = reading.local(source)
    if path.suffix == ".pkl":
        return detectron.read(path, body)
    weights = checkpoints.read(path, backbone.names() if backbone.names else ())
    return checkpoints.as_told(weights, files.metadata(path), body, source)


def load_body(
    body: nn.Module, weights: dict[str, Tensor], source: str, whole: Collection[str] = ()
) -> set[str]:
    """Load the whole body, or nothing: names loaded, as the body calls them.

    A pre-training's classifier is left out, and what else of the `whole` published network the
    body does without.

    Raises:
        ValueError: lists every key that is missing, left over, or of another shape.
    """
    own = body.state_dict().keys()
    given = {
        key: value
        for key, value in weights.items()
        if key in own or not (key in whole or key.startswith(CLASSIFIERS))
    }
    return _load(body, given, f"weights {source!r} do not fit the backbone")


def load_box_head(
    head: nn.Module, weights: dict[str, Tensor], layers: Mapping[str, str], source: str
) -> set[str]:
    """Load layers of the backbone's classifier into the box head that begins with them, if the
    weights have them: names loaded, as the head calls them.

    `layers`: the head's layers by those of the classifier.

    Raises:
        ValueError: they do not fit.
    """
    given = {
        f"{own}.{key.removeprefix(f'{theirs}.')}": value
        for key, value in weights.items()
        for theirs, own in layers.items()
        if key.startswith(f"{theirs}.")
    }
    return _load(head, given, f"weights {source!r} do not fit the box head") if given else set()


def _load(module: nn.Module, given: Mapping[str, Tensor], complaint: str) -> set[str]:
    own = {k: v for k, v in module.state_dict().items() if not k.endswith(COUNTER)}
    given = {k: v for k, v in given.items() if not k.endswith(COUNTER)}
    fitting.require(own, given, complaint)
    # not strict: batch norms keep their own counter
    module.load_state_dict({key: given[key].to(own[key].dtype) for key in own}, strict=False)
    return set(own)


GROUPS = (
    "backbone.body",
    "backbone.fpn",
    "rpn",
    "roi_heads.box",
    "roi_heads.mask",
    "roi_heads.keypoint",
    "roi_heads.later",
)


def report(
    detector: nn.Module,
    loaded: set[str],
    frozen_random: bool = False,
    partly: Mapping[str, int] | None = None,
) -> Report:
    """What became of each group's values; `loaded` holds the names of those loaded, and `partly`
    how many values were loaded of others.

    Values are the parameters, and what a batch norm has beside them: its running statistics, and
    scale and offset too where it is frozen. "random" is what no file gave, constants included.

    Raises:
        ValueError: something is frozen but was not loaded, unless that is asked for. Detectron's
            first numbers from scratch lost 3.3 to 3.5 AP to this (its GN project's README).
    """
    counts: Report = {}
    for name, value, frozen in _values(detector):
        if frozen and name not in loaded and not frozen_random:
            raise ValueError(
                f"{name} is frozen but was not loaded: load it, or unfreeze it (model.body.norm is"
                " not frozen_batch, model.body.frozen_stages = 0); frozen_random = True if that is"
                " meant"
            )
        group = next((own for own in GROUPS if name.startswith(own)), name.split(".")[0])
        row = counts.setdefault(group, {"loaded": 0, "random": 0, "frozen": 0})
        own = value.numel() if name in loaded else (partly or {}).get(name, 0)
        row["loaded"] += own
        row["random"] += value.numel() - own
        row["frozen"] += value.numel() if frozen else 0
    return counts


def _told(counts: Report, got: loading.Loaded, num_classes: int) -> Report:
    """The report with what is said of a whole detector's weights."""
    dependent = {name.rsplit("_", 1)[0] for name in got.partly}
    for group, row in counts.items():
        if row["loaded"]:
            row["from"] = got.program
        if any(name.startswith(group) for name in dependent):
            row |= {"class_rows": list(got.classes), "classes": num_classes}
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
