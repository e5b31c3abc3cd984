"""JSON as the run directory's files hold it: one value, or one a line, each with a checksum.

The checksum is the last field, `check`: of the text without it. What an earlier version wrote has
none and is read as it is. A value that cannot be computed again from what else is there is written
twice, into `NAME` and `NAME.copy`, so that damage to one of them costs nothing.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from study.storage.store import Store

COPY = ".copy"
_CHECK = re.compile(rb',\s*"check": "([0-9a-f]{8})"(\s*\})\s*\Z')


class Damaged(ValueError):
    """A file holds something else than was written; names it, and says what to do."""


def pretty(value: Any) -> bytes:
    """One value, for a file of its own."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def sealed(value: dict[str, Any]) -> bytes:
    """The same with a checksum."""
    return _with_check(pretty(value).rstrip(), b",\n  ", b"\n}") + b"\n"


def line(value: dict[str, Any]) -> bytes:
    """One line, without its end, with a checksum."""
    return _with_check(json.dumps(value).encode(), b", ", b"}")


def parsed(text: bytes) -> dict[str, Any]:
    """The object that `sealed` or `line` wrote.

    Raises:
        ValueError: says what is wrong with the text, and not where it stands.
    """
    seal = _CHECK.search(text)
    if seal is not None:
        text = text[: seal.start()] + seal[2]
        if zlib.crc32(text.strip()) != int(seal[1], 16):
            raise ValueError("its checksum does not fit it")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({_reason(error, text)})") from error
    if not isinstance(found, dict):
        raise ValueError(f"a JSON {type(found).__name__}, not an object")
    return found


class Lines:
    """The lines of a file that grows; those that were read before are not parsed again."""

    def __init__(self) -> None:
        self._parsed = b""
        # by text: a line that is there twice says nothing more
        self._found: dict[bytes, dict[str, Any]] = {}

    def of(self, content: bytes | None, file: str, remedy: str) -> list[dict[str, Any]]:
        """The whole lines of what the file holds now, each once, without a torn last one; none if
        there is no file. The objects are those of the last call: they are not to be changed.

        Raises:
            Damaged: a line holds something else; `remedy` says what to do.
        """
        content = content or b""
        if not content.startswith(self._parsed):  # it was mended, or is another file
            self._parsed, self._found = b"", {}
        new = content[len(self._parsed) :]
        found = dict(self._found)
        for number, text in enumerate(_texts(new), 1 + self._parsed.count(b"\n")):
            try:
                found[text] = parsed(text)
            except ValueError as error:
                raise Damaged(f"{file}: line {number}: {error}; {remedy}") from error
        self._parsed, self._found = content[: content.rfind(b"\n") + 1], found
        return list(found.values())


def lines(content: bytes | None, file: str, remedy: str) -> list[dict[str, Any]]:
    """The lines of a file, as `Lines` reads them."""
    return Lines().of(content, file, remedy)


def whole(content: bytes | None) -> list[bytes | None]:
    """The lines of a file as they are; None: a damaged one."""
    found: list[bytes | None] = []
    for text in _texts(content):
        try:
            parsed(text)
        except ValueError:
            found.append(None)
        else:
            found.append(text)
    return found


def read(store: Store, name: str, remedy: str) -> dict[str, Any] | None:
    """The object in a file, or in its copy if that is damaged; None: there is no such file.

    Raises:
        Damaged: neither can be read.
    """
    content, copy = store.read(name), None
    if content is None:
        content = copy = store.read(name + COPY)
    if content is None:
        return None
    try:
        return parsed(content)
    except ValueError as error:
        try:
            return parsed(copy or store.read(name + COPY) or b"")
        except ValueError:
            raise Damaged(f"{store.at(name)}: {error}; {remedy}") from error


def write(store: Store, name: str, value: dict[str, Any]) -> None:
    """Write an object twice, each file whole or not at all."""
    content = sealed(value)
    store.write(name, content)
    store.write(name + COPY, content)


def free_name(store: Store, name: str) -> str:
    """What a damaged file is called once it is set aside: a name that is not taken."""
    found, number = f"{name}.damaged", 1
    while store.exists(found):
        number += 1
        found = f"{name}.damaged-{number}"
    return found


def _texts(content: bytes | None) -> list[bytes]:
    return (content or b"").split(b"\n")[:-1]


def _with_check(text: bytes, comma: bytes, end: bytes) -> bytes:
    if text == b"{}":
        return text
    body = text[: -len(end)]
    return body + comma + b'"check": "%08x"' % zlib.crc32(text) + end


def _reason(error: Exception, text: bytes) -> str:
    if not text.strip():
        return "empty"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " * (error.lineno > 1)
        return f"{error.msg}: {line}column {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
