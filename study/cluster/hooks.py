"""What the parts that Tune calls have in common: how often they read, and that none is saved."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

SHARE = 0.05  # of the time that may be spent on looking
WORK_SHARE = 0.002  # of a processor that one of five kinds of look may take: Tune needs it too


class Unsaved:
    """Pickles to nothing, so that Tune saves none of it.

    Tune would save it for a restore that never happens here: the state is the run directory, and
    the command resumes from that.
    """

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return object, ()


class Pace:
    """How often the driver looks at the run directory: seldom, where a look costs much.

    At least `every_s` seconds from one look to the next, more if the last one took long. In a
    folder a look takes milliseconds. On an object store every file is a request, and a driver that
    did nothing but look would keep Tune from its trials.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next = 0.0

    def wait(self) -> None:
        """Begin with a pause."""
        self._next = time.monotonic() + self._every_s

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._next

    @contextlib.contextmanager
    def look(self) -> Iterator[None]:
        """Around a look."""
        began, worked = time.monotonic(), time.thread_time()
        yield
        took, work = time.monotonic() - began, time.thread_time() - worked
        self._next = began + max(self._every_s, took / SHARE, work / WORK_SHARE)

    def hurry(self) -> None:
        """Something has happened: the next look is due."""
        self._next = 0.0
