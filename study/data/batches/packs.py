"""Decoded pixels in the cache, image by image: packs of a few hundred, mapped by every process.

A pack is a file of pixels, and beside it a file that says which image begins where. It is there
once the second is, whole, and never changes; a file of pixels without it was left by a process
that was killed. One process of a node builds at a time, a pack, with a thread for each core. The
others wait, find what it has made, and go on with what is still missing.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from study.data.cache import limit_bytes
from study.storage.locking import locked

PACK_BYTES = 2**29  # at most, if it is more than one image: what a kill loses
MOST_THREADS = 16
PIXELS, CONTENTS = ".u8", ".json"

log = logging.getLogger("study")


@dataclass(frozen=True)
class Wanted:
    """An image that is to be in the cache."""

    key: str  # says all that its pixels depend on
    bytes: int
    make: Callable[[], np.ndarray]  # uint8, so many


class Packs:
    """The packs of one folder inside `root`, which holds those of all data sets."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.folder = root, root / name
        self._places: dict[str, tuple[str, int]] = {}  # of an image: its pack, first byte
        self._sums: dict[str, int] = {}  # of an image: the checksum of its pixels
        self._mapped: dict[str, np.ndarray] = {}
        self._seen: set[str] = set()

    def pixels(self, key: str) -> tuple[np.ndarray, int] | None:
        """The mapped pack, uint8, that has an image, and where it begins there; None: not there.

        Packs that came after the last `store` are not looked at.
        """
        if key not in self._places:
            return None
        name, first = self._places[key]
        if name not in self._mapped:
            self._mapped[name] = _mapped(self.folder / (name + PIXELS))
        return self._mapped[name], first

    def is_whole(self, key: str, pixels: np.ndarray) -> bool:
        """Whether these are the pixels that were stored; a pack with others is made again.

        Not by this process, which has it mapped, but by the next that looks for it.
        """
        if self._sums.get(key, found := zlib.crc32(pixels.data)) == found:
            return True
        contents = self.folder / (self._places[key][0] + CONTENTS)
        log.warning("%s: damaged, and made again", contents.with_suffix(PIXELS))
        contents.unlink(missing_ok=True)
        return False

    def store(self, wanted: Sequence[Wanted]) -> None:
        """Make what is not there, as far as STUDY_CACHE_GB allows.

        Raises:
            ValueError: the disk has no room for it. And whatever an image's `make` raises.
        """
        self._look()
        while self._missing(wanted):
            with _alone(self.root):
                self._look()  # at what others made in the meantime
                allowed = self._allowed(self._missing(wanted))
                if not allowed:
                    return
                self._require_room(allowed)
                self._build(_first_pack(allowed))
            self._look()

    def _missing(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        return [one for one in wanted if one.key not in self._places]

    def _look(self) -> None:
        """Read what the packs hold that have come since the last time."""
        for path in sorted(self.folder.glob(f"[!.]*{CONTENTS}")):
            if path.stem in self._seen:
                continue
            self._seen.add(path.stem)
            pixels = path.with_suffix(PIXELS)
            try:
                contents = json.loads(path.read_text())
                # a shorter file, after a crash of the machine, would end whoever reads beyond it
                if pixels.stat().st_size != contents["bytes"]:
                    raise ValueError("of another length")
                places = {key: (path.stem, int(first)) for key, first in contents["first"].items()}
                sums = contents.get("sums", {}).items()
            except FileNotFoundError:
                continue  # removed meanwhile
            except (ValueError, KeyError, TypeError, AttributeError):
                log.warning("%s: damaged, and made again", pixels)
                continue
            self._places = places | self._places
            self._sums |= {key: crc for key, crc in sums if self._places[key][0] == path.stem}

    def _allowed(self, missing: list[Wanted]) -> list[Wanted]:
        """The first of them, as many as stay below the limit."""
        limit = limit_bytes()
        if limit is None:
            return missing
        used = sum(path.stat().st_size for path in self.root.rglob(f"*{PIXELS}"))
        after = used + np.cumsum([one.bytes for one in missing])
        return missing[: int(np.searchsorted(after, limit, side="right"))]

    def _require_room(self, wanted: list[Wanted]) -> None:
        needed, free = sum(one.bytes for one in wanted), shutil.disk_usage(self.root).free
        if needed > free:
            raise self._full(wanted, free)

    def _full(self, wanted: list[Wanted], free: int) -> ValueError:
        needed = sum(one.bytes for one in wanted) / 1e9
        return ValueError(
            f"{self.root}: {free / 1e9:,.1f} GB are free, and {needed:,.1f} GB are needed for"
            f" {len(wanted):,} decoded images: set STUDY_CACHE to a folder with more room, or"
            " STUDY_CACHE_GB to how many GB decoded images may take (what does not fit is decoded"
            " at each use), or ask for a smaller shorter side"
        )

    def _build(self, wanted: list[Wanted]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_left_over()
        name = secrets.token_hex(8)
        ends = np.cumsum([one.bytes for one in wanted]).tolist()
        first = [0, *ends[:-1]]
        pixels = self.folder / (name + PIXELS)
        try:
            with pixels.open("wb") as file:
                # reserved, so that no write of a thread finds the disk full half-way
                os.posix_fallocate(file.fileno(), 0, ends[-1])
                sums = _write(file.fileno(), wanted, first)
                os.fsync(file.fileno())
            places = {one.key: at for one, at in zip(wanted, first, strict=True)}
            partial = self.folder / f".{name}.partial"
            said = {"bytes": ends[-1], "first": places, "sums": sums}
            partial.write_text(json.dumps(said))
            partial.rename(pixels.with_suffix(CONTENTS))
        except BaseException as error:
            pixels.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full(wanted, shutil.disk_usage(self.root).free) from error
            raise

    def _remove_left_over(self) -> None:
        """What killed builders began. Nobody else builds now, so that nobody needs it."""
        for path in self.folder.glob(".*.partial"):
            path.unlink()
        for path in self.folder.glob(f"*{PIXELS}"):
            if not path.with_suffix(CONTENTS).exists():
                path.unlink()


def _write(descriptor: int, wanted: list[Wanted], first: list[int]) -> dict[str, int]:
    """Make all; returns the checksum of each."""

    def make(one: Wanted, at: int) -> int:
        content = np.ascontiguousarray(one.make()).data
        assert len(content) == one.bytes
        checksum = zlib.crc32(content)
        while content:
            written = os.pwrite(descriptor, content, at)
            content, at = content[written:], at + written
        return checksum

    # decoding and resizing let other threads run; those who wait for us leave their cores idle
    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)), len(wanted))
    pool = ThreadPoolExecutor(threads)
    try:
        made = [pool.submit(make, *each) for each in zip(wanted, first, strict=True)]
        return {one.key: each.result() for one, each in zip(wanted, made, strict=True)}
    finally:
        pool.shutdown(cancel_futures=True)  # after an error nobody waits for the rest


def _first_pack(wanted: list[Wanted]) -> list[Wanted]:
    ends = np.cumsum([one.bytes for one in wanted])
    return wanted[: max(1, int(np.searchsorted(ends, PACK_BYTES, side="right")))]


def _mapped(path: Path) -> np.ndarray:
    """uint8, the file's bytes; unlike `np.memmap`, it takes no file descriptor."""
    return torch.from_file(
        str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8
    ).numpy()


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Among all processes of the node."""
    root.mkdir(parents=True, exist_ok=True)
    with (path := root / ".lock").open("a") as lock:
        locked(lock, path)
        yield
