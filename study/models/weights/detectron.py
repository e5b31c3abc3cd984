"""Detectron's ImageNet weights: pickled Caffe2 blobs, for images in the order BGR.

R-50-GN.pkl, R-101-GN.pkl    GroupNorm of 32 groups, with which its models with GroupNorm begin
R-50.pkl, R-101.pkl          batch norms folded into a scale and an offset; bottlenecks have their
                             stride in the first convolution, hence `model.body.stride_1x1`

Both kinds may lie directly in the file or under `blobs`. What a blob is called in the network,
the backbone's entry says.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config import BodyConfig
from study.config.printable import shown
from study.models import backbones
from study.models.backbones import Pixels
from study.models.weights.look import require_file
from study.models.weights.pixels import fitted

PIXELS = Pixels((122.7717, 115.9465, 102.9801), (1.0, 1.0, 1.0))
GROUPS = 32
EPS = 1e-5  # FrozenBatchNorm2d's


def read(path: Path, body: BodyConfig) -> dict[str, Tensor]:
    """The backbone's tensors by its own names, for images in the order RGB.

    Raises:
        ValueError: not such a file, or its weights suit another backbone or norm.
    """
    content = unpickled(path)
    blobs = content.get("blobs", content) if isinstance(content, Mapping) else {}
    if "conv1_w" not in blobs:
        raise ValueError(
            f"weights {str(path)!r}: no Caffe2 blobs of a ResNet (there is no conv1_w); of the"
            " .pkl files only Detectron's are read"
        )
    folded, backbone = "res_conv1_bn_s" in blobs, backbones.find(body.name)
    _require(folded, path, body)
    assert backbone.detectron
    weights = {
        name: torch.from_numpy(np.ascontiguousarray(blob))
        for blob_name, blob in blobs.items()
        if _numbers(blob) and (name := backbone.detectron(blob_name)) is not None
    }
    first = weights.get(backbone.first)
    if first is None or first.dim() != 4 or first.shape[1] != 3:
        shape = None if first is None else tuple(first.shape)
        raise ValueError(
            f"weights {str(path)!r}: conv1_w has the shape {shape}, must be (channels, 3, height,"
            " width); of the .pkl files only Detectron's are read"
        )
    weights[backbone.first] = weights[backbone.first].flip(1)  # BGR → RGB
    if folded:  # y = s x + b: a batch norm with mean 0 and variance 1
        for name in [name for name in weights if name.endswith(".bias")]:
            norm, zeros = name.removesuffix("bias"), torch.zeros_like(weights[name])
            weights |= {norm + "running_mean": zeros, norm + "running_var": zeros + (1 - EPS)}
    return fitted(weights, PIXELS, body)


def _require(folded: bool, path: Path, body: BodyConfig) -> None:
    wanted = {"norm": "frozen_batch" if folded else "group", "stride_1x1": folded}
    if not folded:
        wanted["norm_groups"] = GROUPS
    wrong = [
        f"model.body.{name} = {getattr(body, name)!r}, must be {value!r}"
        for name, value in wanted.items()
        if getattr(body, name) != value
    ]
    if backbones.find(body.name).detectron is None:
        known = [repr(other.name) for other in backbones.all() if other.detectron]
        wrong.append(f"model.body.name = {body.name!r}, must be {' or '.join(known)}")
    if wrong:
        kind = "batch norms folded into scale and offset" if folded else "GroupNorm"
        raise ValueError(f"weights {str(path)!r} have {kind}: {'; '.join(wrong)}")


def unpickled(path: Path) -> Any:
    """NumPy arrays and plain values of a pickle.

    Raises:
        ValueError: it holds anything else.
    """
    require_file(path)
    with path.open("rb") as file:
        try:
            return _Arrays(file, encoding="latin1").load()  # Python 2 wrote them
        except _Forbidden as error:
            raise ValueError(
                f"weights {str(path)!r}: {error}; save the tensors alone, as .safetensors"
            ) from error
        except Exception as error:  # a pickle of random bytes raises anything; nothing was run
            raise ValueError(
                f"weights {str(path)!r}: damaged, cut off, or no pickle of NumPy arrays; copy or"
                " download it again"
            ) from error


def _numbers(blob: object) -> bool:
    return isinstance(blob, np.ndarray) and blob.dtype.kind in "fiub"


def _to_bytes(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes: as text, to be encoded."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode(encoding)


_RECONSTRUCT = np.empty(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_CORES = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(core, "_reconstruct"): _RECONSTRUCT for core in _CORES},
    **{(core, "scalar"): _SCALAR for core in _CORES},
    ("_codecs", "encode"): _to_bytes,
    ("collections", "OrderedDict"): OrderedDict,
    **{("builtins", kind.__name__): kind for kind in (set, frozenset, bytearray, complex)},
}


class _Forbidden(pickle.UnpicklingError):
    """A pickle that asks for more than values."""


class _Arrays(pickle.Unpickler):
    """Makes NumPy arrays and plain containers; a pickle could otherwise run any program."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Forbidden(
                f"asks for {shown(f'{module}.{name}')}, and only NumPy arrays are taken from a"
                " pickle"
            )
        return _ALLOWED[module, name]
