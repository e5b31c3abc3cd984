"""Many files moved at once: how far it has come, and what each file is."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from study.data.distribution.manifest import Entry

THREADS = 16
CHUNK_BYTES = 8 * 2**20
SAY_S = 10.0  # between two lines of progress

Say = Callable[[str], None]


@dataclass
class Progress:
    """How far a transfer has come; several threads tell, one line is said now and then."""

    files: int
    bytes: int
    say: Say
    done_files: int = 0
    done_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)  # the transfer is given up
    _one: threading.Lock = field(default_factory=threading.Lock)
    _said: float = field(default_factory=time.monotonic)

    def add(self, size: int = 0, files: int = 0) -> None:
        with self._one:
            self.done_bytes += size
            self.done_files += files
            if time.monotonic() - self._said > SAY_S:
                self._said = time.monotonic()
                self.say(self.line())

    def line(self) -> str:
        amount = f"{self.done_bytes / 1e9:.1f} of {self.bytes / 1e9:.1f} GB"
        return f"{self.done_files:,} of {self.files:,} files, {amount}"


class GivenUp(Exception):
    """Another file of the same transfer could not be had."""


def in_parallel(act: Callable[[str], None], names: list[str], progress: Progress) -> None:
    """Do it for all, several at once; the first error ends it."""
    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(act, name) for name in names]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            progress.stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def entry_of(path: Path, progress: Progress) -> Entry:
    """What a file is, by reading all of it."""
    state, found = path.stat(), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            found.update(chunk)
            progress.add(len(chunk))
            if progress.stop.is_set():
                raise GivenUp
    return Entry(state.st_size, found.hexdigest(), state.st_mtime_ns)
