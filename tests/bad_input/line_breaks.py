"""Files whose names have line breaks: what is wrong with them is told on one line."""

from __future__ import annotations

from collections.abc import Callable

from tests.bad_input.case import Case
from tests.bad_input.formats import Files, command, voc
from tests.bad_input.labelme import labelme
from tests.bad_input.yolo import yolo
from tests.data.small_files import picture

BREAK = "a\nb"  # in the name of a file
BROKEN = "a\ufffdb"
IN_IMAGES = f"images/{BREAK}.{{}}"
TEXT: Files = {f"labels/{BREAK}.txt": "0 1 1 1 1\n"}


def broken(name: str, files: Callable[[], Files], *says: str) -> Case:
    """What is said of a file with a break of lines in its name, on one line all the same."""
    return Case(f"a break of lines: {name}", command(files), (BROKEN, *says))


CASES = [
    broken("no XML", lambda: voc("x", f"{BREAK}.xml") | {f"{BREAK}.jpg": picture(9, "jpeg")}),
    broken("XML alone", lambda: voc("x", f"{BREAK}.xml"), "there is no image of that name"),
    broken("an image alone", lambda: voc("x") | {f"{BREAK}.jpg": b"x"}, "there is no XML"),
    broken("no image", lambda: yolo() | {f"images/{BREAK}.png": b"x"}, "cannot be read as an im"),
    broken(
        "a box",
        lambda: yolo() | {f"images/{BREAK}.png": picture(9), f"labels/{BREAK}.txt": "0 1\n"},
        ".txt: line 1: 1 numbers after the class",
    ),
    broken("a text alone", lambda: yolo() | TEXT, "no image of"),
    broken(
        "two images",
        lambda: yolo() | dict.fromkeys(map(IN_IMAGES.format, ("png", "bmp")), b"x") | TEXT,
        "has the same name as",
    ),
    broken("JSON alone", lambda: labelme({}) | {f"{BREAK}.json": '{"shapes": []}'}, "there is no"),
]
