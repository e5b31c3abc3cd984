"""A port for a program that binds it only seconds later.

A port that was free a moment ago may be gone by then: each connection of any process takes one
from the same range. Ray's raylet ends if one of its agents finds its port taken, and with it the
command.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held_port() -> Iterator[int]:
    """The number of a free port, which inside is given to nobody who did not ask for this number.

    It is bound here without listening. Who sets SO_REUSEADDR, as servers do, can still bind it and
    listen; connections and those who ask for any port get others.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("", 0))
        yield held.getsockname()[1]
