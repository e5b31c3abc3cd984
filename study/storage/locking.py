"""Locks on files, and what is said where a file system has none, as some of networks."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import IO, Any

from study.storage.store import StoreError

LACKING = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What the system says there."""


def locked(file: IO[Any] | int, path: Path, how: int = fcntl.LOCK_EX) -> None:
    """Lock an open file until it is closed, or its process ends, be it killed.

    Args:
        path: of the file, for messages.
        how: as `fcntl.flock` takes it; by default alone, after whoever holds it.

    Raises:
        BlockingIOError: `how` says not to wait, and another process holds it.
        StoreError: the file system has no locks.
    """
    try:
        fcntl.flock(file, how)
    except OSError as error:
        if error.errno not in LACKING:
            raise
        raise StoreError(
            f"{path}: cannot be locked: its file system has no locks ({error.strerror}): choose a"
            " folder on another one, or mount it with locks; STUDY_CACHE says where the cache is"
        ) from error
