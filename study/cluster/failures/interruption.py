"""Ctrl-C and SIGTERM, heard also while the main thread hangs in a call into Ray."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any


class Interruption(threading.Event):
    """Set by Ctrl-C or SIGTERM, which raise KeyboardInterrupt in the main thread.

    SIGTERM, which batch systems and spot instances send, is as orderly as Ctrl-C. SIGINT too is
    set here, because a shell starts background jobs with it ignored.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        super().__init__()
        self._came, self._wakeup = socket.socketpair()  # a byte for each signal, as it arrives
        self._came.setblocking(False)
        self._wakeup.setblocking(False)

    def listen(self) -> None:
        """Also after Ray has started: it puts handlers of its own there, with dumps."""
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for number in self.NUMBERS:
            signal.signal(number, self._interrupt)

    def is_set(self) -> bool:
        """Also where the main thread has not heard of it yet: it may hang in a call into Ray."""
        with contextlib.suppress(OSError):  # nothing came, or it listens no more
            if set(self._came.recv(1024)).intersection(self.NUMBERS):
                self.set()
        return super().is_set()

    def close(self) -> None:
        """After the last signal that is listened to."""
        self._came.close()
        self._wakeup.close()

    def _interrupt(self, *_: Any) -> None:
        self.set()
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Listens inside; afterwards signals mean what they did before."""
    before = {number: signal.getsignal(number) for number in Interruption.NUMBERS}
    wakeup = signal.set_wakeup_fd(-1)
    interruption = Interruption()
    interruption.listen()
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        interruption.close()
