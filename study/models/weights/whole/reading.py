"""A whole detector in a file, at an address or published; or that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config import ModelConfig
from study.config.arms import BUILT_IN, is_hub, is_url
from study.models.weights import detectron, download, files, torch_hub
from study.models.weights.whole import coco, detectron2, mmdetection, own, torchvision
from study.models.weights.whole.checkpoint import Whole

CONTENTS = ("state_dict", "model")  # where the tensors lie
WRAPPER = "module."  # before every name, from torch's data parallelism


def found(source: str, model: ModelConfig) -> Whole | None:
    """The detector that `source` has: "coco", a file, or a URL; None: a backbone's weights only.

    Raises:
        ValueError: a detector of a kind that is not read, or a file that holds more than values.
    """
    if source == coco.NAME:
        return published(model)
    if source in BUILT_IN or is_hub(source):
        return None
    path = local(source)
    tensors, meta = opened(holds(path))
    if not tensors:
        return None
    files.require_tensors(tensors.items(), source)
    if _has(tensors, mmdetection.KEYS):
        return mmdetection.read(tensors, meta, source)
    if _has(tensors, detectron2.KEYS):
        return detectron2.read(tensors, source)
    if _has(tensors, torchvision.KEYS):
        known = own.told(files.metadata(path), path)
        return own.read(tensors, known, source) if known else torchvision.read(tensors, source)
    for key, why in UNREAD.items():
        if key in tensors:
            raise ValueError(f"weights {source!r}: {why}")
    return None


UNREAD = {
    mmdetection.FIRST_VERSION: "a detector of mmdetection 1, which had the background first:"
    " convert it with mmdetection's tools/model_converters/upgrade_model_version.py",
    mmdetection.CASCADE: "a cascade of mmdetection, which is not read; give Faster or Mask R-CNN",
    detectron2.CASCADE: "a cascade of detectron2, which is not read; give Faster or Mask R-CNN",
}
"""Detectors that are recognised by a key, and why they are not read."""


def local(source: str) -> Path:
    """The file itself, or the copy of what is at an address.

    Raises:
        ValueError: it cannot be downloaded, or what came is no weights file.
    """
    return download.fetched(source, holds) if is_url(source) else Path(source).expanduser()


def holds(path: Path) -> object:
    """All that a weights file of any kind holds; see `files.content`.

    Raises:
        ValueError: it is none, is damaged, or holds more than tensors and plain values.
    """
    return detectron.unpickled(path) if path.suffix == ".pkl" else files.content(path)


def published(model: ModelConfig) -> Whole:
    """torchvision's, trained on COCO.

    Raises:
        ValueError: the model is another one, or they cannot be downloaded.
    """
    coco.require(model)
    name = coco.published(model)
    try:
        weights = torch_hub.content(name)
    except OSError as error:  # of which URLError is a kind
        raise ValueError(
            f"arm {coco.NAME!r}: {name} cannot be downloaded: {error}; give a weights file as"
            " the arm"
        ) from error
    return torchvision.read(weights, coco.NAME)


def opened(content: object) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The tensors of a checkpoint, and what it says of them."""
    meta: Any = content.get("meta") if isinstance(content, Mapping) else None
    for key in CONTENTS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        return {}, {}
    tensors = {str(key): _tensor(value) for key, value in content.items()}
    tensors = {key: value for key, value in tensors.items() if value is not None}
    if all(key.startswith(WRAPPER) for key in tensors):
        tensors = {key.removeprefix(WRAPPER): value for key, value in tensors.items()}
    return tensors, meta if isinstance(meta, Mapping) else {}


def _tensor(value: object) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub":
            return None  # text, objects
        return torch.from_numpy(np.ascontiguousarray(value))
    return value if isinstance(value, Tensor) else None


def _has(tensors: Mapping[str, Tensor], keys: tuple[str, ...]) -> bool:
    return all(key in tensors for key in keys)
