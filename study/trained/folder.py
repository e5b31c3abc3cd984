"""The folder of a trained detector.

weights.safetensors   what `study.train` stores, with the model and the classes as metadata
config.json           the model, the classes with their ids, the input's size
model-card.md         what it is, for people
run/                  the run that trained it
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from study.config import ModelConfig, RunConfig, from_dict, to_dict
from study.config.printable import shown
from study.config.run import Compute
from study.data.pixels import Scale
from study.models import backbones
from study.storage.failures import SAFE
from study.storage.run_dir.json_text import pretty
from study.storage.writing import write_atomically

WEIGHTS, CONFIG, CARD, RUN = "weights.safetensors", "config.json", "model-card.md", "run"
COMPUTE, PRECISIONS = get_args(Compute), ("float32", "float64")
FORMAT = 1
"""Raised where an older version could not read what is written."""


@dataclass(frozen=True)
class Classes:
    """The classes of a detector in order, from class 1 of the network on."""

    ids: tuple[int, ...]  # of the annotation file's categories
    names: tuple[str, ...]

    def as_coco(self) -> list[dict[str, Any]]:
        """COCO's list of categories."""
        pairs = zip(self.ids, self.names, strict=True)
        return [{"id": id_, "name": name} for id_, name in pairs]


@dataclass(frozen=True)
class Described:
    """What config.json says."""

    model: ModelConfig
    classes: Classes
    compute: str
    precision: str
    scale: Scale | None = None  # of pixels of more than 8 bits; None: it was trained on 8
    sha256: str | None = None  # of the weights; None: an earlier version wrote them


def write(
    folder: Path,
    weights: bytes,
    run: RunConfig,
    classes: Classes,
    card: str,
    scale: Scale | None = None,
) -> None:
    """Write all but the run; weights come last, so that a folder that has them is whole."""
    model = run.model
    taken: dict[str, Any] = {
        **{"short_px": model.short_px, "long_px": model.long_px, "channels": "RGB"},
        **({"pixels": asdict(scale)} if scale else {}),
    }
    said = {
        "format": FORMAT,
        "model": to_dict(model),
        "categories": classes.as_coco(),
        "input": taken,
        "compute": run.compute,
        "precision": run.precision,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    write_atomically(folder / CONFIG, pretty(said), SAFE)
    write_atomically(folder / CARD, card, SAFE)
    write_atomically(folder / WEIGHTS, weights, SAFE)


def read(folder: Path) -> Described:
    """What the folder's config.json says.

    Raises:
        ValueError: the folder holds no detector, or one of a later version.
    """
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"{folder}: holds no detector ({' and '.join(missing)} missing); give the folder that"
            " python -m study.train --best RUN_DIR --out FOLDER writes, after it has ended"
        )
    path = folder / CONFIG
    try:
        said = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _not_ours(path, "it is not JSON") from error
    if not isinstance(said, dict) or "format" not in said:
        raise _not_ours(path, "it states no format")
    if said["format"] != FORMAT:
        raise ValueError(
            f"{path}: format = {shown(repr(said['format']))}: this version reads {FORMAT}; use the"
            " version that wrote it"
        )
    if missing := [
        key for key in ("model", "categories", "compute", "precision") if key not in said
    ]:
        raise _not_ours(path, f"it lacks {', '.join(missing)}")
    for key, known in (("compute", COMPUTE), ("precision", PRECISIONS)):
        if said[key] not in known:
            what = f"{key} = {shown(repr(said[key]))}, must be {' or '.join(known)}"
            raise _not_ours(path, what)
    try:
        model = from_dict(ModelConfig, said["model"])
        backbones.require(model)
    except ValueError as error:
        raise _not_ours(path, shown("; ".join(str(error).splitlines()), 300)) from error
    classes = _classes(said["categories"], path)
    scale = _scale(said.get("input", {}), path)
    digest = said.get("weights_sha256")
    is_digest = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
    if digest is not None and not is_digest:
        raise _not_ours(path, "weights_sha256 must be 64 hexadecimal digits")
    return Described(model, classes, said["compute"], said["precision"], scale, digest)


def require_whole(folder: Path, described: Described) -> None:
    """The weights are those that were written.

    Raises:
        ValueError: they are others, as after a copy that broke off or on a failing disk.
    """
    if described.sha256 is None:
        return
    path = folder / WEIGHTS
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if found != described.sha256:
        raise ValueError(
            f"{path}: damaged, or another's: its SHA-256 is {found[:16]}…, and {CONFIG} says"
            f" {described.sha256[:16]}…; copy the folder again"
        )


def _scale(said: Any, path: Path) -> Scale | None:
    """How pixels of more than 8 bits are scaled, if the detector was trained on such.

    Raises:
        ValueError: what stands there is no such thing.
    """
    if not isinstance(said, dict):
        raise _not_ours(path, "input must say what the pictures are")
    try:
        return from_dict(Scale, said["pixels"]) if said.get("pixels") else None
    except ValueError as error:
        raise _not_ours(path, shown("; ".join(str(error).splitlines()), 300)) from error


def _classes(said: Any, path: Path) -> Classes:
    """The classes as config.json has them.

    Raises:
        ValueError: they are no list of ids and names, or an id is there twice.
    """
    rows: list[Any] = said if isinstance(said, list) else []
    ids: list[Any] = [one.get("id") for one in rows if isinstance(one, dict)]
    names: list[Any] = [one.get("name") for one in rows if isinstance(one, dict)]
    whole = all(type(id_) is int and abs(id_) < 2**63 for id_ in ids)
    whole = whole and all(isinstance(name, str) and name for name in names)
    if not rows or len(ids) != len(rows) or len(set(map(str, ids))) != len(ids) or not whole:
        rule = "categories must be a list of classes, each with an id (a whole number, once) and a"
        raise _not_ours(path, f"{rule} name")
    return Classes(tuple(ids), tuple(names))


def _not_ours(path: Path, why: str) -> ValueError:
    return ValueError(
        f"{path}: not the config.json of a detector ({why}); copy the folder again, or write it"
        " again with python -m study.train --best RUN_DIR --out FOLDER"
    )
