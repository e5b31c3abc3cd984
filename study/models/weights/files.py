"""What a weights file holds, read without running anything and with bounded memory.

Three kinds, told by the ending: .safetensors, Detectron's .pkl (`detectron.py`), and all others as
what `torch.save` writes. A file comes from anywhere: nothing in it is a program to run, sizes that
it states are checked against its length before memory is taken, and whatever a library says of a
file that is no such one becomes a line of ours.
"""

from __future__ import annotations

import argparse
import re
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from study.config.printable import shown
from study.models.weights.look import REMEDY, damaged, require_file

MOST_VALUES = 2**29
"""Of one tensor: five times as many as VGG-16's largest. A file of some bytes may claim 2^60."""
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_FORBIDDEN = re.compile(r"(?:GLOBAL|type|global) '?([\w.]+)'? (?:was not|is not|, but)")


def content(path: Path) -> object:
    """All that a .safetensors or .pt/.pth file holds: tensors and plain values.

    Raises:
        ValueError: it is no such file, is damaged, or holds more than that.
    """
    require_file(path)
    read = _safetensors if path.suffix == ".safetensors" else _torch
    return read(path)


def metadata(path: Path) -> dict[str, str]:
    """What a .safetensors file says of itself; nothing of another file.

    Raises:
        ValueError: it is no such file, or damaged.
    """
    if path.suffix != ".safetensors":
        return {}
    require_file(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except Exception as error:  # the library has several kinds
        raise damaged(path) from error


def require_tensors(tensors: Iterable[tuple[str, Tensor]], source: str) -> None:
    """Refuse tensors that would take more memory than a file may ask for, or are no plain ones.

    Raises:
        ValueError: names the first.
    """
    for name, value in tensors:
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise ValueError(
                f"weights {source!r}: {shown(name)} is sparse, quantised or empty of values, must"
                " be a plain tensor; save it as one"
            )
        if value.numel() > MOST_VALUES:
            raise ValueError(
                f"weights {source!r}: {shown(name)} has {value.numel():,} values, must be at most"
                f" {MOST_VALUES:,}; {REMEDY}"
            )


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # SafetensorError, OSError, KeyError of a type torch lacks, …
        raise damaged(path) from error


def _torch(path: Path) -> object:
    _require_plain_zip(path)
    try:
        # DINO and others keep their command line beside the weights; it is plain values
        namespace = torch.serialization.safe_globals([argparse.Namespace])
        with namespace, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of odd tensors; they are refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a pickle of random bytes raises anything; nothing was run
        if found := _FORBIDDEN.search(str(error)):
            raise ValueError(
                f"weights {str(path)!r}: holds more than tensors and plain values"
                f" ({shown(found[1])}), which is never loaded, for it could run a program; save"
                " the state dict alone"
            ) from error
        raise ValueError(
            f"weights {str(path)!r}: holds more than tensors and plain values, or is no file of"
            f" torch.save, or is damaged or cut off; {REMEDY}"
        ) from error


def _require_plain_zip(path: Path) -> None:
    """torch.save makes archives without compression; another could unpack to any size.

    Raises:
        ValueError: an archive of something else.
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.infolist()
    except Exception as error:  # BadZipFile, and others for damaged entries
        raise damaged(path) from error
    if not any(one.filename.endswith("/data.pkl") for one in inside):
        raise ValueError(
            f"weights {str(path)!r}: a .zip archive, and no checkpoint; unpack it, and give the"
            " weights file in it"
        )
    if sum(one.file_size for one in inside) > path.stat().st_size:
        raise ValueError(
            f"weights {str(path)!r}: a compressed archive, and torch.save writes none; {REMEDY}"
        )
