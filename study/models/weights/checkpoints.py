"""The backbone's tensors inside what other programs save.

A checkpoint of a self-supervised method wraps the backbone in its own names and keeps a momentum
encoder, projection heads, prototypes or a queue beside it. What is taken of each:

    MoCo v1, v2   `state_dict`: `module.encoder_q.*`, not `encoder_k`, nor its `fc`
    MoCo v3       `state_dict`: `module.base_encoder.*`
    DINO          `teacher`: `module.backbone.*`, not `head`
    SwAV          `module.*`, not `projection_head`, nor `prototypes`
    SparK         `module`, or the tensors themselves, under timm's names
    torchvision   the tensors themselves, not `fc` or `classifier`; VGG's `features.*`
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import safetensors.torch
import torch
from torch import Tensor

CONTENTS = ("state_dict", "model", "teacher", "module")  # where the tensors lie
ENCODERS = ("encoder_q.", "base_encoder.")  # of methods that keep a second, averaged one beside it
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "body.", "features.")


def read(path: Path, known: Collection[str] = ()) -> dict[str, Tensor]:
    """The backbone's tensors of a .safetensors or .pt/.pth file, and its classifier's.

    `known`: names of the network; what is in front of one of them in the file is left away.

    Raises:
        ValueError: no state dict, or one that holds several backbones.
    """
    return backbone_of(content(path), str(path), known)


def content(path: Path) -> object:
    """All that a .safetensors or .pt/.pth file holds: tensors and plain values.

    Raises:
        ValueError: it holds more than that.
    """
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    try:
        # DINO and others keep their command line beside the weights; it is plain values
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"weights {str(path)!r}: holds more than tensors and plain values, or is no file of"
            f" torch.save; save the state dict alone ({str(error).splitlines()[0]})"
        ) from error


def backbone_of(content: object, source: str, known: Collection[str] = ()) -> dict[str, Tensor]:
    """The tensors of a checkpoint by the names that the backbone itself gives them.

    Raises:
        ValueError: no state dict; or two tensors that would have the same name.
    """
    for key in CONTENTS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(f"weights {source!r}: holds {type(content).__name__}, not a state dict")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    wrapped = {key: key.removeprefix("module.") for key in tensors}
    for encoder in ENCODERS:
        own = {
            key: name.removeprefix(encoder)
            for key, name in wrapped.items()
            if name.startswith(encoder)
        }
        wrapped = own or wrapped
    found: dict[str, str] = {}
    for key, name in wrapped.items():
        if (other := found.setdefault(_strip(name, known), key)) != key:
            raise ValueError(
                f"weights {source!r}: {other} and {key} are the same tensor of two backbones; keep"
                " one of them in the file"
            )
    return {name: tensors[key] for name, key in found.items()}


def _strip(key: str, known: Collection[str]) -> str:
    while key not in known and key.startswith(PREFIXES):
        key = key.split(".", 1)[1]
    return key


def fetched(url: str) -> Path:
    """The file behind a URL, downloaded once into torch's cache.

    Raises:
        ValueError: it cannot be downloaded.
    """
    # the address in the name, because half of all weights are called checkpoint.pth
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{Path(urlparse(url).path).name}"
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=False)
        except (URLError, OSError) as error:
            raise ValueError(
                f"weights {url!r}: cannot be downloaded ({error}); give the path of a file"
            ) from error
    return path
