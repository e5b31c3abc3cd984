"""Evaluation images on which the arms differ most: the truth and both arms' detections.

Of an image with n objects a detector's n highest scores are looked at: a perfect one has one on
each. The share of them that hit an object of their class, mean over IoU 0.50 to 0.95 and over the
confirm runs, is the arm's hits on that image, and images are ordered by how many more the arm has
than the reference. Those n are also what is shown, of one run. Crowd regions count for nothing,
and images without objects are left out.
"""

from __future__ import annotations

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from analysis.detections.photos import as_annotated, missing
from analysis.detections.stored import Run, Stored
from analysis.drawing.looks import INK, PAPER, Look
from analysis.reading.load import Results
from analysis.text.words import counted, listed
from study.config.printable import shown
from study.storage.detection_files import read_detections

EACH = 2  # images for each size and arm, and for each of them being ahead
LONG = 256  # px of the longer side; smaller images are enlarged
QUALITY = 70  # of WebP, 0-100
FONT = 11  # px
LONGEST = 40  # characters of a name on a picture

Box = list[float]  # x, y, width, height in px


@dataclass(frozen=True)
class Panel:
    """One view of an image."""

    title: str
    arm: str  # empty: the truth
    alt: str
    source: str  # data URI
    width: int  # px
    height: int


@dataclass(frozen=True)
class Picture:
    """An image as it is, and as two arms see it."""

    size: int  # training images
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Mark:
    """A box to be drawn."""

    box: Box
    name: str
    right: bool = True


def pictures(results: Results, there: Stored, looks: dict[str, Look]) -> list[Picture]:
    """A few images for each size and arm: those where it is ahead most, then those where behind.

    None if the images are not where they were.

    Raises:
        Unusable: an image that was to be shown cannot be read, or is another one.
    """
    if missing(there):
        return []
    reference, *others = results.arms(there.study)
    names = {category["id"]: category["name"] for category in there.truth["categories"]}
    found: list[Picture] = []
    for size in there.sizes:
        for arm in others:
            sides = {name: there.of(name, size) for name in (reference, arm)}
            if not all(sides.values()):
                continue
            scores = {name: _mean(runs.values()) for name, runs in sides.items()}
            shown = {
                name: best(_shown(runs, sides.values()), names) for name, runs in sides.items()
            }
            for at in extremes(scores[arm] - scores[reference]):
                on_image = {name: own[at] for name, own in scores.items()}
                marks = {name: own[at] for name, own in shown.items()}
                found.append(_picture(there, size, at, marks, on_image, looks))
    return found


def extremes(gaps: np.ndarray, each: int = EACH) -> list[int]:
    """Where the gaps above 0 are highest, highest first, then where those below are lowest."""
    order = np.argsort(-gaps, kind="stable")
    ordered = [int(at) for at in order if np.isfinite(gaps[at])]
    ahead = [at for at in ordered if gaps[at] > 0][:each]
    behind = [at for at in reversed(ordered) if gaps[at] < 0][:each]
    return ahead + behind


def _mean(runs: Iterable[Run]) -> np.ndarray:
    return np.mean([run.matches.tops().share() for run in runs], axis=0)


def _shown(runs: dict[Any, Run], sides: Iterable[dict[Any, Run]]) -> Run:
    """The run to show: of the first seed and draw that all sides have, or of its own first."""
    common = set(runs).intersection(*sides)
    return runs[min(common or runs)]


def best(run: Run, names: dict[int, str]) -> dict[int, list[Mark]]:
    """What is shown of a run, by the image's place; right are hits at IoU 0.5."""
    detections, tops = read_detections(run.file, masks=False), run.matches.tops()
    found: dict[int, list[Mark]] = defaultdict(list)
    for image, row, right in zip(tops.image, tops.row, tops.hit[0], strict=True):
        detection = detections[row]
        mark = Mark(detection["bbox"], names[detection["category_id"]], bool(right))
        found[int(image)].append(mark)
    return found


def _picture(
    there: Stored,
    size: int,
    at: int,
    shown: dict[str, list[Mark]],
    scores: dict[str, float],
    looks: dict[str, Look],
) -> Picture:
    truth = there.truth
    names = {category["id"]: category["name"] for category in truth["categories"]}
    image = sorted(truth["images"], key=lambda one: one["id"])[at]
    objects = [
        Mark(one["bbox"], names[one["category_id"]])
        for one in truth["annotations"]
        if one["image_id"] == image["id"] and not one["iscrowd"]
    ]
    assert there.images is not None  # or there are no pictures
    pixels = as_annotated(there.images, image)
    told = f"{image['file_name']}: {counted(len(objects), 'object')}, {_named(objects)}"
    panels = [_panel("truth", "", told, pixels, objects, PAPER)]
    for arm, marks in shown.items():
        right = sum(mark.right for mark in marks)
        alt = f"{arm}'s {counted(len(marks), 'best detection')}, {right} right: {_named(marks)}"
        title = f"{arm}, hits {scores[arm]:.0f}\u00a0%"
        panels.append(_panel(title, arm, alt, pixels, marks, looks[arm].colour))
    return Picture(size, image["file_name"], tuple(panels))


def _named(marks: Sequence[Mark]) -> str:
    """Which classes, and how many of each; those that are wrong apart."""
    found = Counter(mark.name if mark.right else f"{mark.name} (wrong)" for mark in marks)
    return listed(f"{number} {name}" for name, number in found.items()) if found else "none"


def _panel(
    title: str, arm: str, alt: str, pixels: Image.Image, marks: Sequence[Mark], colour: str
) -> Panel:
    scale = LONG / max(pixels.size)
    width, height = (max(1, round(scale * side)) for side in pixels.size)
    drawn = pixels.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(drawn)
    for mark in marks:
        _draw(pen, mark, scale, colour)
    content = io.BytesIO()
    drawn.save(content, "webp", quality=QUALITY, method=6)
    source = f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
    return Panel(title, arm, alt, source, width, height)


def _draw(pen: ImageDraw.ImageDraw, mark: Mark, scale: float, colour: str) -> None:
    """A box with its class, solid if right and dashed if not, edged to show on any ground."""
    left, top, width, height = (scale * value for value in mark.box)
    right, bottom = left + width, top + height
    edge = INK if colour == PAPER else PAPER
    for inked, wide in ((edge, 4), (colour, 2)):
        for x0, y0, x1, y1 in (
            (left, top, right, top),
            (left, bottom, right, bottom),
            (left, top, left, bottom),
            (right, top, right, bottom),
        ):
            if mark.right or inked == edge:
                pen.line((x0, y0, x1, y1), fill=inked, width=wide)
                continue
            for start, stop in _dashes(max(x1 - x0, y1 - y0)):
                along = (start, 0, stop, 0) if x1 > x0 else (0, start, 0, stop)
                ends = (x0 + along[0], y0 + along[1], x0 + along[2], y0 + along[3])
                pen.line(ends, fill=inked, width=wide)
    font = ImageFont.truetype(findfont("DejaVu Sans"), FONT)  # matplotlib brings it along
    at = (max(0.0, left), max(0.0, top - FONT - 2))
    name = shown(mark.name, LONGEST)
    text = name if mark.right else f"{name} ×"
    pen.rectangle(pen.textbbox(at, text, font=font), fill=colour, outline=colour, width=2)
    pen.text(at, text, fill=edge if colour != PAPER else INK, font=font)


def _dashes(length: float, on: float = 6, off: float = 5) -> list[tuple[float, float]]:
    count = int(length // (on + off)) + 1
    return [(i * (on + off), min(length, i * (on + off) + on)) for i in range(count)]
