"""Why a file of a folder could not be read or written, in a line that says what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from study.storage.store import StoreError

SAFE = "what was recorded is safe, and the same command goes on from there"
GONE = "the storage is gone: mount it again, or bring the folder back"
WHY = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room, or ask for more",
    errno.EFBIG: "the file would be larger than is allowed: raise the limit (ulimit -f)",
    errno.EROFS: "the storage is read-only: make it writable",
    errno.EACCES: "permission denied: give yourself the right to read and write there",
    errno.EPERM: "permission denied: give yourself the right to read and write there",
    errno.ENOENT: GONE,
    errno.ENOTDIR: GONE,
    errno.ESTALE: GONE,
    errno.ENOTCONN: GONE,
    errno.ENODEV: GONE,
    errno.EISDIR: "a folder has that name: give another one",
    errno.ENAMETOOLONG: "the name is too long: give a shorter one",
    errno.EIO: "the storage answers with an input/output error: check the disk or its network",
}


@contextlib.contextmanager
def told(path: Path, doing: str = "written", then: str = "") -> Iterator[None]:
    """Raises StoreError where the system refuses; names the path.

    Args:
        then: what is true in spite of that: `SAFE`, where work goes on from what is stored.
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        why = WHY.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"{path}: cannot be {doing}: {why}{'; ' * bool(then)}{then}") from error
