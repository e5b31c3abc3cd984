"""JSON files, or where and why they are none: the line of the file, and what is wrong there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from study.config.printable import brief
from study.data.given import MOST_BYTES_BESIDE, contents


class _Doubled(ValueError):
    """A name that an object has twice: which of the two is meant nobody knows."""


def read(path: Path, most: int = MOST_BYTES_BESIDE) -> Any:
    """What a JSON file says, in UTF-8, UTF-16 or UTF-32, with a byte order mark or without.

    Args:
        most: bytes that it may have.

    Raises:
        ValueError: it is not there, too large, not JSON, or has an object with one name twice.
    """
    raw = contents(path, most)
    if not raw.strip():
        raise ValueError(f"{path}: is empty: must be JSON")
    try:
        text = raw.decode(json.detect_encoding(raw), "surrogatepass").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}: line {line}: not JSON: byte {error.start:,} is not {error.encoding.upper()}"
        ) from error
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        cut = text.lstrip()[:1] in "{[" and text.rstrip()[-1] not in "}]"
        end = ": the file ends in the middle" if cut else ""
        raise ValueError(
            f"{path}: line {error.lineno}: not JSON: {error.msg} (column {error.colno}){end}"
        ) from error
    except _Doubled as error:
        raise ValueError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: not read: its lists and objects are nested too deep") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise ValueError(f"{path}: not read: it has a number of over 4,000 digits") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        known = [key for key in ("id", "file_name", "label") if key in found]
        at = f" with {known[0]} = {brief(found[known[0]])}" if known else ""
        raise _Doubled(f"{brief(twice)} occurs twice in the object{at}: must occur once")
    return found
