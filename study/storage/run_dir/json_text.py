"""JSON as the run directory's files hold it: one value, or one a line."""

from __future__ import annotations

import json
from typing import Any


def pretty(value: Any) -> bytes:
    """One value, for a file of its own."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def lines(content: bytes | None) -> list[dict[str, Any]]:
    """The whole lines of a file, without a torn last one; none if there is no file."""
    return [json.loads(line) for line in (content or b"").split(b"\n")[:-1]]
