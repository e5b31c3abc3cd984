"""A command of root's that may do no more than any user: permissions hold for it too."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

VERSION = 0x20080522  # 3 of capset(2): two words for each set
OVERRIDE = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH of capabilities(7)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


@contextlib.contextmanager
def powerless(folder: Path, modes: Sequence[tuple[str, int]]) -> Iterator[None]:
    """Inside, paths in a folder have these modes, and whoever runs this is bound by them.

    Threads that are started inside are bound too; those that live already are not.
    """
    before = [(folder / name, (folder / name).stat().st_mode) for name, _ in modes]
    for (path, _), (_, mode) in zip(before, modes, strict=True):
        path.chmod(mode)
    try:
        with _without_override() if os.geteuid() == 0 else contextlib.nullcontext():
            yield
    finally:
        for path, mode in before:
            path.chmod(mode)


@contextlib.contextmanager
def _without_override() -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(VERSION, 0), (_Sets * 2)()

    def call(name: str) -> None:
        if getattr(libc, name)(ctypes.byref(header), sets):
            raise OSError(ctypes.get_errno(), name)

    call("capget")
    had = sets[0].effective
    sets[0].effective = had & ~OVERRIDE
    call("capset")
    try:
        yield
    finally:
        sets[0].effective = had
        call("capset")
