"""Detections drawn on their picture: boxes, masks, class and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from study.config.printable import shown
from study.trained.module import decoded, filled
from study.training.evaluation.detections import Detection

COLOURS = (
    *((230, 97, 0), (31, 119, 220), (0, 150, 110), (200, 60, 160)),
    *((190, 150, 0), (110, 70, 200), (0, 150, 180), (200, 40, 40)),
)
"""Of classes, one after another."""
MASK = 0.45  # how much of a mask's colour covers the picture
PAPER = (255, 255, 255)
LONGEST = 40  # characters of a name
LEAST_PX = 640  # of the longer side: on smaller pictures scores would hide what is found


def drawn(
    picture: Image.Image, found: Sequence[Detection], names: Mapping[int, str]
) -> Image.Image:
    """An RGB picture with the detections on it, the best on top; small ones are enlarged.

    `names` of the classes by category id, whose order gives the colours. Where there is only one,
    a box has its score alone.
    """
    colours = {id_: COLOURS[at % len(COLOURS)] for at, id_ in enumerate(names)}
    lowest_first = sorted(found, key=lambda row: row["score"])
    canvas = Image.new("RGB", picture.size)  # a copy would have colour profile and EXIF too
    canvas.paste(picture)
    tints = {id_: _tint(colour) for id_, colour in colours.items()}
    for row in lowest_first:
        if "segmentation" in row:
            _cover(canvas, row, tints[row["category_id"]])
    times = max(1, -(-LEAST_PX // max(picture.size)))
    if times > 1:
        size = picture.width * times, picture.height * times
        canvas = canvas.resize(size, Image.Resampling.BICUBIC)
    pen, longer = ImageDraw.Draw(canvas), max(canvas.size)
    wide = max(1, round(longer / 350))
    font = ImageFont.load_default(max(11, round(longer / 60)))
    for row in lowest_first:
        left, top, width, height = (times * value for value in row["bbox"])
        outer = (left - wide, top - wide, left + width + wide, top + height + wide)
        pen.rectangle(outer, outline=PAPER, width=wide)
        colour = colours[row["category_id"]]
        pen.rectangle((left, top, left + width, top + height), outline=colour, width=wide)
    for row in lowest_first:  # above all boxes
        name = f"{shown(names[row['category_id']], LONGEST)} " if len(names) > 1 else ""
        corner = (times * row["bbox"][0], times * row["bbox"][1])
        text = f"{name}{row['score']:.2f}"
        _label(pen, text, corner, font, colours[row["category_id"]], canvas.size)
    return canvas


def _tint(colour: tuple[int, int, int]) -> list[int]:
    """Of each value of red, of green, and of blue, what it is below a mask."""
    values = (1 - MASK) * np.arange(256) + MASK * np.array(colour)[:, None]
    return values.astype(np.uint8).ravel().tolist()


def _cover(canvas: Image.Image, row: Detection, tint: list[int]) -> None:
    """Draw a mask; only the box that it fills is looked at, for most are small in their image."""
    left, top, width, height = filled(row)
    if not width:
        return
    box = left, top, left + width, top + height
    inside = decoded(row)[top : top + height, left : left + width]
    canvas.paste(canvas.crop(box).point(tint), box, Image.fromarray(inside))


def _label(
    pen: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    """A line of text above a box's corner, or below it where the picture ends."""
    x0, y0, x1, y1 = pen.textbbox((0, 0), text, font=font)
    width, height = x1 - x0 + 4, y1 - y0 + 4
    left = min(max(0.0, corner[0]), max(0.0, size[0] - width))
    top = corner[1] - height if corner[1] >= height else max(0.0, corner[1])
    pen.rectangle((left, top, left + width, top + height), fill=colour)
    pen.text((left + 2 - x0, top + 2 - y0), text, fill=PAPER, font=font)
