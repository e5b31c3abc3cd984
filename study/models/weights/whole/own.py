"""What `study.train` and sweeps leave: safetensors that say which model they are of which classes.

Files of earlier versions do not say it. The `config.json` beside them has the model, and the names
of the classes follow from the data if those were generated, or stand in the study's ground truth.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from study.config import DataConfig, ModelConfig, from_dict, to_dict
from study.config.printable import shown
from study.models.backbones import Pixels
from study.models.weights.whole import architecture
from study.models.weights.whole.checkpoint import SCORE, Whole, require_heads
from study.storage import older

METADATA = "detector"
"""The key in a safetensors file's metadata, of JSON with `model` and `classes`."""
PROGRAM = "study.train"
SAME = (*architecture.SHAPES, "keypoints", "keypoint_convs", "keypoint_channels")
"""Fields of the model that must be the file's."""


@dataclass(frozen=True)
class Told:
    """What is known of a file of ours."""

    model: ModelConfig
    classes: tuple[str, ...] | None


def metadata(model: ModelConfig, classes: Sequence[str]) -> dict[str, str]:
    """For the file of a detector's weights."""
    # as a file has it: 16 px and 16.0 px are the same model, and must give the same bytes
    as_read = from_dict(ModelConfig, to_dict(model))
    told = {"model": to_dict(as_read), "classes": list(classes)}
    return {METADATA: json.dumps(told, sort_keys=True)}


def told(written: Mapping[str, str], path: Path) -> Told | None:
    """By the file's metadata, or by the run directory that it lies in; None: by neither.

    Raises:
        ValueError: what stands there is of no model that there is.
    """
    if METADATA in written:
        said = _parsed(written[METADATA])
        if not (_has(said, "model", dict) and _has(said, "classes", list)):
            return None  # another program's word
        return Told(_model(said["model"], path), tuple(map(str, said["classes"])))
    beside = path.parent / "config.json"
    if not (path.name.startswith("weights-") and beside.is_file()):
        return None
    said = _parsed(beside.read_bytes())
    if said is None:
        raise ValueError(
            f"weights {str(path)!r}: {beside} beside it should say of which model they are, and is"
            " no JSON; put back an undamaged copy, or move the weights to a folder of their own"
        )
    if not (_has(said, "run", dict) and _has(said["run"], "model", dict)):
        return None  # another program's file: half of the world calls it so
    run = older.trial_config(said)["run"]
    return Told(_model(run["model"], path), _classes(run.get("data") or {}, path))


def read(tensors: Mapping[str, Tensor], known: Told, source: str) -> Whole:
    """The detector of a file of ours.

    Raises:
        ValueError: it has none.
    """
    require_heads(tensors, source, PROGRAM)
    model, body = known.model, known.model.body
    fields: dict[str, tuple[Any, ...]] = {name: (getattr(model, name),) for name in SAME}
    fields |= {"name": (body.name,), "norm": (body.norm,), "stride_1x1": (body.stride_1x1,)}
    fields["class_agnostic"] = (model.agnostic,)
    if body.norm == "group":
        fields["norm_groups"] = (body.norm_groups,)
    elif "batch" in body.norm and (model.head_norm == "none" or body.norm == "frozen_batch"):
        # the same tensors, if the heads have no norm either way
        fields |= {"norm": (body.norm, "sync_batch", "frozen_batch"), "head_norm": ("none",)}
    for part in ("mask", "keypoint"):
        if not any(name.startswith(f"roi_heads.{part}_") for name in tensors):
            fields = {name: value for name, value in fields.items() if not name.startswith(part)}
    classes = known.classes
    if classes is not None and len(classes) + 1 != len(tensors[f"{SCORE}.weight"]):
        classes = None
    return Whole(
        source=source,
        program=PROGRAM,
        tensors=tensors,
        classes=classes,
        background="first",
        pixels=Pixels(body.pixel_mean, body.pixel_std),
        fields=fields,
    )


def _parsed(text: str | bytes) -> Any:
    """None: it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _has(said: Any, key: str, kind: type) -> bool:
    return isinstance(said, dict) and isinstance(said.get(key), kind)


def _model(said: dict[str, Any], path: Path) -> ModelConfig:
    try:
        return from_dict(ModelConfig, said)
    except ValueError as error:
        why = shown("; ".join(str(error).splitlines()), 300)
        raise ValueError(
            f"weights {str(path)!r}: of a detector that this version does not know ({why}); use"
            " the version that wrote them"
        ) from error


def _classes(data: dict[str, Any], path: Path) -> tuple[str, ...] | None:
    """Of a run of an earlier version, from what lies around it."""
    truth = path.parent.parent.parent / "report_split.json.gz"
    if truth.is_file():
        categories = json.loads(gzip.decompress(truth.read_bytes()))["categories"]
        ordered = sorted(categories, key=lambda category: category["id"])
        return tuple(category["name"] for category in ordered)
    if data.get("name") == DataConfig().name:
        from study.data.splits import open_splits

        return tuple(map(str, open_splits(DataConfig()).train.category_name))
    return None
