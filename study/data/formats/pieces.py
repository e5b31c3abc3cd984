"""The lists of a large JSON file, a piece at a time: the file is never in memory as a whole.

COCO's train annotations are 40 million numbers, which take gigabytes as Python objects. A piece is
of a size that the CPU's cache can hold, and gone when the next is asked for.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

try:
    from pydantic_core import from_json  # Ray brings it: three times as fast as json
except ImportError:
    from json import loads as from_json

CHARACTERS = 2**16  # of text that are read at once; 2**21 takes twice the time
ITEMS = 1000  # that are read one by one before objects are looked for again
_DECODE = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")
_AFTER = re.compile(r"[ \t\n\r]*([,:\]}])")
_BETWEEN = re.compile(r"\}[ \t\n\r]*(,)[ \t\n\r]*\{")


def pieces(path: Path, lists: Collection[str]) -> Iterator[tuple[str, list[Any]]]:
    """The items of these lists of the object in a JSON file, in the file's order, some at a time.

    Yields:
        a list's name and items; of an empty list its name and none.

    Raises:
        ValueError: the file is not JSON in UTF-8, or not an object with each of `lists` once.
            What came before has been yielded by then.
    """
    left = set(lists)
    with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        text = _Text(file)
        text.take("{")
        end = text.take("}") or ","
        while end == ",":
            name, _ = text.value(":")
            if not isinstance(name, str):
                raise ValueError("not JSON")
            if name not in lists:
                end = text.value(",}")[1]
                continue
            if name not in left or not text.take("["):
                raise ValueError(f"{name}: must be a list, and occur once")
            left.remove(name)
            for items in text.items():
                yield name, items
            end = text.take(",}")
        if end != "}" or left or not text.ended():
            raise ValueError(f"must be one object with the lists {', '.join(lists)}")


class _Text:
    """What a file has from a place on; as much of it is in memory as is needed."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text = ""
        self.at = 0

    def more(self) -> bool:
        """Read on; false at the file's end."""
        rest = self.text[self.at :]
        new = self.file.read(max(CHARACTERS, len(rest)))
        self.text, self.at = rest + new, 0
        return bool(new)

    def ended(self) -> bool:
        """Whether nothing but space is left, up to which it goes."""
        while True:
            if space := _SPACE.match(self.text, self.at):
                self.at = space.end()
            if self.at < len(self.text):
                return False
            if not self.more():
                return True

    def take(self, wanted: str) -> str:
        """Go past the next character if it is one of those wanted; otherwise empty."""
        if self.ended() or self.text[self.at] not in wanted:
            return ""
        self.at += 1
        return self.text[self.at - 1]

    def value(self, after: str) -> tuple[Any, str]:
        """The next value, and the character after it, one of those allowed."""
        while not self.ended():
            with contextlib.suppress(ValueError):  # not JSON, or it goes on in the file
                found, end = _DECODE(self.text, self.at)
                follows = _AFTER.match(self.text, end)
                if follows and follows[1] in after:
                    self.at = follows.end()
                    return found, follows[1]
            if not self.more():
                break
        raise ValueError("not JSON")

    def items(self) -> Iterator[list[Any]]:
        """The items of a list, after its bracket."""
        if self.take("]"):
            yield []
            return
        end = ","
        while end == ",":
            if len(self.text) - self.at < CHARACTERS // 2:
                self.more()
            if found := self.objects():
                yield found
                continue
            found = []
            while end == "," and len(found) < ITEMS:
                item, end = self.value(",]")
                found.append(item)
            yield found

    def objects(self) -> list[Any]:
        """As many of a list's items as can be read at once: most of what is in memory, or none.

        What is before a comma can only be items if it is JSON with brackets around it: a comma in
        a text or in an inner list leaves something open.
        """
        brace = self.text.rfind("{", self.at)
        while brace > self.at:
            head = self.text[max(brace - 99, self.at) : brace + 1]
            if between := list(_BETWEEN.finditer(head)):
                comma = brace + 1 - len(head) + between[-1].start(1)
                try:
                    found = from_json(f"[{self.text[self.at : comma]}]")
                except (ValueError, TypeError):  # the latter of half a surrogate pair
                    return []
                self.at = comma + 1
                return found
            brace = self.text.rfind("{", self.at, brace)
        return []
