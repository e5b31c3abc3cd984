"""What a distributed folder holds: size, digest and time of change of each file, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from study.storage import Store

MANIFEST = "manifest.json"
PARTIAL_MANIFEST = ".manifest.partial.json"  # of an upload that was cut off


@dataclass(frozen=True)
class Entry:
    """What a file is."""

    size: int  # bytes
    sha256: str
    mtime_ns: int  # the names of decoded images depend on it


def read_manifest(store: Store, name: str) -> dict[str, Entry]:
    """The files of a manifest by name; none where there is no manifest."""
    content = store.read(name)
    return {} if content is None else parsed(content, store.at(name))


def parsed(content: bytes, where: str) -> dict[str, Entry]:
    """Raises ValueError, naming `where`, for what `written` has not written."""
    try:
        rows: dict[str, Any] = json.loads(content)["files"]
        return {name: Entry(**row) for name, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: not a manifest as an upload writes it: {error}") from error


def written(entries: Mapping[str, Entry]) -> bytes:
    """A manifest's bytes."""
    rows = {name: asdict(entry) for name, entry in sorted(entries.items())}
    return (json.dumps({"files": rows}, indent=1) + "\n").encode()
