"""Lines of a file that grows: each is parsed once, and what is read is what the file holds."""

from __future__ import annotations

import pytest

from study.storage.run_dir import json_text
from study.storage.run_dir.json_text import Damaged, Lines, line, lines

WRITTEN = [line({"at": number}) + b"\n" for number in range(5)]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The texts that are parsed, in order."""
    found: list[bytes] = []
    own = json_text.parsed
    monkeypatch.setattr(json_text, "parsed", lambda text: found.append(text) or own(text))
    return found


def test_a_line_that_was_read_is_not_parsed_again(parsed: list[bytes]):
    reader = Lines()
    for number in range(1, 6):
        content = b"".join(WRITTEN[:number])
        assert [row["at"] for row in reader.of(content, "f", "r")] == list(range(number))
    assert parsed == [text.strip() for text in WRITTEN]


def test_a_torn_end_is_read_once_it_is_whole():
    reader, whole = Lines(), b"".join(WRITTEN[:3])
    for end in range(len(whole) + 1):
        assert reader.of(whole[:end], "f", "r") == lines(whole[:end], "f", "r")


@pytest.mark.parametrize(
    "then",
    [b"".join(WRITTEN[:1]), b"".join(reversed(WRITTEN[:3])), WRITTEN[4], b"", None],
    ids=["shorter", "other order", "another file", "empty", "gone"],
)
def test_a_file_that_has_changed_is_read_anew(then: bytes | None):
    reader = Lines()
    reader.of(b"".join(WRITTEN[:3]), "f", "r")
    assert reader.of(then, "f", "r") == lines(then, "f", "r")


def test_damage_is_named_by_its_line_in_the_file_and_nothing_of_it_stays():
    reader, whole = Lines(), b"".join(WRITTEN[:3])
    reader.of(whole, "f", "r")
    for _ in range(2):
        with pytest.raises(Damaged, match=r"^f: line 5: not JSON .*; r$"):
            reader.of(whole + WRITTEN[3] + b"{]\n", "f", "r")
    assert len(reader.of(whole + WRITTEN[3], "f", "r")) == 4
    changed = whole.replace(b'"at": 1', b'"at": 7')
    with pytest.raises(Damaged, match="f: line 2: its checksum"):
        reader.of(changed, "f", "r")
