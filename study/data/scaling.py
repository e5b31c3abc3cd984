"""The rule by which a data set's grey images of more than 8 bits become 8 bits.

One rule for all of its images, found from those that are trained on: black is the lowest of their
levels, white the highest, where an image's levels leave out one pixel of 10,000 at either end (hot
pixels, dead ones). In no training image more of them are beyond. Images of 8 bits need no rule.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.pixels import COLOUR_16, EIGHT, Scale, Unusable, kind_of, opened, values

VERSION = 1  # of what is remembered of each image
BEYOND = 10_000  # one pixel of so many, at either end of an image, may be clipped
DARK = 64  # of 255: 16-bit colour whose upper 8 bits stay below has hardly any of them
UNREAD = ""  # the kind of what cannot be read: the checks say why


@dataclass(frozen=True)
class Levels:
    """What is known of N images."""

    kind: np.ndarray  # str [N]
    low: np.ndarray  # float64 [N]; of 16-bit colour the upper 8 bits, of 8 bits 0
    high: np.ndarray  # float64 [N]


def scale_of(
    files: Mapping[str, Sequence[Path]], trained_on: Sequence[Path] | None = None
) -> Scale | None:
    """The rule for a data set; None: its images are of 8 bits.

    Args:
        files: all images of each split.
        trained_on: those that the rule is found from; None: all.

    Raises:
        ValueError: kinds that one rule cannot scale are mixed, or there is nothing to scale.
    """
    every = list(dict.fromkeys(file for own in files.values() for file in own))
    found = levels(every)
    counts = Counter(found.kind.tolist())
    del counts[UNREAD]
    wide = counts.keys() - {EIGHT, COLOUR_16}
    if not wide and COLOUR_16 not in counts:
        return None
    if wide and len(counts) > 1:
        some = [
            f"{n:,} of {kind} ({every[found.kind.tolist().index(kind)]})"
            for kind, n in sorted(counts.items())
        ]
        raise ValueError(
            f"images with pixels of different kinds: {', '.join(some)}: no one rule scales them"
            " alike; convert those of one kind to the other"
        )
    chosen = set(every if trained_on is None else trained_on)
    used = np.array([file in chosen for file in every]) & (found.kind != UNREAD)
    if not wide:
        _require_bright(every, found, used & (found.kind == COLOUR_16))
        return None
    if not used.any():
        raise ValueError("images of more than 8 bits: none of those trained on can be read")
    low, high = float(found.low[used].min()), float(found.high[used].max())
    if low >= high:
        raise ValueError(
            f"images of more than 8 bits: all that are trained on have the one value {low:g}"
            f" ({every[int(np.flatnonzero(used)[0])]}): they show nothing"
        )
    kind = wide.pop()
    return Scale(kind, low, high)  # pyright: ignore[reportArgumentType]  # the others are out


def _require_bright(every: Sequence[Path], found: Levels, used: np.ndarray) -> None:
    if used.any() and (most := found.high[used].max()) < DARK:
        raise ValueError(
            f"{every[int(np.flatnonzero(used)[0])]}: 16-bit colour, of which the upper 8 bits are"
            f" read, and in all training images these are at most {most:g} of 255: nearly black."
            " Scale all images alike to the whole range, or convert them to 8 bits"
        )


def levels(files: Sequence[Path]) -> Levels:
    """What is known of image files; remembered as long as they do not change.

    Of images of 8 bits only the header is read.
    """
    entry = (
        cache_dir() / "levels" / f"{digest([file_state(file) for file in files])}-v{VERSION}.npz"
    )

    def build(to: Path) -> None:
        with ThreadPoolExecutor() as pool:  # reading releases the interpreter's lock
            seen = list(pool.map(_levels, files))
        stored = io.BytesIO()
        kinds, lows, highs = zip(*seen, strict=True) if seen else ((), (), ())
        np.savez(
            stored,
            kind=np.array(kinds, np.str_),
            low=np.array(lows, np.float64),
            high=np.array(highs, np.float64),
        )
        to.write_bytes(stored.getvalue())

    with np.load(build_once(entry, build)) as stored:
        return Levels(**{name: stored[name] for name in Levels.__dataclass_fields__})


def file_state(file: Path) -> list[str | int | None]:
    """Its name, size and time, which change with its content."""
    try:
        stat = file.stat()
    except (OSError, ValueError):
        return [str(file), None]
    return [str(file), stat.st_size, stat.st_mtime_ns]


def _levels(file: Path) -> tuple[str, float, float]:
    try:
        with opened(file) as image:
            kind = kind_of(image)
            if kind == EIGHT:
                return kind, 0.0, 0.0
            if kind == COLOUR_16:
                return kind, 0.0, float(np.asarray(image.convert("RGB")).max())
            found = values(image).ravel()
    except Unusable:
        return UNREAD, 0.0, 0.0
    out = len(found) // BEYOND
    last = len(found) - 1 - out
    ordered = np.partition(found, sorted({out, last}))
    return kind, float(ordered[out]), float(ordered[last])
