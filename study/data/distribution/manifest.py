"""What a distributed folder holds: size, digest and time of change of each file, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from study.config.printable import printable, shown
from study.storage import Store

MANIFEST = "manifest.json"
LONGEST = 255  # bytes of a name
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
        found = {name: Entry(**row) for name, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = "it is no JSON with files, each with size, sha256 and mtime_ns"
        raise _unlike(where, why) from error
    for name, entry in found.items():
        numbers = type(entry.size) is int and type(entry.mtime_ns) is int
        if not numbers or not 0 <= entry.size < 2**63 or abs(entry.mtime_ns) >= 2**63:
            raise _unlike(where, f"{name!r}: size and mtime_ns must be whole numbers, from 0 on")
        if not isinstance(entry.sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
            raise _unlike(where, f"{name!r}: sha256 must be 64 hexadecimal digits")
    return found


def require_inside(names: Iterable[str], where: str) -> None:
    """Refuse names that are none of files in the folder that is copied to.

    Raises:
        ValueError: names the first.
    """
    given = list(names)
    folders = {str(folder) for name in given for folder in PurePosixPath(name).parents}
    for name in given:
        if not is_name(name) or name in folders:
            raise ValueError(
                f"{where}: {shown(name)!r}: lies outside of the data set, or is no name of a file;"
                " such a manifest is not trusted, upload the data set again"
            )


def is_name(name: str) -> bool:
    """Whether a file in the folder may be called so: what may be uploaded, and no other, is
    brought.

    No name is another one's for a file system, none leads out or is hidden, and all can be shown.
    """
    path = PurePosixPath(name)
    if not path.parts or str(path) != name or path.is_absolute() or "\\" in name:
        return False
    plain = printable(name) == name and not set("\n\t") & set(name)
    return plain and all(part[0] != "." and len(part.encode()) <= LONGEST for part in path.parts)


def _unlike(where: str, why: str) -> ValueError:
    return ValueError(
        f"{where}: not a manifest as an upload writes it: {why}; upload the data set again"
    )


def written(entries: Mapping[str, Entry]) -> bytes:
    """A manifest's bytes."""
    rows = {name: asdict(entry) for name, entry in sorted(entries.items())}
    return (json.dumps({"files": rows}, indent=1) + "\n").encode()
