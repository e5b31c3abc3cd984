"""Found first on PYTHONPATH, it moves this process's clock by what a file says, while it runs.

`time.time` alone: what Python waits for goes by the monotonic clock, as after a real jump.
"""

import os
import time

_REAL = time.time
_OFFSET = os.environ.get("CHAOS_CLOCK", "")


def _moved() -> float:
    try:
        with open(_OFFSET) as file:  # noqa: PTH123  (imports nothing)
            return _REAL() + float(file.read() or 0)
    except (OSError, ValueError):
        return _REAL()


if _OFFSET:
    time.time = _moved
