"""Splits that share pictures, list other classes, are empty or too large; paths of data."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.bad_input import data_sets as sets
from tests.bad_input.case import Case

LIKE = 160  # px of pictures that are compressed again


def tuned(data: Path) -> None:
    """With a split to tune on."""
    said = sets.in_order("val")
    for image in said["images"]:
        image["file_name"] = f"tune{image['id']}.png"
        place = data / "tune" / image["file_name"]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(sets.content(sets.scene(500 + image["id"])))
    (data / "tune.json").write_text(json.dumps(said))


def shared(name: str, to: Callable[[Path, Path], Any], *says: str, a="train", b="val") -> Case:
    """The first image of split `b` is made from that of split `a`."""

    def spoil(data: Path) -> None:
        tuned(data)
        own, other = data / a / f"{a}1.png", data / b / f"{b}1.png"
        own.write_bytes(sets.content(sets.scene(77, LIKE)))
        other.unlink()
        to(own, other)
        for split, place in ((a, own), (b, other)):
            with Image.open(place) as image:
                width, height = image.size
            size = {"width": width, "height": height}
            sets.change(data, split, lambda said, size=size: said["images"][0].update(size))

    return Case(f"{name} in {a} and {b}", sets.prepared(spoil), says, lines=3)


def written(kind: str, scale: float = 1, **options: Any) -> Callable[[Path, Path], None]:
    """The picture again in another encoding, larger or smaller."""

    def to(own: Path, other: Path) -> None:
        image = Image.open(own)
        size = (round(scale * image.width), round(scale * image.height))
        image = image.resize(size, Image.Resampling.BILINEAR) if scale != 1 else image
        other.write_bytes(sets.content(image, kind, **options))

    return to


def of_jpeg(own: Path, other: Path) -> None:
    """A PNG of a JPEG."""
    file = io.BytesIO(sets.content(Image.open(own), "JPEG", quality=75))
    own.write_bytes(file.getvalue())
    other.write_bytes(sets.content(Image.open(file)))


SAME, AGAIN = "the same picture as", "compressed again or resized"
SHARED = [
    case
    for a, b in (("train", "val"), ("train", "tune"), ("tune", "val"))
    for case in (
        shared("a copy", shutil.copy, SAME, a=a, b=b),
        shared("a hard link", lambda own, other: other.hardlink_to(own), SAME, a=a, b=b),
        shared("a link", lambda own, other: other.symlink_to(own), "in both", a=a, b=b),
        shared("a JPEG of it", written("JPEG", quality=75), AGAIN, a=a, b=b),
        shared("a PNG of a JPEG", of_jpeg, AGAIN, a=a, b=b),
        shared("half its size", written("PNG", 0.5), AGAIN, a=a, b=b),
        shared("larger", written("JPEG", 1.5, quality=80), AGAIN, a=a, b=b),
        shared("WebP of it", written("WEBP", quality=80), AGAIN, a=a, b=b),
        shared("other compression", written("PNG", compress_level=1), AGAIN, a=a, b=b),
    )
]


def four(name: str, *says: str, lines: int = 3, **paths: str) -> Case:
    """Annotation files and folders of their own, given one by one."""
    given = {"train": "data/train.json", "train-images": "data/train"}
    given |= {"val": "data/val.json", "val-images": "data/val"}
    given |= {key.replace("_", "-"): value for key, value in paths.items()}

    def command(folder: Path) -> list[str]:
        tuned(sets.write(folder))
        options = [word for key, value in given.items() for word in (f"--data.{key}", value)]
        return ["study.prepare", *options, "--page", "page.html"]

    return Case(name, command, says, lines=lines)


def classes(name: str, split: str, categories: list[dict[str, Any]], *says: str) -> Case:
    def spoil(data: Path) -> None:
        tuned(data)
        sets.change(data, split, lambda said: said.update(categories=categories))
        if categories and categories[0]["id"] != 1:
            first = categories[0]["id"]
            sets.change(
                data,
                split,
                lambda said: [a.update(category_id=first) for a in said["annotations"]],
            )

    return Case(name, sets.prepared(spoil), (f"{split}.json", *says), lines=3)


def emptied(name: str, split: str, act: Callable[[dict[str, Any]], Any], *says: str) -> Case:
    def spoil(data: Path) -> None:
        tuned(data)
        sets.change(data, split, act)

    return Case(name, sets.swept(spoil, "--sizes", "2"), (f"{split}.json", *says), lines=3)


def size(*options: str, says: tuple[str, ...], lines: int = 3) -> Case:
    name = " ".join(options)
    return Case(name, sets.swept(lambda _: None, *options), says, lines=lines)


def path(name: str, given: str, *says: str, make: Callable[[Path], Any] | None = None) -> Case:
    """--data of something that is no data set."""

    def command(folder: Path) -> list[str]:
        if make:
            make(folder)
        return ["study.prepare", "--data", given, "--page", "page.html"]

    return Case(f"--data: {name}", command, says, lines=7)


def loop(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")


def photos(folder: Path) -> None:
    """A folder of images without annotations."""
    (folder / "photos").mkdir()
    (folder / "photos" / "a.png").write_bytes(sets.content(sets.scene(1)))


def crowds(said: dict[str, Any]) -> None:
    for one in said["annotations"]:
        one["iscrowd"] = 1


CELL = {"id": 1, "name": "cell"}
CASES = [
    *SHARED,
    four(
        "the same file to train and report",
        "is in both train and val",
        val="data/train.json",
        val_images="data/train",
        lines=10,
    ),
    four(
        "the same file to tune and report",
        "is in both val and tune",
        tune="data/val.json",
        tune_images="data/val",
        lines=6,
    ),
    four(
        "the same file to train and tune",
        "is in both train and tune",
        tune="data/train.json",
        tune_images="data/train",
        lines=10,
    ),
    classes("another name in val", "val", [{"id": 1, "name": "nucleus"}], "'nucleus'", "'cell'"),
    classes("a name in capital letters in val", "val", [{"id": 1, "name": "Cell"}], "'Cell'"),
    classes("another name in tune", "tune", [{"id": 1, "name": "nucleus"}], "'nucleus'"),
    classes("another id in val", "val", [{"id": 2, "name": "cell"}], "same classes"),
    classes("another id in tune", "tune", [{"id": 7, "name": "cell"}], "same classes"),
    classes("one class more in val", "val", [CELL, {"id": 2, "name": "x"}], "same classes"),
    classes("one class more in tune", "tune", [CELL, {"id": 2, "name": "x"}], "same classes"),
    emptied("nothing to learn", "train", lambda said: said.update(annotations=[]), "nothing can"),
    emptied("nothing to find", "val", lambda said: said.update(annotations=[]), "there is no AP"),
    emptied("nothing to tune on", "tune", lambda said: said.update(annotations=[]), "no setting"),
    emptied("crowds alone to learn from", "train", crowds, "none of the 8 images to train on"),
    emptied("crowds alone to find", "val", crowds, "none of the 4 images to report on"),
    emptied(
        "no image to train on",
        "train",
        lambda said: said.update(images=[], annotations=[]),
        "images",
    ),
    emptied(
        "no image to report on",
        "val",
        lambda said: said.update(images=[], annotations=[]),
        "images",
    ),
    emptied(
        "no image to tune on",
        "tune",
        lambda said: said.update(images=[], annotations=[]),
        "images",
    ),
    size("--data.val-size", "0", says=("val_size = 0", "1 or more")),
    size("--data.val-size", "-1", says=("val_size = -1", "1 or more")),
    size("--data.val-size", "-4", says=("val_size = -4", "1 or more")),
    size("--data.val-size", "5", says=("val_size = 5", "has 4 images")),
    size("--data.val-size", "1000000000", says=("val_size = 1000000000", "has 4 images")),
    size("--data.tune-size", "0", says=("tune_size = 0", "nothing to tune on")),
    size("--data.tune-size", "-1", says=("tune_size = -1", "0 or more")),
    size("--data.tune-size", "8", says=("tune_size = 8", "8 images", "hold out fewer")),
    size("--data.tune-size", "1000000000", says=("tune_size = 1000000000", "hold out fewer")),
    size("--sizes", "0", says=("0", "sizes")),
    size("--sizes", "-2", says=("-2", "sizes")),
    size("--sizes", "2", "2", says=("sizes",)),
    size("--sizes", "7", says=("size = 7", "leaves 6 to train on")),
    size("--sizes", "1000000000", says=("--sizes", "1000000000", "at most 100,000,000")),
    four("a missing file to train on", "data/gone.json", "no such file", train="data/gone.json"),
    four("a missing file to report on", "data/gone.json", "no such file", val="data/gone.json"),
    four("a folder for a file", "data/train", "must be a file", train="data/train"),
    four("a file for a folder", "train.json", "must be a folder", train_images="data/train.json"),
    four("a missing folder", "data/gone", "no such folder", train_images="data/gone"),
    four("the other split's folder", "not there", "val1.png", val_images="data/train", lines=7),
    four("a file with NUL", "data.train", "NUL", train="a\0b.json"),
    four("a folder with NUL", "data.val-images", "NUL", val_images="a\0b"),
    four("a file of 300 letters", "n" * 300, "too long", train="n" * 300),
    four("a file of an unknown user", "~nobody-here", train="~nobody-here/train.json"),
    four("an address for a file", "http", "address", train="https://x.org/train.json"),
    four("no file of ids", "train_within", "no such file", train_within="gone.json"),
    four("images without annotations of tune", "data.tune", tune_images="data/tune"),
    path("missing", "gone", "'", "gone", "no such file or folder"),
    path("an address", "https://x.org/data.zip", "is an address", "download"),
    path("a bucket", "s3://bucket/data", "is an address", "sync"),
    path("NUL", "a\0b", "NUL"),
    path("300 letters", "n" * 300, "too long"),
    path(
        "a link to nothing",
        "x",
        "a link to gone, which is not there",
        make=lambda folder: (folder / "x").symlink_to("gone"),
    ),
    path("a loop of links", "a", "Too many levels", make=loop),
    path("a pipe", "x", "pipe", make=lambda folder: os.mkfifo(folder / "x")),
    path("an empty folder", "x", "not a data set", make=lambda folder: (folder / "x").mkdir()),
    path("images alone", "photos", "not a data set", make=photos),
    path("a text file", "x.txt", "not a data set", make=lambda f: (f / "x.txt").write_text("x")),
    path("an empty archive", "x.zip", "x.zip", make=lambda f: (f / "x.zip").write_bytes(b"")),
    path("half a character", "\udcff", "no such file or folder"),
    path("of an unknown user", "~nobody-here/x", "~nobody-here"),
    path(
        "a path below a file",
        "x.txt/data",
        "x.txt/data",
        make=lambda f: (f / "x.txt").write_text("x"),
    ),
]
