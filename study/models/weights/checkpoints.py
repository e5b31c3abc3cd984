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

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from torch import Tensor

from study.config import BodyConfig, from_dict
from study.config.printable import shown
from study.models.backbones import Pixels
from study.models.weights.files import content, require_tensors
from study.models.weights.pixels import fitted

CONTENTS = ("state_dict", "model", "teacher", "module")  # where the tensors lie
ENCODERS = ("encoder_q.", "base_encoder.")  # of methods that keep a second, averaged one beside it
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "body.", "features.")

METADATA = "pretraining"
"""The key in the metadata of weights that were pre-trained here, of JSON: what was seen, and the
fields of the `body` that saw it."""


def as_told(
    weights: dict[str, Tensor], said: Mapping[str, str], body: BodyConfig, source: str
) -> dict[str, Tensor]:
    """Weights for the body's pixels, where the file has said for which they are.

    Raises:
        ValueError: they were trained as another network than the body, of tensors like its own, or
            as one that this version does not know.
    """
    try:
        told = json.loads(said[METADATA])["body"]
    except (KeyError, TypeError, ValueError):  # an earlier version or another program wrote it
        return weights
    try:
        theirs = from_dict(BodyConfig, told)
    except ValueError as error:
        why = shown("; ".join(str(error).splitlines()), 300)
        raise ValueError(
            f"weights {source!r}: of a network that this version does not know ({why}); use the"
            " version that wrote them"
        ) from error
    fields = ["stride_1x1", *["norm_groups"] * (theirs.norm == body.norm == "group")]
    wrong = [
        f"model.body.{name} = {getattr(body, name)!r}, must be {getattr(theirs, name)!r}"
        for name in fields
        if getattr(body, name) != getattr(theirs, name)
    ]
    if wrong:
        raise ValueError(
            f"weights {source!r}: were trained as another network: {'; '.join(wrong)}; give"
            " others, or change the model"
        )
    return fitted(weights, Pixels(theirs.pixel_mean, theirs.pixel_std), body)


def read(path: Path, known: Collection[str] = ()) -> dict[str, Tensor]:
    """The backbone's tensors of a .safetensors or .pt/.pth file, and its classifier's.

    `known`: names of the network; what is in front of one of them in the file is left away.

    Raises:
        ValueError: no state dict, or one that holds several backbones.
    """
    return backbone_of(content(path), str(path), known)


def backbone_of(content: object, source: str, known: Collection[str] = ()) -> dict[str, Tensor]:
    """The tensors of a checkpoint by the names that the backbone itself gives them.

    Raises:
        ValueError: no state dict; or two tensors that would have the same name.
    """
    for key in CONTENTS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(
            f"weights {source!r}: holds {type(content).__name__}, not a state dict; save the state"
            " dict alone"
        )
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        keys = ", ".join(shown(str(key), 30) for key in list(content)[:5])
        raise ValueError(
            f"weights {source!r}: holds no tensors ({keys or 'nothing at all'}), must be a state"
            " dict; save the state dict alone"
        )
    require_tensors(tensors.items(), source)
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
                f"weights {source!r}: {shown(other)} and {shown(key)} are the same tensor of"
                " two backbones; keep one of them in the file"
            )
    return {name: tensors[key] for name, key in found.items()}


def _strip(key: str, known: Collection[str]) -> str:
    while key not in known and key.startswith(PREFIXES):
        key = key.split(".", 1)[1]
    return key
