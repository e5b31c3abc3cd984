"""Some images of a data set with their labels drawn: whether these are right is seen at once."""

from __future__ import annotations

import base64
import io
import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from study.config.printable import shown
from study.data.batches.decoded import read_rgb
from study.data.index import Index
from study.data.splits import Splits
from study.randomness import Stream, generator

NUMBER = 16
LONG_PX = 400  # of the longer side as drawn
QUALITY = 75  # of WebP, 0-100
FONT_PX = 12
LONGEST = 40  # characters of a name on a picture
FILL = 90  # opacity of a mask, 0-255

# Okabe and Ito (2008, Color Universal Design), without black and the yellow that paper swallows
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2")
CROWD = "#999999"


@dataclass(frozen=True)
class Sample:
    """An image as drawn."""

    file_name: str
    split: str
    objects: str  # how many of each class
    source: str  # data URI
    width: int  # px
    height: int


def samples(splits: Splits, number: int = NUMBER) -> list[Sample]:
    """Images of all splits, always the same ones of the same data, of as many classes as can be.

    Half of them are drawn for a class that none before shows, as long as there is one; the others
    at random, so that the page shows what is usual too.
    """
    parts = {
        "to train on": (splits.train, splits.pool),
        "to tune on": splits.images("tune"),
        "to report on": splits.images("report"),
    }
    every = [(split, index, int(i)) for split, (index, ids) in parts.items() for i in ids]
    order = generator(Stream.SUBSET, NUMBER).permutation(len(every))
    chosen: list[int] = []
    seen: set[int] = set()
    for at in order.tolist():
        _, index, image_id = every[at]
        labels = set(index.label[_rows(index, image_id)].tolist())
        if labels - seen:
            chosen.append(at)
            seen |= labels
        if len(chosen) >= number // 2 or len(seen) == len(splits.train.category_id):
            break
    others = (at for at in order.tolist() if at not in frozenset(chosen))
    chosen += list(itertools.islice(others, number - len(chosen)))
    return [sample(*every[at]) for at in sorted(chosen)]


def sample(split: str, index: Index, image_id: int) -> Sample:
    """An image with its objects drawn on it.

    Raises:
        ValueError: its file cannot be read.
    """
    at = index.position(image_id)
    size = (int(index.width[at]), int(index.height[at]))
    file = index.image_dir / str(index.file_name[at])
    pixels = read_rgb(file, size, upright=bool(index.upright[at]), scale=index.scale)
    drawn = _drawn(Image.fromarray(pixels), index, _rows(index, image_id))
    content = io.BytesIO()
    drawn.save(content, "webp", quality=QUALITY)
    named = Counter(
        "crowd region" if index.crowd[row] else str(index.category_name[index.label[row]])
        for row in _rows(index, image_id)
    )
    return Sample(
        file_name=str(index.file_name[at]),
        split=split,
        objects=", ".join(f"{count} {name}" for name, count in named.items()) or "no object",
        source=f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}",
        width=drawn.width,
        height=drawn.height,
    )


def _rows(index: Index, image_id: int) -> np.ndarray:
    return np.array(index.rows(image_id), np.int64)


def _drawn(image: Image.Image, index: Index, rows: np.ndarray) -> Image.Image:
    """Masks as shades, boxes as frames, classes in words; the largest first, to hide none."""
    factor = LONG_PX / max(image.size)
    size = (max(1, round(factor * image.width)), max(1, round(factor * image.height)))
    ground = image.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(ground, "RGBA")
    font = ImageFont.truetype(findfont("DejaVu Sans"), FONT_PX)  # matplotlib brings it along
    for row in rows[np.argsort(-index.bbox[rows, 2:].prod(axis=1), kind="stable")].tolist():
        label = int(index.label[row])
        colour = CROWD if index.crowd[row] else COLOURS[label % len(COLOURS)]
        if index.has_mask(row):
            for ring in index.polygons(row):
                corners = [tuple(point) for point in (factor * ring).tolist()]
                if len(corners) > 2:
                    pen.polygon(corners, fill=f"{colour}{FILL:02x}")
        left, top, width, height = (factor * index.bbox[row]).tolist()
        right, bottom = min(left + width, size[0] - 1), min(top + height, size[1] - 1)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="#000000a0", width=4)
        pen.rectangle((left, top, right, bottom), outline=colour, width=2)
        if len(index.category_id) > 1 and len(rows) <= NUMBER:  # names would hide more objects
            name = "crowd" if index.crowd[row] else shown(str(index.category_name[label]), LONGEST)
            place = (max(0.0, left), max(0.0, top - FONT_PX - 6))
            pen.rectangle(
                pen.textbbox(place, name, font=font), fill=colour, outline=colour, width=2
            )
            pen.text(place, name, fill="#000000", font=font)
    return ground
