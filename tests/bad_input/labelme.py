"""LabelMe's JSON: broken, or impossible."""

from __future__ import annotations

import json
from typing import Any

from tests.bad_input.case import Case
from tests.bad_input.formats import IMAGES, Files, command
from tests.data.small_files import HEIGHT, WIDTH, picture

CORNERS = ((2, 3), (10, 3), (6, 12))


def shape(
    label: Any = "cat", points: Any = ((2, 3), (10, 3), (6, 12)), **more: Any
) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon"} | more


def labelme(bad: bytes | dict[str, Any]) -> Files:
    """Images with a cat each; what the first file has."""
    good = {"shapes": [shape()], "imageWidth": WIDTH, "imageHeight": HEIGHT}
    files: Files = {f"{k}.png": picture(k) for k in range(1, IMAGES + 1)}
    files |= {f"{k}.json": json.dumps(good) for k in range(1, IMAGES + 1)}
    return files | {"1.json": bad if isinstance(bad, bytes) else json.dumps(good | bad)}


def of_labelme(name: str, bad: bytes | dict[str, Any], *says: str) -> Case:
    return Case(name, command(lambda: labelme(bad)), ("d/1.json: ", *says))


def a_shape(name: str, said: str, /, **fields: Any) -> Case:
    """The second shape of the first file."""
    return of_labelme(name, {"shapes": [shape(), shape(**fields)]}, "shapes[1]: ", said)


NAN, INF = float("nan"), float("inf")

CASES = [
    of_labelme("an empty file of LabelMe's", b"", "is empty: must be JSON"),
    of_labelme("a file of LabelMe's cut off", b'{"shapes": [\n{"label": ', "line 2: not JSON"),
    of_labelme("bytes that are not UTF-8", b'{"shapes": "\xe4"}', "line 1: not JSON"),
    of_labelme("shapes nested too deep", b'{"shapes": ' + b"[" * 10**5, "nested too deep"),
    of_labelme("shapes that are null", {"shapes": None}, "shapes: must be a list of objects"),
    of_labelme("a shape that is a number", {"shapes": [3]}, "shapes: must be a list of objects"),
    of_labelme("another width", {"imageWidth": 99}, "imageWidth, imageHeight = 99, 16"),
    of_labelme("a width of text", {"imageWidth": "24"}, "imageWidth, imageHeight = '24', 16"),
    of_labelme(
        "the path of another image",
        {"imagePath": "..\\pics\\2.PNG"},
        "imagePath = '..\\\\pics\\\\2.PNG': must name '1.png', the image of the file's name",
    ),
    a_shape("a label of null", "label = None: must be a text", label=None),
    a_shape("a label that is a list", "label = ['cat']: must be a text", label=["cat"]),
    a_shape("a point", "shape_type = 'point': must be one of", shape_type="point"),
    a_shape("a type that is a list", "shape_type = ['polygon']: must be", shape_type=["polygon"]),
    a_shape("points that are null", "a polygon has 3 or more, and this 0", points=None),
    a_shape("points that are a number", "points: must be pairs of numbers", points=5),
    a_shape("points of texts", "points: must be pairs of numbers", points=[["2", "3"]] * 3),
    a_shape("points of three numbers", "must be pairs of numbers", points=[[2, 3, 4]] * 3),
    a_shape("a point of NaN", "must be finite numbers", points=[[2, 3], [NAN, 3], [6, 12]]),
    a_shape("an infinite point", "must be finite numbers", points=[[2, 3], [INF, 3], [6, 12]]),
    a_shape("a point of 10^400", "must be finite numbers", points=[[2, 3], [10**400, 3], [6, 12]]),
    a_shape("a point far outside", "lie inside the image", points=[[2, 3], [900, 3], [6, 12]]),
    a_shape("two points", "a polygon has 3 or more, and this 2", points=[[2, 3], [10, 12]]),
    a_shape("three times one point", "must enclose a part of the image", points=[[2, 3]] * 3),
    a_shape("a polygon outside", "must enclose a part", points=[[30, 3], [40, 3], [35, 12]]),
    a_shape("no mask", "mask: must be there", shape_type="mask"),
    a_shape("a mask of no picture", "mask: cannot be read", shape_type="mask", mask="aGVsbG8="),
    a_shape("a mask that is a number", "mask: cannot be read", shape_type="mask", mask=5),
]
