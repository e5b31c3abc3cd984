"""Annotations in COCO's JSON: every kind of wrong object, image and class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bad_input.case import Case
from tests.data.small_files import (
    PIXELS,
    SIZE,
    Data,
    changed,
    compressed,
)

NAN, INF = float("nan"), float("inf")
MANY = 24  # lines, where a mistake has several


def obj(name: str, says: str | tuple[str, ...], *, lines: int = 1, **values: Any) -> Case:
    """The first object of train with these fields."""
    texts = (says,) if isinstance(says, str) else says
    at = ("train.json: annotations id 1: ",) if lines == 1 and "id" not in values else ()
    return Case(
        name, changed(lambda d: d["annotations"][0].update(values)), (*at, *texts), lines=lines
    )


def without(name: str, kind: str, key: str, says: str, lines: int = 1) -> Case:
    return Case(name, changed(lambda d: d[kind][0].pop(key)), ("train.json", says), lines=lines)


def image(name: str, says: str, /, lines: int = MANY, **values: Any) -> Case:
    return Case(
        name,
        changed(lambda d: d["images"][0].update(values)),
        ("train.json: images", says),
        lines=lines,
    )


def category(name: str, says: str, /, lines: int = MANY, **values: Any) -> Case:
    return Case(
        name,
        changed(lambda d: d["categories"][1].update(values)),
        ("train.json: categories", says),
        lines=lines,
    )


def data(name: str, change: Callable[[Data], Any], *says: str, lines: int = 1) -> Case:
    return Case(name, changed(change), ("train.json", *says), lines=lines)


def rle(counts: Any, size: Any = SIZE) -> Data:
    return {"size": size, "counts": counts}


def polygon(*points: float) -> list[list[float]]:
    return [list(points)]


SQUARE = (2, 4, 10, 4, 10, 10, 2, 10)
FAR = [20, 1, 3, 2]
FULL = compressed([68, 6, *(10, 6) * 7, PIXELS - 68 - 16 * 7 - 6])
NOT_READ = "segmentation.counts: cannot be read as compressed run lengths"
NO_FORM = "segmentation: not polygons or run lengths"

MASKS = [
    obj("garbage as run lengths", NOT_READ, segmentation=rle("not run lengths")),
    obj("letters beyond those of run lengths", NOT_READ, segmentation=rle("zzzz")),
    obj("letters beyond ASCII", "segmentation.counts: cannot be read", segmentation=rle("é")),
    obj("no run lengths", NOT_READ, segmentation=rle("")),
    obj("run lengths cut off", "do not add up to the image", segmentation=rle(FULL[:-3])),
    obj("run lengths cut off in a number", NOT_READ, segmentation=rle("4P")),
    obj("a number without end", NOT_READ, segmentation=rle("o" * 40 + "0")),
    obj("too long run lengths", "do not add up to the image", segmentation=rle(FULL + "55")),
    obj(
        "run lengths of another total",
        f"4,000 pixels, and it has {PIXELS}",
        segmentation=rle(compressed([68, 6, 3926])),
    ),
    obj(
        "a negative run, compressed",
        "a run of -6 pixels: must be 0 or more",
        segmentation=rle(compressed([68, -6, PIXELS - 62])),
    ),
    obj("a negative run", "-6: must be 0 or more", segmentation=rle([68, -6, PIXELS - 62])),
    obj("a run of half a pixel", "must be whole numbers", segmentation=rle([68.5, PIXELS - 68.5])),
    obj("a run that is a text", "must be whole numbers", segmentation=rle(["68", PIXELS - 68])),
    obj("a run that is true", "must be whole numbers", segmentation=rle([True, PIXELS - 1])),
    obj("runs of another total", "do not add up to the image", segmentation=rle([68, 6])),
    obj("a run of 10^30", "do not add up to the image", segmentation=rle([10**30])),
    obj("no runs at all", "do not add up to the image", segmentation=rle([])),
    obj("counts are null", "segmentation.counts = None", segmentation=rle(None)),
    obj("counts are a number", "segmentation.counts = 7", segmentation=rle(7)),
    obj("a mask of no pixel", "has no pixel", segmentation=rle([PIXELS])),
    obj("a mask of another size", "image is [16, 24]", segmentation=rle(FULL, SIZE[::-1])),
    obj("the size is null", "segmentation.size = None", segmentation=rle(FULL, None)),
    obj(
        "the size is text",
        "segmentation.size = ['16', '24']",
        segmentation=rle(FULL, ["16", "24"]),
    ),
    obj("the size is true", "segmentation.size", segmentation=rle(FULL, [True, True])),
    obj("the size has three numbers", "segmentation.size", segmentation=rle(FULL, [*SIZE, 3])),
    obj("no size", NO_FORM, segmentation={"counts": FULL}),
    obj("no counts", NO_FORM, segmentation={"size": SIZE}),
    obj("an empty object as mask", NO_FORM, segmentation={}),
    obj("an empty text as mask", NO_FORM, segmentation=""),
    obj("false as mask", NO_FORM, segmentation=False),
    obj("a number as mask", NO_FORM, segmentation=5),
    obj(
        "a mask far from its box",
        "must lie in its box",
        segmentation=rle(FULL),
        bbox=[20, 1, 3, 2],
    ),
]
POLYGONS = [
    obj("a polygon with NaN", "must be a list of numbers", segmentation=polygon(NAN, *SQUARE[1:])),
    obj("a polygon with infinity", "a list of numbers", segmentation=polygon(INF, *SQUARE[1:])),
    obj(
        "a polygon with 1e300",
        "must be a list of numbers",
        segmentation=polygon(1e300, *SQUARE[1:]),
    ),
    obj("a polygon with 10^400", "a list of numbers", segmentation=polygon(10**400, *SQUARE[1:])),
    obj("a polygon of texts", "must be a list of numbers", segmentation=[[*map(str, SQUARE)]]),
    obj("a polygon with null", "must be a list of numbers", segmentation=[[None, *SQUARE[1:]]]),
    obj("a polygon with true", "must be a list of numbers", segmentation=[[True, *SQUARE[1:]]]),
    obj("a polygon in a polygon", "must be a list of numbers", segmentation=[[[*SQUARE]]]),
    obj("a polygon without its list", "must be a list of polygons", segmentation=[*SQUARE]),
    obj("a polygon that is null", "segmentation[0] = None", segmentation=[None]),
    obj("a polygon of no points", "at least 3 points x, y", segmentation=[[]]),
    obj("a polygon of two points", "at least 3 points", segmentation=polygon(1, 2, 3, 4)),
    obj("an odd number of coordinates", "has 7 numbers", segmentation=polygon(*SQUARE[1:])),
    obj("three times one point", "on one line: must enclose", segmentation=polygon(*(3, 5) * 3)),
    obj("points on a line", "must enclose an area", segmentation=polygon(2, 4, 4, 6, 6, 8, 9, 11)),
    obj(
        "a polygon outside its image",
        "goes from x, y = 102, 4 to 110, 10: must lie inside its image of 24 x 16 px",
        segmentation=polygon(102, 4, 110, 4, 110, 10, 102, 10),
    ),
    obj(
        "a polygon that goes far outside",
        "must lie inside its image",
        segmentation=polygon(2, 4, 9000, 4, 10, 10),
    ),
    obj(
        "the second polygon outside its image",
        "segmentation[1]: goes from",
        segmentation=[[*SQUARE], [-9, -9, -5, -9, -5, -5]],
    ),
    obj("a polygon far from its box", "must lie in its box", bbox=FAR),
]
BOXES = [
    obj("a box with NaN", "bbox = [nan, 4, 8, 6]: must be four numbers", bbox=[NAN, 4, 8, 6]),
    obj("a box with infinity", "must be four numbers", bbox=[2, 4, INF, 6]),
    obj("a box with 1e300", "must be four numbers", bbox=[2, 4, 1e300, 6]),
    obj("a box with 10^400", "must be four numbers", bbox=[2, 4, 10**400, 6]),
    obj("a box of texts", "must be four numbers", bbox=["2", "4", "8", "6"]),
    obj("a box of truth values", "must be four numbers", bbox=[True, True, True, True]),
    obj("a box of three numbers", "must be four numbers", bbox=[2, 4, 8]),
    obj("a box that is null", "bbox = None: must be four numbers", bbox=None),
    obj("a box that is an object", "must be four numbers", bbox={"x": 2}),
    obj("a box without width", "width and height must be above 0", bbox=[2, 4, 0, 6]),
    obj("a box of negative height", "width and height must be above 0", bbox=[2, 4, 8, -6]),
    obj("a box outside its image", "must lie inside its image of 24 x 16 px", bbox=[90, 4, 8, 6]),
    obj("a box as corners", "must lie inside its image", bbox=[14, 4, 22, 10]),
    without("no box", "annotations", "bbox", "bbox = None: must be four numbers"),
    obj("an area that is text", "area = '48': must be a number of px²", area="48"),
    obj("an area of NaN", "area = nan: must be a number of px², or left out", area=NAN),
    obj("an infinite area", "area = inf: must be a number", area=INF),
    obj("a negative area", "area = -48: must be above 0 px², or left out", area=-48),
    obj("an area of nothing", "area = 0: must be above 0 px²", area=0),
    obj("an area larger than the image", "its image of 24 x 16 px has 384", area=48000),
    obj("an area that is true", "area = True: must be a number", area=True),
    obj("an area that is a list", "area = [48]: must be a number", area=[48]),
    obj("a crowd of two", "iscrowd = 2: must be 0 or 1", iscrowd=2),
    obj("a crowd that is null", "iscrowd = None: must be 0 or 1", iscrowd=None),
    obj("a crowd that is text", "iscrowd = '0': must be 0 or 1", iscrowd="0"),
    obj("a crowd that is a list", "iscrowd = []: must be 0 or 1", iscrowd=[]),
]
KEYPOINTS = [
    obj(
        "a keypoint at 9e9",
        "keypoints[0], [1] = 9000000000.0, 5: must lie inside its image of 24 x 16 px",
        keypoints=[9e9, 5, 2, 5, 6, 1, 0, 0, 0],
    ),
    obj("a keypoint of NaN", "must be three numbers for each", keypoints=[NAN, 5, 2, *[0] * 6]),
    obj("an infinite keypoint", "three numbers", keypoints=[0, 0, 0, 1, -INF, 0, 0, 0, 0]),
    obj(
        "a visibility of 3",
        "keypoints[2] = 3: visibility must be 0",
        keypoints=[2, 5, 3, *[0] * 6],
    ),
    obj("a visibility of a half", "keypoints[2] = 0.5", keypoints=[2, 5, 0.5, *[0] * 6]),
    obj("a visibility of NaN", "must be three numbers", keypoints=[2, 5, NAN, *[0] * 6]),
    obj("a negative visibility", "keypoints[2] = -1", keypoints=[2, 5, -1, *[0] * 6]),
    obj("too few keypoints", "keypoints: 6 numbers: its category names 3", keypoints=[0] * 6),
    obj("keypoints of texts", "must be three numbers for each", keypoints=["2"] * 9),
    obj("keypoints that are a number", "keypoints = 7: must be three numbers", keypoints=7),
    obj("keypoints in a list of their own", "must be three numbers", keypoints=[[2, 5, 2]] * 3),
    category("names of keypoints twice", "must have each name only once", keypoints=["a", "a"]),
    category("keypoints without names", "must be a list of names", keypoints=[1, 2, 3]),
    category("other keypoints than before", "must be the same as those", keypoints=["a", "b"]),
    category(
        "too many keypoints", "must be at most 1,000", keypoints=[f"k{k}" for k in range(1001)]
    ),
]
IDS = [
    obj("an object of no image", "image_id = 77: there is no such image", image_id=77),
    obj("an image_id of null", "image_id = None: there is no such image", image_id=None),
    obj("an image_id that is a list", "image_id = [1]: there is no such image", image_id=[1]),
    obj("an image_id that is true", "image_id = True: there is no such image", image_id=True),
    obj("an image_id of 1.0", "image_id = 1.0: there is no such image", image_id=1.0),
    obj(
        "an image_id that is a word",
        "image_id = 'one': must be a whole",
        lines=1,
        id=1,
        image_id="one",
    ),
    obj("an object of no class", "category_id = 9: no such category", category_id=9),
    obj("a class of null", "category_id = None: no such category", category_id=None),
    obj("a class that is an object", "category_id = {}: no such category", category_id={}),
    obj("a class that is true", "category_id = True: no such category", category_id=True),
    obj("an object's id twice", "annotations id 2: occurs 2 times: must occur once", id=2),
    obj("an object's id is a list", "annotations[0]: id = [1]: must be a whole number", id=[1]),
    obj("an object's id is true", "annotations[0]: id = True: must be a whole", lines=2, id=True),
    obj("an object's id is a half", "annotations[0]: id = 1.5: must be a whole number", id=1.5),
    obj("an object's id is null", "annotations[0]: id = None: must be a whole number", id=None),
    obj("an object's id is negative", "annotations[0]: id = -1: must be a whole", id=-1),
    obj("an object's id is 2^64", "id = 18446744073709551616: must be a whole", id=2**64),
    without("an object without id", "annotations", "id", "annotations[0]: id = None"),
    without("an object without image", "annotations", "image_id", "image_id = None"),
    without("an object without class", "annotations", "category_id", "category_id = None"),
    image("an image's id is a list", "images[0]: id = [1]: must be a whole number", id=[1]),
    image("an image's id is true", "images[0]: id = True: must be a whole number", id=True),
    image("an image's id is a float", "images[0]: id = 1.0: must be a whole number", id=1.0),
    image("an image's id is huge", "images[0]: id = 1000", id=10**40),
    image("an image's id twice", "images id 2: occurs 2 times: must occur once", id=2),
    category("a class's id is a list", "categories[1]: id = [2]: must be a whole", id=[2]),
    category("a class's id twice", "categories id 1: occurs 2 times", id=1),
    category("a class's id is null", "categories[1]: id = None", id=None),
]
IMAGES = [
    image("a width of null", "width = None: must be a whole number of px above 0", width=None),
    image("a width that is text", "width = '24': must be a whole number of px", width="24"),
    image("a width of a half", "width = 24.5: must be a whole number of px", width=24.5),
    image("a width that is true", "width = True: must be a whole number of px", width=True),
    image("a width of nothing", "width = 0: must be a whole number of px above 0", width=0),
    image("a negative height", "height = -16: must be a whole number of px", height=-16),
    image("a width of 10^30", "must be at most 1,048,576 px", width=10**30),
    image(
        "an image of too many pixels", "must be at most 178,956,970 px", width=10**6, height=10**6
    ),
    image("another width than the file's", "annotations say 25 x 16", width=25),
    image("no file_name", "file_name: must be a text", file_name=None),
    image("an empty file_name", "file_name: must be a text", file_name=""),
    image("a file_name that is a number", "file_name: must be a text", file_name=1),
    image("a file_name with NUL", "must be a name that a file can have", file_name="1\0.png"),
    image("a file_name of half a letter", "must be a name that a file", file_name="\ud800.png"),
    image("a file_name of 300 letters", "at most 255 bytes between", file_name="a" * 300 + ".png"),
    image("a file_name that is a folder", "must be an image file", file_name="."),
    image("a file_name of no file", "file_name = 'none.png': not in", file_name="none.png"),
    image("a file_name with ..", "file_name = '../val/9.png': not in", file_name="../val/9.png"),
    image("a file_name of the system", "'/etc/passwd': not in", file_name="/etc/passwd"),
    image("two images of one file", "'2.png': is that of images id 1 too", file_name="2.png"),
    image("one file by two names", "is that of images id 1 too", file_name="./2.png"),
    image("one file by a path from elsewhere", "both are '2.png'", file_name="C:\\photos\\2.png"),
]
CLASSES = [
    category("a class without name", "categories id 2: name = None: must be a text", name=None),
    category("a class of a number", "categories id 2: name = 7: must be a text", name=7),
    category("an empty name", "name = '': must be a text of one letter or more", name=""),
    category("a name of blanks", "name = ' \\t': must be a text of one letter", name=" \t"),
    category("a name of half a letter", "name = '\\udc00': must be a text", name="\udc00"),
    category("a name twice", "is that of categories id 1 ('cat') too: give each", name="cat"),
    category("a name with a NUL", "name = 'c\\x00at': must be a text of", name="c\0at"),
    category("a name with an escape", "without control characters", name="\x1b[2Jcat"),
    category("a name of two lines", "without control characters", name="red\nfox"),
    category("a name twice but for a sign not seen", "or signs not seen", name="c\u200bat"),
    data(
        "a name twice but for how a letter is made up",
        lambda d: [d["categories"][k].update(name=n) for k, n in enumerate(("ä", "a\u0308"))],
        "is that of categories id 1 ('ä') too but for how its letters are made up",
        lines=MANY,
    ),
    category("a name twice but for blanks", "('cat') too but for blanks", name=" cat "),
    data(
        "no classes",
        lambda d: d.update(categories=[]),
        "categories: must not be empty",
        lines=MANY,
    ),
    data(
        "too many classes",
        lambda d: d.update(categories=[{"id": k, "name": f"c{k}"} for k in range(20_001)]),
        "20,001 classes: must be at most 20,000",
    ),
]

CASES = [*MASKS, *POLYGONS, *BOXES, *KEYPOINTS, *IDS, *IMAGES, *CLASSES]
