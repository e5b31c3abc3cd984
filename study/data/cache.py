"""The cache folder: generated images, indexes, decoded pixels. All of it can be made again.

Many processes of a study want the same entry at the same moment (trials on one node start
together), so an entry is built by one of them, under a name nobody reads, and appears whole.
"""

from __future__ import annotations

import fcntl
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_dir() -> Path:
    """$STUDY_CACHE, or ~/.cache/rethink-pretraining."""
    given = os.environ.get("STUDY_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "rethink-pretraining"


def limit_bytes() -> int | None:
    """$STUDY_CACHE_GB in bytes: what decoded images may take; None: as much as the disk has.

    Raises:
        ValueError: it is no number, or below 0.
    """
    given = os.environ.get("STUDY_CACHE_GB")
    if not given:
        return None
    try:
        limit = float(given)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ValueError(f"STUDY_CACHE_GB = {given!r}: a number of GB, 0 or more; unset: no limit")
    return int(limit * 1e9)


def build_once(entry: Path, build: Callable[[Path], None]) -> Path:
    """The file or folder `entry`, made by `build(temporary path)` if it is not there yet.

    One process builds, the others wait for it. An entry's name must say all that its content
    depends on (a digest), for it is never made again.
    """
    if entry.exists():
        return entry
    entry.parent.mkdir(parents=True, exist_ok=True)
    with entry.with_name(f".{entry.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the system even if we are killed
        if entry.exists():
            return entry
        temporary = entry.with_name(f".{entry.name}.partial")
        _remove(temporary)  # of a builder that was killed
        try:
            build(temporary)
            temporary.rename(entry)
        except BaseException:
            _remove(temporary)
            raise
    return entry


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
