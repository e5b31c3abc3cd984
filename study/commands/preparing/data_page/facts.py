"""What a data set consists of, in numbers, and what in it looks like a mistake.

A doubt is not an error: nothing is refused for it, and it may be what the pictures are like.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from study.config import ModelConfig
from study.data.geometry.resize import scale
from study.data.index import Index
from study.data.splits import Splits

FEW_OBJECTS = 10  # of a class: fewer teach little
FEW_IMAGES = 30  # to report on: fewer leave wide intervals
TINY_PX = 4  # shorter side at the network's input; strides of the finest maps are 4
WHOLE = 0.98  # of an image's area
LONG = 20  # times as long as wide
EMPTY = 1 / 2  # of the images
SHOWN = 3  # places that are named


@dataclass(frozen=True)
class Bar:
    """A row of a histogram."""

    name: str
    counts: tuple[int, ...]  # in training, tuning and report split
    share: float  # of the longest bar, in all splits together


@dataclass(frozen=True)
class Objects:
    """Objects of some images, without crowd regions."""

    index: Index
    rows: np.ndarray  # int64 [n]: annotations
    at: np.ndarray  # int64 [n]: places of their images

    @classmethod
    def of(cls, index: Index, image_ids: np.ndarray) -> Objects:
        places = np.searchsorted(index.image_id, image_ids)
        owner = np.repeat(np.arange(len(index.image_id)), np.diff(index.first))
        rows = np.flatnonzero(np.isin(owner, places) & ~index.crowd)
        return cls(index, rows, owner[rows])

    @property
    def sides(self) -> np.ndarray:
        """float64 [n, 2]: width and height in px of the image as it is."""
        return self.index.bbox[self.rows, 2:]

    def files(self, chosen: np.ndarray) -> list[str]:
        """The images of some of the objects, by name."""
        return self.index.file_name[np.unique(self.at[chosen])].tolist()


def of_splits(splits: Splits) -> tuple[Objects, Objects, Objects]:
    """The objects of the images to train on, to tune on and to report on."""
    parts = ((splits.train, splits.pool), splits.images("tune"), splits.images("report"))
    train, tune, report = (Objects.of(*part) for part in parts)
    return train, tune, report


def classes(splits: Splits) -> list[Bar]:
    """Objects of each class, most frequent first."""
    number = len(splits.train.category_id)
    parts = of_splits(splits)
    counts = np.stack(
        [np.bincount(part.index.label[part.rows], minlength=number) for part in parts]
    )
    order = np.argsort(-counts.sum(0), kind="stable")
    names = splits.train.category_name
    return _bars((str(names[k]), counts[:, k]) for k in order.tolist())


def sizes(splits: Splits, network: ModelConfig) -> list[Bar]:
    """Objects by the square root of their box's area in px of the network's input, by octave."""
    edges = (8, 16, 32, 64, 128, 256)
    bins = np.array([0, *edges, np.inf])
    counts = np.stack(
        [
            np.histogram(np.sqrt(_input_sides(part, network).prod(axis=1)), bins)[0]
            for part in of_splits(splits)
        ]
    )
    names = [f"below {edges[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(edges))]
    names.append(f"{edges[-1]} and more")
    used = np.flatnonzero(counts.sum(0))
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, -1)
    return _bars((names[k], counts[:, k]) for k in range(first, last + 1))


def doubts(splits: Splits, network: ModelConfig) -> list[str]:
    """A sentence for each thing that is suspicious; empty if nothing is."""
    parts = of_splits(splits)
    found = [*_rare(splits, parts), *_splits(splits)]
    indexes = {id(part.index): part.index for part in parts}.values()
    return found + _slips([Objects.of(index, index.image_id) for index in indexes], network)


def _rare(splits: Splits, parts: tuple[Objects, Objects, Objects]) -> Iterator[str]:
    """Classes that are hardly there, or only where nothing is learnt or measured."""
    number, names = len(splits.train.category_id), splits.train.category_name.tolist()
    train, tune, report = (
        np.bincount(part.index.label[part.rows], minlength=number) for part in parts
    )
    few = [f"{names[k]} ({train[k]})" for k in np.flatnonzero(train < FEW_OBJECTS)]
    if few:
        yield (
            f"Few objects to learn from: fewer than {FEW_OBJECTS} to train on of"
            f" {_some(few)}. Label more of them, or expect low AP for them."
        )
    for counts, part, effect in (
        (tune, "tuning", "settings are chosen without them"),
        (report, "report", "no number says how well they are found"),
    ):
        lacking = [names[k] for k in np.flatnonzero((counts == 0) & (train > 0))]
        if lacking:
            yield f"No object in the {part} split of {_some(lacking)}: {effect}."


def _splits(splits: Splits) -> Iterator[str]:
    """Splits that are small, or mostly without objects."""
    reported = len(splits.val_ids)
    if reported < FEW_IMAGES:
        yield (
            f"Only {reported} images to report on: the AP of a split so small says little about"
            " other images."
        )
    if splits.train.image_id.size and len(splits.pool):
        owners = Objects.of(splits.train, splits.pool).at
        empty = len(splits.pool) - len(np.unique(owners))
        if empty > EMPTY * len(splits.pool):
            yield (
                f"{empty:,} of the {len(splits.pool):,} images to train on have no object. If"
                " these are only not labelled yet, leave them out: the detector would learn that"
                " nothing is there."
            )


def _slips(parts: Sequence[Objects], network: ModelConfig) -> list[str]:
    """Boxes that look like slips of the mouse, or that the network can hardly see."""
    told = {
        "twice": (
            "Objects that stand twice, with the same class and the same box",
            "Remove one of each.",
        ),
        "place": ("Objects with the same box as one of another class", "Is one of them a slip?"),
        "whole": ("Objects that fill the whole image", "Is that meant?"),
        "long": (f"Objects more than {LONG} times as long as wide", "Anchors suit them badly."),
        "tiny": (
            f"Objects less than {TINY_PX} px wide or high once images are resized to"
            f" {network.short_px} px",
            "Hardly any of them will be found; larger input images would help.",
        ),
    }
    every = sum(len(part.rows) for part in parts)
    chosen = [_odd(part, network) for part in parts]
    lines = []
    for kind, (what, advice) in told.items():
        number = sum(int(of[kind].sum()) for of in chosen)
        files = [f for part, of in zip(parts, chosen, strict=True) for f in part.files(of[kind])]
        if number:
            where = _some(files, "images")
            lines.append(f"{what}: {number:,} of {every:,} ({where}). {advice}")
    return lines


def _odd(objects: Objects, network: ModelConfig) -> dict[str, np.ndarray]:
    """bool [n] for each kind of odd box: which objects are of it."""
    index, rows, at = objects.index, objects.rows, objects.at
    sides = objects.sides
    image_area = index.width[at].astype(float) * index.height[at]
    corners = np.round(index.bbox[rows]).astype(np.int64)
    twice = _again(np.column_stack([at, corners, index.label[rows]]))
    return {
        "twice": twice,
        "place": _again(np.column_stack([at, corners])) & ~twice,
        "whole": sides.prod(axis=1) > WHOLE * image_area,
        "long": sides.max(axis=1) > LONG * np.maximum(sides.min(axis=1), 1e-9),
        "tiny": _input_sides(objects, network).min(axis=1) < TINY_PX,
    }


def _input_sides(objects: Objects, network: ModelConfig) -> np.ndarray:
    """float64 [n, 2]: width and height in px of the network's input."""
    index, at = objects.index, objects.at
    return objects.sides * scale(index.height[at], index.width[at], network)[:, None]


def _again(keys: np.ndarray) -> np.ndarray:
    """bool [n]: rows that equal an earlier one."""
    _, first = np.unique(keys, axis=0, return_index=True)
    found = np.ones(len(keys), bool)
    found[first] = False
    return found


def _some(names: Sequence[str], what: str = "classes") -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more {what}" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _bars(rows: Iterator[tuple[str, np.ndarray]]) -> list[Bar]:
    found = [(name, tuple(counts.tolist())) for name, counts in rows]
    most = max((sum(counts) for _, counts in found), default=1) or 1
    return [Bar(name, counts, sum(counts) / most) for name, counts in found]
