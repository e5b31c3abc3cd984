"""Pictures as several tools export them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from study.config import DataConfig
from study.data.index import Index
from study.data.splits import Splits, open_splits

RACCOONS = Path(__file__).parents[4] / "shared" / "data" / "raccoons"
CLASSES = ("cat", "dög")
Picture = tuple[str, tuple[int, int], list[tuple[int, list[int]]]]
"""File name, width and height px, and objects: class and x, y, width, height in px."""


def pictures(number: int = 24) -> list[Picture]:
    """Of mixed shape, of one to three objects, one with none, with names as people have them."""
    rng = np.random.default_rng(0)
    made: list[Picture] = []
    for at in range(number):
        width, height = (60, 40) if at % 3 else (40, 70)
        objects = [
            (
                int(rng.integers(2)),
                [int(v) for v in (*rng.integers(0, 15, 2), *rng.integers(5, 20, 2))],
            )
            for _ in range(at % 4)
        ]
        made.append((f"bild {at} ü.png", (width, height), objects))
    return made


def draw(folder: Path, made: list[Picture]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for at, (name, (width, height), _) in enumerate(made):
        coarse = np.random.default_rng(at).integers(0, 256, (7, 5, 3), np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(folder / name)


def coco(folder: Path, made: list[Picture], prefix: str = "", dummy: bool = False) -> Path:
    """One JSON and images/, ids of no order; with `dummy` a class that no object has."""
    names = ["animals", *CLASSES] if dummy else list(CLASSES)
    shift = int(dummy)
    images, annotations = [], []
    for at, (name, (width, height), objects) in enumerate(made):
        id_ = 1000 - at
        images.append({"id": id_, "file_name": prefix + name, "width": width, "height": height})
        for label, box in objects:
            area = box[2] * box[3]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": id_,
                    "category_id": label + shift,
                    "bbox": box,
                }
                | {"area": area, "iscrowd": 0, "segmentation": []}
            )
    categories = [{"id": k, "name": name} for k, name in enumerate(names)]
    draw(folder / "images", made)
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


def voc(folder: Path, made: list[Picture]) -> Path:
    """images/ and annotations/ without image sets; VOC counts pixels from 1."""
    draw(folder / "images", made)
    (folder / "annotations").mkdir()
    for name, (width, height), objects in made:
        text = "".join(
            f"<object><name>{CLASSES[label]}</name><difficult>0</difficult><bndbox>"
            f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax>"
            "</bndbox></object>"
            for label, (x, y, w, h) in objects
        )
        size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        file = (folder / "annotations" / name).with_suffix(".xml")
        file.write_text(f"<annotation>{size}{text}</annotation>", "utf-8")
    return folder


def yolo(folder: Path, made: list[Picture], images: str = "train/images") -> Path:
    """A hosted tool's layout, whose YAML says ../train/images; an empty file for no object."""
    draw(folder / images, made)
    labels = folder / images.replace("images", "labels")
    labels.mkdir(parents=True)
    for name, (width, height), objects in made:
        lines = [
            f"{label} {(x + w / 2) / width} {(y + h / 2) / height} {w / width} {h / height}\r\n"
            for label, (x, y, w, h) in objects
        ]
        (labels / name).with_suffix(".txt").write_text("".join(lines))
    (folder / "data.yaml").write_text(
        f"train: ../{images}\nnc: 2\nnames: {json.dumps(list(CLASSES))}\n", "utf-8"
    )
    return folder


def labelme(folder: Path, made: list[Picture]) -> Path:
    """A JSON beside each picture, whose path is of Windows."""
    draw(folder, made)
    for name, (width, height), objects in made:
        shapes = [
            {"label": CLASSES[label], "shape_type": "rectangle", "group_id": None}
            | {"points": [[x + w, y], [x, y + h]]}
            for label, (x, y, w, h) in objects
        ]
        told = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imageData": None}
        told |= {"imagePath": f"..\\x\\{name}", "imageWidth": width, "imageHeight": height}
        (folder / name).with_suffix(".json").write_text(json.dumps(told))
    return folder


def zipped(folder: Path, file: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, inside + path.relative_to(folder).as_posix())
        archive.writestr("__MACOSX/._x", b"")
    return file


def content(index: Index) -> dict[str, Any]:
    """By the last part of the file's name: size, and class and box of each object."""
    found = {}
    for at, name in enumerate(index.file_name.tolist()):
        rows = index.rows(int(index.image_id[at]))
        objects = [
            (str(index.category_name[index.label[row]]), *np.round(index.bbox[row], 6).tolist())
            for row in rows
        ]
        size = int(index.width[at]), int(index.height[at])
        found[Path(name).name] = (size, sorted(objects))
    return found


def opened(place: Path) -> Splits:
    return open_splits(DataConfig(name="custom", folder=str(place)))
