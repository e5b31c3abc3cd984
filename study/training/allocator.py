"""The C library's allocator, told to keep memory that a step has given back.

A step on a CPU frees what it computed and asks for as much again a moment later. glibc gives
blocks above 32 MB back to the system each time, and gets them anew page by page, all zeros.
"""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
LARGE = 2**31 - 1  # bytes, the largest that can be said


def keep_memory() -> None:
    """From here on, this process keeps freed memory for itself; without glibc nothing happens."""
    for name, value in ((M_MMAP_THRESHOLD, 2**30), (M_TRIM_THRESHOLD, LARGE)):
        _asked("mallopt", name, value)


def give_back() -> None:
    """Return what is free now, as a process would that keeps nothing."""
    _asked("malloc_trim", 0)


def _asked(function: str, *values: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library
        getattr(ctypes.CDLL(None), function)(*values)
