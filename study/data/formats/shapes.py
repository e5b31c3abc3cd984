"""Images generated on the spot: the embedded data, or what a file `shapes.json` asks for.

The file has fields of `ShapesConfig`, such as {"classes": 80, "height": 800, "width": 1333}, or
{"aspect": [1, 2]} for portraits and landscapes of up to 1 : 2, and may say how many images there
are: {"counts": {"train": 1280, "val": 200}}. What is drawn lies in the cache in COCO's format.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from study.config import digest
from study.config.printable import shown
from study.data.cache import build_once, cache_dir
from study.data.formats.coco import AnnotationFile, read_json
from study.data.formats.format import DataSet, Format
from study.data.geometry.keypoints import MIDDLE
from study.data.shapes.scenes import KEYPOINTS, VERSION, Object, ShapesConfig, scenes

SEEDS = {"train": 1, "val": 2}
COUNTS = {"train": 1280, "val": 200}  # 1,024 to train on, 128 to tune on, and some to draw from


MOST_IMAGES = 1_000_000
FILE = "shapes.json"


def recognise(place: Path) -> DataSet | None:
    """The images that a file `shapes.json`, or that of a folder, asks for; drawn if need be."""
    path = place / FILE if place.is_dir() else place
    if path.name != FILE or not path.is_file():
        return None
    asked = read_json(path, lists=())
    try:
        counts = _counts(asked.pop("counts", {}))
        config = _config(asked)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return generated(config, counts)


def _counts(given: Any) -> dict[str, int]:
    """Images of each split.

    Raises:
        ValueError: they are none.
    """
    counts = COUNTS | given if isinstance(given, dict) else {}
    whole = all(type(n) is int and 1 <= n <= MOST_IMAGES for n in counts.values())
    if counts.keys() != COUNTS.keys() or not whole:
        raise ValueError(
            f"counts = {shown(repr(counts or given), 200)}: train and val, 1 to {MOST_IMAGES:,}"
            " images each"
        )
    return counts


def _config(asked: dict[str, Any]) -> ShapesConfig:
    """What is asked for, as it stands there: a number in quotation marks or with a fraction would
    otherwise be turned to a whole one.

    Raises:
        ValueError: a field that there is not, or a value that it cannot have.
    """
    known = [one.name for one in fields(ShapesConfig)]
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(
            f"{shown(unknown[0])!r}: no such field; one of {', '.join(known)}, counts"
        )
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in asked.items()
    }
    config = ShapesConfig(**given)
    # the name in the cache follows from the values, and 1 is written otherwise than 1.0
    return replace(
        config,
        aspect=config.aspect and (float(config.aspect[0]), float(config.aspect[1])),
        radius=(float(config.radius[0]), float(config.radius[1])),
        noise=float(config.noise),
        contrast=float(config.contrast),
    )


def generated(config: ShapesConfig, counts: dict[str, int]) -> DataSet:
    """The data set of that configuration: `train.json`, `val.json`, and images; drawn once."""
    asked = {name: value for name, value in vars(config).items() if value is not None}
    key = digest({**asked, "counts": counts, "version": VERSION})

    def build(folder: Path) -> None:
        for split, count in counts.items():
            _write(folder, split, config, count)

    folder = build_once(cache_dir() / "shapes" / key, build)
    train, val = (AnnotationFile(folder / f"{name}.json", folder / name) for name in COUNTS)
    return DataSet(train, val, every_class=True)


EMBEDDED = partial(generated, ShapesConfig(), COUNTS)

FORMAT = Format(
    name="shapes",
    wants=f"a file {FILE} with fields of study.data.shapes.scenes.ShapesConfig",
    recognise=recognise,
)


def _write(folder: Path, split: str, config: ShapesConfig, count: int) -> None:
    (folder / split).mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, scene in enumerate(scenes(config, count, SEEDS[split]), start=1):
        name = f"{i:06d}.png"
        Image.fromarray(scene.image).save(folder / split / name, compress_level=1)
        size = {"width": scene.image.shape[1], "height": scene.image.shape[0]}
        images.append({"id": i, "file_name": name, **size})
        for o in scene.objects:
            ids = {"id": len(annotations) + 1, "image_id": i, "category_id": o.label + 1}
            annotations.append(ids | _annotation(o))
    skeleton = [[1, 2], [1, 3]]
    categories = [
        {"id": k, "name": name, "keypoints": KEYPOINTS, "skeleton": skeleton}
        for k, name in enumerate(config.class_names, start=1)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / f"{split}.json").write_text(json.dumps(content))


def _annotation(o: Object) -> dict[str, Any]:
    rle: Any = dict(coco_mask.encode(np.asfortranarray(o.mask, np.uint8)))
    seen = o.keypoints[:, 2:] > 0
    keypoints = np.where(seen, o.keypoints - (MIDDLE, MIDDLE, 0), 0)  # as COCO counts pixels
    return {
        "bbox": coco_mask.toBbox(rle).tolist(),
        "area": int(o.mask.sum()),
        "iscrowd": 0,
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
        "keypoints": [round(float(value), 2) for value in keypoints.ravel()],
        "num_keypoints": int(seen.sum()),
    }
