"""The embedded data as files: COCO-format JSON and PNG images in the cache."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.geometry.keypoints import MIDDLE
from study.data.shapes.scenes import KEYPOINTS, VERSION, Object, ShapesConfig, scenes

SEEDS = {"train": 1, "val": 2}
COUNTS = {"train": 1280, "val": 200}  # 1,024 to train on, 128 to tune on, and some to draw from


def shapes_folder(config: ShapesConfig | None = None, counts: dict[str, int] = COUNTS) -> Path:
    """Folder with `train.json`, `val.json` and the images in `train/`, `val/`; drawn once."""
    config = config or ShapesConfig()
    key = digest({**dataclasses.asdict(config), "counts": counts, "version": VERSION})

    def build(folder: Path) -> None:
        for split, count in counts.items():
            _write(folder, split, config, count)

    return build_once(cache_dir() / "shapes" / key, build)


def _write(folder: Path, split: str, config: ShapesConfig, count: int) -> None:
    (folder / split).mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, scene in enumerate(scenes(config, count, SEEDS[split]), start=1):
        name = f"{i:06d}.png"
        Image.fromarray(scene.image).save(folder / split / name, compress_level=1)
        size = {"width": config.width, "height": config.height}
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
