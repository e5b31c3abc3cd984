"""Miniature data sets under the names and in the folders of the published ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.coco_files import content, write


def write_coco(root: Path, train: int = 40, within: int = 24, val: int = 4) -> None:
    """COCO's folders: the first `within` of the training images stand in val2014 too."""
    files = {"train2017": content(train, "train"), "val2017": content(val, "val")}
    for image in files["val2017"]["images"]:
        image["id"] += 1000
    for annotation in files["val2017"]["annotations"]:
        annotation["image_id"] += 1000
    older = content(within, "older")  # with the same ids, as in COCO
    older["images"] += files["val2017"]["images"]
    (root / "annotations").mkdir(parents=True)
    for seed, (name, data) in enumerate(files.items()):
        write(root, name, data, seed)
        (root / f"{name}.json").rename(root / "annotations" / f"instances_{name}.json")
    path, _ = write(root / "unused", "val2014", older)
    path.rename(root / "annotations" / "instances_val2014.json")


OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult>
<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>
<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>
</part></object>"""
DOG = ("dog", 0, (1, 1, 10, 20))  # pixels counted from 1, both corners within
CAT = ("cat", 1, (5.7, 2, 60, 40))  # difficult; coordinates that are not whole


def write_voc(root: Path, count: int = 3) -> None:
    """VOC's folders, `count` images of 60 × 40 px in each image set, a dog and a cat on each."""
    for year, image_set in (("2007", "trainval"), ("2012", "train"), ("2012", "val")):
        folder = root / f"VOC{year}"
        for name in ("ImageSets/Main", "JPEGImages", "Annotations"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        first = 100 if image_set == "val" else 1
        prefix = "" if year == "2007" else "2008_"
        names = [f"{prefix}{i:06d}" for i in range(first, first + count)]
        (folder / "ImageSets" / "Main" / f"{image_set}.txt").write_text("\n".join(names) + "\n")
        for i, name in enumerate(names):
            shade = (first + i) % 256
            Image.new("RGB", (60, 40), (shade, len(prefix), 0)).save(
                folder / "JPEGImages" / f"{name}.jpg"
            )
            things = [OBJECT.format(name=n, difficult=d, box=b) for n, d, b in (DOG, CAT)]
            (folder / "Annotations" / f"{name}.xml").write_text(
                f"<annotation><size><width>60</width><height>40</height></size>{''.join(things)}"
                "</annotation>"
            )


def write_voc_objects(file: Path, size: tuple[int, int] = (60, 40)) -> np.ndarray:
    """The picture of objects that goes with `write_voc`: a dog in a border, and no pixel of a cat.

    Returns:
        its values, uint8 [height, width].
    """
    values = np.zeros(size[::-1], np.uint8)
    values[:20, :10] = 255
    values[2:18, 1:9] = 1
    picture = Image.frombytes("P", size, values.tobytes())
    picture.putpalette([k % 256 for k in range(768)])
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    return values
