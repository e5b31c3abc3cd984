"""The folder of a trained detector.

weights.safetensors   what `study.train` stores, with the model and the classes as metadata
config.json           the model, the classes with their ids, the input's size
model-card.md         what it is, for people
run/                  the run that trained it
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from study.config import ModelConfig, RunConfig, from_dict, to_dict
from study.data.pixels import Scale
from study.storage.folder import write_atomically
from study.storage.run_dir.json_text import pretty

WEIGHTS, CONFIG, CARD, RUN = "weights.safetensors", "config.json", "model-card.md", "run"
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
    }
    write_atomically(folder / CONFIG, pretty(said))
    write_atomically(folder / CARD, card)
    write_atomically(folder / WEIGHTS, weights)


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
        said = json.loads(path.read_text())
        known = said["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the config.json of a detector ({error})") from error
    if not known:
        raise ValueError(
            f"{path}: format = {said['format']!r}: this version reads {FORMAT}; use the version"
            " that wrote it"
        )
    categories = said["categories"]
    classes = Classes(
        tuple(one["id"] for one in categories), tuple(one["name"] for one in categories)
    )
    model = from_dict(ModelConfig, said["model"])
    pixels = said.get("input", {}).get("pixels")
    scale = from_dict(Scale, pixels) if pixels else None
    return Described(model, classes, said["compute"], said["precision"], scale)
