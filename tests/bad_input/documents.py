"""COCO's JSON as a whole: parts that are missing, texts that are none, paths that lead nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.annotations import MANY, data
from tests.bad_input.case import Case
from tests.data.small_files import changed, document, prepare, write_split


def text(name: str, content: bytes | Callable[[bytes], bytes], *says: str) -> Case:
    """What the whole file has, or is made to of one in order."""

    def command(folder: Path) -> list[str]:
        given = content if isinstance(content, bytes) else content(json.dumps(document()).encode())
        write_split(folder, "train", given, 1)
        write_split(folder, "val", document(2), 2, 2)
        return prepare()

    return Case(name, command, ("train.json", *says))


PARTS = [
    data("no images", lambda d: d.update(images=[]), "images: must not be empty", lines=MANY),
    data(
        "no objects to train on", lambda d: d.update(annotations=[]), "to train on has an object"
    ),
    data(
        "only crowds to train on",
        lambda d: [a.update(iscrowd=1) for a in d["annotations"]],
        "to train on has an object",
    ),
    Case(
        "no objects to find",
        changed(lambda d: d.update(annotations=[]), "val"),
        ("val.json", "to report on has an object"),
    ),
    *(
        data(
            f"{part} is {value!r}", lambda d, part=part, value=value: d.update({part: value}), said
        )
        for part, value, said in (
            ("images", None, "images: must be a list (COCO instances format), and is None"),
            ("annotations", {}, "and is {}"),
            ("categories", "cat", "and is 'cat'"),
        )
    ),
    *(
        data(f"no {part}", lambda d, p=part: d.pop(p), f"{part}: must be", "and is not there")
        for part in ("annotations", "categories")
    ),
    *(
        data(f"null in {part}", lambda d, p=part: d[p].append(None), "]: must be an object")
        for part in ("images", "annotations", "categories")
    ),
    data("a list in images", lambda d: d["images"].append([]), "images[4]: must be an object"),
]
TEXTS = [
    text("an empty file", b"", "is empty: must be JSON"),
    text("a file of blanks", b" \n\n ", "is empty: must be JSON"),
    text("a file cut off", lambda t: t[:-40], "line 1: not JSON", "the file ends in the middle"),
    text("a file of text", b"1 2 3\n", "line 1: not JSON"),
    text(
        "a comma too many",
        lambda t: t.replace(b', "categories"', b',\n\n, "categories"'),
        "line 3",
    ),
    text(
        "a byte that is not UTF-8",
        lambda t: b"\n" + t.replace(b"cat", b"c\xe4t"),
        "line 2",
        "UTF-8",
    ),
    text("nested too deep", lambda t: b'{"x": ' + b"[" * 10**5 + t, "nested too deep"),
    text("a number of 5,000 digits", lambda t: b'{"x": ' + b"9" * 5000 + b"}", "4,000 digits"),
    text("a list instead of an object", b"[]", "is []: must be an object with the lists images"),
    text("null instead of an object", b"null", "is None: must be an object"),
    text("a part twice", lambda t: t[:-1] + b', "images": []}', "'images' occurs twice"),
    text(
        "a field twice",
        lambda t: t.replace(b'"bbox"', b'"area": 3, "bbox"', 1),
        "'area' occurs twice in the object with id = 1",
    ),
    text("pixels of an image", b"\x89PNG\r\n\x1a\n" + bytes(64), "line 1: not JSON"),
]


def at(path: str, make: Callable[[Path], Any] = lambda _: None) -> Callable[[Path], list[str]]:
    """A command whose training annotations are elsewhere."""

    def command(folder: Path) -> list[str]:
        changed(lambda _: None)(folder)
        make(folder)
        return [path if word == "train.json" else word for word in prepare()]

    return command


def outside(folder: Path, name: str = "out/9.png") -> None:
    """A link in the folder of images that leads out of it."""
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "9.png").write_bytes((folder / "train" / "1.png").read_bytes())
    (folder / "train" / "1.png").unlink()
    (folder / "train" / "out").symlink_to(folder / "elsewhere")
    told = document()
    told["images"][0]["file_name"] = name
    (folder / "train.json").write_text(json.dumps(told))


def huge(folder: Path) -> None:
    with (folder / "huge.json").open("wb") as file:
        file.truncate(5 * 2**30)


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")


PATHS = [
    Case("no annotation file", at("none.json"), ("none.json: no such file",)),
    Case("a folder as annotation file", at("train"), ("train: is a folder, must be a file",)),
    Case(
        "a path with NUL",
        at("a\0b.json"),
        ("--data.train = 'a\\x00b.json': a path cannot have a NUL",),
    ),
    Case("a path of 300 letters", at("a" * 300), ("--data.train", "File name too long")),
    Case("a pipe as annotation file", at("pipe.json", pipe), ("is a pipe, socket or device",)),
    Case("a file of 5 GiB", at("huge.json", huge), ("5,368,709,120 bytes: must have at most",)),
    Case("out of the folder by a link", at("train.json", outside), ("out/9.png", "train", "link")),
]

CASES = [*PARTS, *TEXTS, *PATHS]
