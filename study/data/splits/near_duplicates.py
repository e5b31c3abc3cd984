"""Pictures that look the same: scaled, compressed again, or taken a moment later.

They belong into one split, for a detector that has trained on one of them knows the others. Each
picture has a hash of 63 bits: the signs of its lowest frequencies against their median. Of 200
photos and 334 microscope pictures those hashes differ in at most 2 bits within copies, and in at
least 10 between different pictures.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.index import Index
from study.data.pixels import FLOAT, WHOLE, WIDE, Scale, Unusable, opened, values
from study.data.splits.same_pictures import same_bytes

VERSION = 2  # of what is remembered of each picture
BITS_APART = 4  # at most, of near-duplicates
CORRELATED = 0.9  # at least, of the small pictures (different ones with the like hash: to 0.8)
CONTRAST = 2.0  # grey levels: the hash of a flatter picture is noise
MOST_JOINED = 8  # a chain of more than 1/8 of all pictures is cut: what joins so many says nothing
SIDE, LOW = 32, 8  # px that frequencies are taken of, and how many of them in each direction


@dataclass(frozen=True)
class Looks:
    """What I pictures look like."""

    bits: np.ndarray  # uint64 [I]
    small: np.ndarray  # uint8 [I, 16 · 16] grey
    known: np.ndarray  # bool [I]: whether the hash says anything
    content: np.ndarray  # int64 [I]: equal for files with the same bytes

    def near(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """bool: whether pictures `a` and `b`, places of the same shape, are near-duplicates."""
        close = _bits(self.bits[a] ^ self.bits[b]) <= BITS_APART
        close &= self.known[a] & self.known[b]
        close[close] = correlation(self.small[a[close]], self.small[b[close]]) >= CORRELATED
        return close | (self.content[a] == self.content[b])


def groups(index: Index) -> list[np.ndarray]:
    """Ids of near-duplicates: groups of at least two, int64 ascending, that share no image.

    Raises:
        ValueError: an image file is missing.
    """
    seen = looks(index.files())
    found = joined(len(seen.bits), pairs(seen))
    most = max(2, len(seen.bits) // MOST_JOINED)
    parts = [
        part
        for places in found
        for part in ([places] if len(places) <= most else around_first(seen, places))
    ]
    return [index.image_id[places] for places in parts if len(places) > 1]


def pairs(seen: Looks, of: np.ndarray | None = None) -> np.ndarray:
    """int64 [n, 2]: near-duplicates.

    Of hashes that differ in at most 4 bits one of 5 parts is equal: only those are compared.

    Args:
        of: int64 [I]: the split of each; only pairs of two splits are looked for.
    """
    order = np.argsort(seen.content, kind="stable")
    copies = np.stack([order[:-1], order[1:]], axis=1)
    equal = seen.content[copies[:, 0]] == seen.content[copies[:, 1]]
    found = [copies[equal & (_apart(of, copies[:, 0], copies[:, 1]))]]
    for part in range(BITS_APART + 1):
        key = (seen.bits >> np.uint64(13 * part)) & np.uint64(2**13 - 1)
        order = np.flatnonzero(seen.known)
        order = order[np.argsort(key[order], kind="stable")]
        for step in range(1, len(order)):
            a, b = order[:-step], order[step:]
            same = key[a] == key[b]
            if not same.any():
                break  # keys are in order: none further apart are equal
            same &= _apart(of, a, b)
            a, b = a[same], b[same]
            near = seen.near(a, b)
            found.append(np.stack([a[near], b[near]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _apart(of: np.ndarray | None, a: np.ndarray, b: np.ndarray) -> np.ndarray | bool:
    return True if of is None else of[a] != of[b]


def joined(count: int, pairs: np.ndarray) -> list[np.ndarray]:
    """The places 0 … count - 1 that pairs join, directly or by others: groups of at least two."""
    first = np.arange(count)  # the lowest place that each is joined with, in the end

    def root(at: int) -> int:
        while first[at] != at:
            first[at] = first[first[at]]
            at = int(first[at])
        return at

    for a, b in pairs.tolist():
        low, high = sorted((root(a), root(b)))
        first[high] = low
    roots = np.array([root(at) for at in np.unique(pairs).tolist()], np.int64)
    members = np.unique(pairs)
    return [members[roots == one] for one in np.unique(roots)]


def around_first(seen: Looks, places: np.ndarray) -> Iterator[np.ndarray]:
    """Groups in which all are near-duplicates of the first one, so that they make no chain."""
    while len(places):
        near = seen.near(np.full_like(places, places[0]), places)
        near[0] = True
        yield places[near]
        places = places[~near]


def looks(files: list[Path]) -> Looks:
    """What these pictures look like, remembered as long as their files do not change.

    Raises:
        ValueError: one is missing.
    """
    try:
        state = [[str(f), (stat := f.stat()).st_size, stat.st_mtime_ns] for f in files]
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be read: {error.strerror}") from error
    entry = cache_dir() / "looks" / f"{digest(state)}-v{VERSION}.npz"
    build_once(entry, lambda to: _write(files, to))
    with np.load(entry) as stored:
        return Looks(**{name: stored[name] for name in Looks.__dataclass_fields__})


def _write(files: list[Path], to: Path) -> None:
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        seen = list(pool.map(_look, files))
    content = np.arange(len(files))
    for places in same_bytes(files):
        content[places] = places[0]
    stored = io.BytesIO()
    np.savez(
        stored,
        bits=np.array([bits for bits, _, _ in seen], np.uint64),
        small=np.array([small for _, small, _ in seen], np.uint8).reshape(len(files), -1),
        known=np.array([known for _, _, known in seen], np.bool_),
        content=content,
    )
    to.write_bytes(stored.getvalue())


def _look(file: Path) -> tuple[int, np.ndarray, bool]:
    """The hash, a small grey picture, and whether the hash says anything."""
    try:
        found, _ = grey(file, 4 * SIDE)
    except Unusable:
        return 0, np.zeros(SIDE * SIDE // 4, np.uint8), False  # the checks say what is wrong
    pixels = np.asarray(found.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64)
    low = (COSINES @ pixels @ COSINES.T).ravel()[1:]  # without the mean
    bits = sum(1 << at for at in np.flatnonzero(low > np.median(low)).tolist())
    small = pixels.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    return bits, np.rint(small).astype(np.uint8).ravel(), bool(pixels.std() >= CONTRAST)


def grey(file: Path, px: int | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """A grey picture of 8 bits, and the file's width and height.

    With `px` a JPEG is decoded smaller, but no smaller than that, which is much faster. What has
    more than 8 bits is scaled by itself, which is enough to be recognised.

    Raises:
        Unusable: not an image, or cut off.
    """
    with opened(file) as image:
        size = image.size
        if px is not None:
            image.draft("L", (px, px))
        if image.mode not in WIDE:
            return image.convert("L"), size
        found = values(image)
        low, high = float(found.min()), float(found.max())
        kind = FLOAT if image.mode == "F" else WHOLE
        return Scale(kind, low, max(high, low + 1e-9)).eight_bits(image), size


COSINES = np.cos(np.pi * (2 * np.arange(SIDE) + 1) * np.arange(LOW)[:, None] / (2 * SIDE))
"""[8, 32]: the lowest frequencies of the discrete cosine transform."""


def _bits(values: np.ndarray) -> np.ndarray:
    """How many bits are 1, of uint64 [n]."""
    return np.unpackbits(values.view(np.uint8).reshape(len(values), 8), axis=1).sum(axis=1)


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of pictures uint8 [n, p], each with its counterpart."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a.astype(float), b.astype(float)))
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return (a * b).sum(axis=1) / np.maximum(scale, 1e-9)
