"""The same picture in two splits, compressed again or resized: it is refused as a copy is.

Near-duplicates (`near_duplicates`) are looked at more closely. Of the same size, the same picture
differs nowhere by much, where a frame of a film a moment later differs in a place. Of another
size, edges differ, so that the whole is compared. What is only a near-duplicate is told: whether
it belongs in both splits is the user's judgement.

Of 67 photos every copy was recognised as JPEG of quality 75, 50 and 30, WebP, PNG, half as large,
larger, or stretched, and 58 a quarter as large. Of 67 faint microscope pictures all but one, but
of JPEG 58 at quality 50 and 38 at 30, and 53 as WebP; the others are near-duplicates. Of 268 pairs
of frames (a pan of 1 or 2 % of the width, an object of 1/8 or 1/16 that moves by its own size)
none was taken for one picture, nor any of all pairs of 200 photos, 334 microscope pictures and
1,000 drawn scenes but real copies. A picture costs 1.3 ms of a core, once: 35,000 take 45 s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.scaling import file_state
from study.data.splits.near_duplicates import Looks, correlation, grey, looks, pairs

VERSION = 1  # of what is remembered
LOOKED_AT = 5  # pictures that are most like one: frames of a film may be like thousands
FINE, COARSE = 64, 32  # px of a side, of pictures of the same and of another size
DIFFERENT = (0.4, 16.0)  # at most, anywhere: of the contrast, and grey levels
RESIZED = (0.18, 1.0)  # at most, of the contrast: over the whole, and anywhere


@dataclass(frozen=True)
class Between:
    """Pairs of image files of two splits, each with the names of its splits."""

    same: list[tuple[str, Path, str, Path]]  # the same picture
    near: list[tuple[str, Path, str, Path]]  # only nearly

    @property
    def lines(self) -> list[str]:
        """A line for each picture that two splits share."""
        return [
            f"{b}: shows the same picture as {a}, compressed again or resized, and one is in"
            f" {other}, the other in {split}: remove one of them"
            for other, a, split, b in self.same
        ]

    @property
    def note(self) -> str | None:
        """What is to be said of near-duplicates, where there are any."""
        if not self.near:
            return None
        other, a, split, b = self.near[0]
        count, more = len(self.near), len(self.near) > 1
        return (
            f"{count:,} near-duplicate{'s' * more} between splits, {'such as' if more else ''}"
            f" {a} in {other} and {b} in {split}: if they are frames of one film, move them"
            " together, or what is reported is too good"
        ).replace(",  ", ", ")


def between(splits: Mapping[str, Sequence[Path]]) -> Between:
    """What splits share that no name and no byte shows: of each image of a later split the one of
    an earlier split that is most like it. It is remembered as long as the files do not change.

    Args:
        splits: the image files of each, by its name in messages.

    Raises:
        ValueError: an image file is missing.
    """
    names = [name for name, own in splits.items() for _ in own]
    files = [file for own in splits.values() for file in own]
    of = np.repeat(np.arange(len(splits)), [len(own) for own in splits.values()])
    seen = _together([looks(list(own)) for own in splits.values()])
    entry = cache_dir() / "between" / digest([VERSION, of.tolist(), *map(file_state, files)])

    def build(to: Path) -> None:
        likely = _likely(seen, pairs(seen, of))
        unique = np.unique(likely).tolist()
        with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
            thumbs = dict(zip(unique, pool.map(_thumb, [files[at] for at in unique]), strict=True))
        alike: dict[int, tuple[bool, int]] = {}
        for a, b in likely.tolist():
            if b not in alike or not alike[b][0]:
                same = same_picture(thumbs[a], thumbs[b])
                alike[b] = (same, a) if same or b not in alike else alike[b]
        to.write_text(json.dumps([[same, a, b] for b, (same, a) in sorted(alike.items())]))

    found = Between([], [])
    for same, a, b in json.loads(build_once(entry, build).read_text()):
        (found.same if same else found.near).append((names[a], files[a], names[b], files[b]))
    return found


def _likely(seen: Looks, every: np.ndarray) -> np.ndarray:
    """int64 [n, 2]: of each second picture the first ones that are most like it, best first."""
    first, second = every.T
    alike = correlation(seen.small[first], seen.small[second])
    every = every[np.lexsort((-alike, second))]
    starts = np.flatnonzero(np.diff(every[:, 1], prepend=-1))
    lengths = np.diff([*starts.tolist(), len(every)])
    return every[np.arange(len(every)) - np.repeat(starts, lengths) < LOOKED_AT]


def same_picture(a: Thumb, b: Thumb) -> bool:
    """Whether two near-duplicates are one picture."""
    if a.size == b.size:
        most = min(DIFFERENT[0] * a.fine.std(), DIFFERENT[1])
        return bool(np.abs(a.fine - b.fine).max() <= most)
    contrast, apart = a.coarse.std(), np.abs(a.coarse - b.coarse)
    whole = np.sqrt((apart**2).mean()) <= RESIZED[0] * contrast
    return bool(whole and apart.max() <= RESIZED[1] * contrast)


@dataclass(frozen=True)
class Thumb:
    """A small grey picture."""

    size: tuple[int, int]  # width and height px of the file
    pixels: np.ndarray  # uint8 [64, 64]

    @property
    def fine(self) -> np.ndarray:
        """float64 [64, 64]."""
        return self.pixels.astype(np.float64)

    @property
    def coarse(self) -> np.ndarray:
        """float64 [32, 32]."""
        return self.fine.reshape(COARSE, 2, COARSE, 2).mean(axis=(1, 3))


def _thumb(file: Path) -> Thumb:
    image, size = grey(file)
    return Thumb(size, np.asarray(image.resize((FINE, FINE), Image.Resampling.BOX)))


def _together(parts: Sequence[Looks]) -> Looks:
    """Those of all splits. Which have the same bytes is known within each alone."""
    starts = np.cumsum([0, *(len(part.bits) for part in parts)])
    return Looks(
        bits=np.concatenate([part.bits for part in parts]),
        small=np.concatenate([part.small for part in parts]),
        known=np.concatenate([part.known for part in parts]),
        content=np.concatenate(
            [part.content + start for part, start in zip(parts, starts[:-1], strict=True)]
        ),
    )
