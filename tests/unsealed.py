"""A JSON file of a run directory, to be changed by a test and written as earlier versions did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def unsealed(path: Path) -> dict[str, Any]:
    """Its content without its checksum; of a file of lines the first one."""
    content = path.read_text()
    found = json.loads(content.splitlines()[0] if path.suffix == ".jsonl" else content)
    return {name: value for name, value in found.items() if name not in ("check", "format")}
