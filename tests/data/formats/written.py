"""Small data sets of every oddity that exports have, and how each format writes them down."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from hypothesis import strategies as st
from PIL import ExifTags, Image
from pycocotools import mask as peer

CLASSES = ("cat", "dög", "猫 2")
STEMS = ("bild ü", "写真", "a.b", "IMG#1 (2)", "x'y & z", "😀")
SUFFIXES = (".png", ".PNG", ".jpg", ".JPEG", ".bmp")  # Pillow looks at the bytes, not at these
PREFIXES = ("", "C:\\Users\\me\\my pics\\", "/home/me/pics/", "../pics/", "./", "pics/")
BACK = {  # from an upright picture to the one that is stored with this orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Thing:
    """An object: a box, or an outline whose box it is."""

    label: int
    box: tuple[int, int, int, int]  # x, y, width, height px
    corners: Corners | None = None

    def pixels(self, size: tuple[int, int]) -> np.ndarray:
        """bool [height, width] of its outline."""
        assert self.corners is not None
        flat: Any = [[value for corner in self.corners for value in corner]]
        return peer.decode(peer.merge(peer.frPyObjects(flat, size[1], size[0]))) > 0


@dataclass(frozen=True)
class Picture:
    name: str
    size: tuple[int, int]  # width and height px as the annotations see it
    orientation: int
    things: tuple[Thing, ...]
    labelled: bool  # where it has no object: whether there is a file that says so

    @property
    def hides(self) -> bool:
        """Whether it is turned, and its size does not tell."""
        same = self.orientation < 5 or self.size[0] == self.size[1]
        return self.orientation > 1 and same

    def seen(self) -> np.ndarray:
        """uint8 [height, width, 3]: the picture as the annotations see it."""
        rng = np.random.default_rng(list(self.name.encode()))
        return rng.integers(0, 256, (*self.size[::-1], 3), np.uint8)

    def stored(self, upright: bool) -> np.ndarray:
        """The pixels of its file; `upright`: the annotations see what EXIF shows."""
        image = Image.fromarray(self.seen())
        if upright and self.orientation in BACK:
            image = image.transpose(BACK[self.orientation])
        return np.array(image)


@dataclass(frozen=True)
class Made:
    """A data set, and the habits of the tool that writes it."""

    pictures: tuple[Picture, ...]
    classes: tuple[str, ...]  # the last may have no object
    prefix: str
    bom: bool
    crlf: bool

    def text(self, path: Path, text: str) -> None:
        """Write a text as the tool writes texts."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("\n", "\r\n") if self.crlf else text
        path.write_bytes(("\ufeff" * self.bom + text).encode())

    def draw(self, folder: Path, upright: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in self.pictures:
            exif = Image.Exif()
            exif[ExifTags.Base.Orientation] = picture.orientation
            image = Image.fromarray(picture.stored(upright))
            image.save(folder / picture.name, "PNG", exif=exif)

    def boxes_alone(self) -> Made:
        bare = [
            replace(one, things=tuple(replace(thing, corners=None) for thing in one.things))
            for one in self.pictures
        ]
        return replace(self, pictures=tuple(bare))


@st.composite
def pictures(draw: st.DrawFn, name: str) -> Picture:
    size = draw(st.tuples(st.integers(4, 24), st.integers(4, 24)))
    number = draw(st.integers(0, 3))
    return Picture(
        name,
        size,
        draw(st.integers(1, 8)),
        tuple(draw(things(size)) for _ in range(number)),
        draw(st.booleans()),
    )


@st.composite
def things(draw: st.DrawFn, size: tuple[int, int]) -> Thing:
    x, y = draw(st.integers(0, size[0] - 2)), draw(st.integers(0, size[1] - 2))
    w, h = draw(st.integers(2, size[0] - x)), draw(st.integers(2, size[1] - y))
    kind = draw(st.sampled_from(("box", "triangle", "kite")))
    corners: dict[str, Corners | None] = {
        "box": None,
        "triangle": ((x, y), (x + w, y), (x, y + h)),
        "kite": ((x + w / 2, y), (x + w, y + h / 2), (x + w / 2, y + h), (x, y + h / 2)),
    }
    return Thing(draw(st.integers(0, 1)), (x, y, w, h), corners[kind])


@st.composite
def data_sets(draw: st.DrawFn) -> Made:
    """Of two to six pictures, the first of which has an object."""
    stems = draw(st.lists(st.sampled_from(STEMS), min_size=2, max_size=6, unique=True))
    every = [draw(pictures(stem + draw(st.sampled_from(SUFFIXES)))) for stem in stems]
    if not every[0].things:
        every[0] = replace(every[0], things=(draw(things(every[0].size)),))
    return Made(
        pictures=tuple(every),
        classes=CLASSES[: draw(st.integers(2, 3))],
        prefix=draw(st.sampled_from(PREFIXES)),
        bom=draw(st.booleans()),
        crlf=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Coco:
    """What differs between the tools that write COCO's format."""

    upright: bool
    texts: bool  # ids as texts
    area: Literal["stated", "null", "missing"]
    empty: Literal["[]", "null", "missing"]  # the segmentation of a box
    run_lengths: bool  # uncompressed ones instead of polygons
    backwards: bool  # the lists, and the items in each

    def write(self, folder: Path, made: Made) -> Path:
        made.draw(folder / "images", self.upright)

        def number(value: int) -> int | str:
            return str(value) if self.texts else value

        images, annotations = [], []
        for at, picture in enumerate(made.pictures):
            sides = {"width": picture.size[0], "height": picture.size[1]}
            name = made.prefix + picture.name
            images.append({"id": number(90 - at), "file_name": name, **sides})
            for thing in picture.things:
                ids = {"id": len(annotations), "image_id": 90 - at, "category_id": thing.label + 7}
                ids = {key: number(value) for key, value in ids.items()}
                annotations.append(ids | self._annotation(thing, picture.size))
        categories = [{"id": number(k), "name": n} for k, n in enumerate(made.classes, start=7)]
        told = {"images": images, "annotations": annotations, "categories": categories}
        if self.backwards:
            told = {name: told[name][::-1] for name in reversed(told)}
        text = json.dumps(told, ensure_ascii=made.crlf, indent=1)
        made.text(folder / "annotations" / "instances_default.json", text)
        return folder

    def _annotation(self, thing: Thing, size: tuple[int, int]) -> dict[str, Any]:
        found: dict[str, Any] = {"bbox": list(thing.box), "iscrowd": 0}
        if self.area == "stated":
            found["area"] = thing.box[2] * thing.box[3]
        elif self.area == "null":
            found["area"] = None
        if thing.corners is not None:
            flat: Any = [[value for corner in thing.corners for value in corner]]
            if self.run_lengths:
                line = thing.pixels(size).T.ravel()
                edges = np.flatnonzero(np.diff(line, prepend=False))
                counts = np.diff([0, *edges.tolist(), line.size]).tolist()
                flat = {"size": list(size[::-1]), "counts": counts}
            found["segmentation"] = flat
        elif self.empty != "missing":
            found["segmentation"] = [] if self.empty == "[]" else None
        return found


cocos = st.builds(
    Coco,
    upright=st.booleans(),
    texts=st.booleans(),
    area=st.sampled_from(("stated", "null", "missing")),
    empty=st.sampled_from(("[]", "null", "missing")),
    run_lengths=st.booleans(),
    backwards=st.booleans(),
)


def voc(folder: Path, made: Made, sized: bool, upright: bool) -> Path:
    """Pixels are counted from 1; an outline is a number in SegmentationObject.

    Args:
        sized: whether the size is stated, of the picture as it is annotated.
    """
    made.draw(folder / "images", upright)
    for picture in made.pictures:
        text = "".join(
            f"\n<object><name>{made.classes[thing.label]}</name><bndbox>"
            f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax>"
            "</bndbox></object>"
            for thing in picture.things
            for x, y, w, h in [thing.box]
        )
        named = f"<filename>{made.prefix}</filename>"
        if sized:
            width, height = picture.size
            named += f"<size><width>{width}</width><height>{height}</height></size>"
        file = (folder / "xml" / picture.name).with_suffix(".xml")
        made.text(file, f"<annotation>{named}{text}\n</annotation>\n")
        if (numbers := numbered(picture)).any():
            file = (folder / "SegmentationObject" / picture.name).with_suffix(".png")
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(numbers).save(file)
    return folder


def numbered(picture: Picture) -> np.ndarray:
    """uint8 [height, width]: each object's number from 1; where outlines overlap, the last."""
    found = np.zeros(picture.size[::-1], np.uint8)
    for k, thing in enumerate(picture.things, start=1):
        if thing.corners is not None:
            found[thing.pixels(picture.size)] = k
    return found


def yolo(folder: Path, made: Made, listed: bool) -> Path:
    """A folder of images, or a list of them; shares have six digits."""
    made.draw(folder / "train" / "images", upright=True)
    for picture in made.pictures:
        if picture.things or picture.labelled:
            file = (folder / "train" / "labels" / picture.name).with_suffix(".txt")
            made.text(file, "".join(_line(thing, picture.size) for thing in picture.things))
    if listed:
        names = [f"{made.prefix}{picture.name}\n" for picture in made.pictures]
        made.text(folder / "train.txt", "".join(names))
    place = "train.txt" if listed else f"{made.prefix.replace('pics', 'train')}images"
    place = place if listed or "train" in place else "../train/images"
    told = {"train": place, "names": list(made.classes), "nc": len(made.classes)}
    made.text(folder / "data.yaml", yaml.safe_dump(told, allow_unicode=True))
    return folder


def _line(thing: Thing, size: tuple[int, int]) -> str:
    x, y, w, h = thing.box
    points = thing.corners or ((x + w / 2, y + h / 2), (w, h))
    shares = [value / side for corner in points for value, side in zip(corner, size, strict=True)]
    return " ".join([str(thing.label), *(f"{share:.6f}" for share in shares)]) + "\n"


def labelme(folder: Path, made: Made, masks: bool, renamed: bool) -> Path:
    """A JSON beside each picture; `renamed`: of another name, so that its `imagePath` tells."""
    made.draw(folder, upright=True)
    for at, picture in enumerate(made.pictures):
        if not (picture.things or picture.labelled):
            continue
        shapes = [_shape(made, thing, picture.size, masks) for thing in picture.things]
        told = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imageData": None}
        told["imagePath"] = made.prefix + picture.name
        told |= {"imageWidth": picture.size[0], "imageHeight": picture.size[1]}
        name = f"shapes {at}" if renamed else Path(picture.name).stem
        text = json.dumps(told, ensure_ascii=made.crlf, indent=2)
        made.text(folder / f"{name}.json", text)
    return folder


def _shape(made: Made, thing: Thing, size: tuple[int, int], masks: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"label": made.classes[thing.label], "group_id": None}
    x, y, w, h = thing.box
    if thing.corners is None:
        return told | {"shape_type": "rectangle", "points": [[x + w, y], [x, y + h]]}
    pixels = thing.pixels(size)
    if not masks or not pixels.any():
        return told | {"shape_type": "polygon", "points": list(map(list, thing.corners))}
    lines, columns = np.nonzero(pixels)
    left, top, right, bottom = columns.min(), lines.min(), columns.max(), lines.max()
    file = io.BytesIO()
    Image.fromarray(pixels[top : bottom + 1, left : right + 1]).save(file, "PNG")
    points = [[float(left), float(top)], [float(right), float(bottom)]]
    mask = base64.b64encode(file.getvalue()).decode()
    return told | {"shape_type": "mask", "points": points, "mask": mask}
