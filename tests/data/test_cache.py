"""An entry of the cache is made once, and again where it is damaged."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from study.data import cache
from study.data.batches.packs import Packs, Wanted
from study.data.cache import build_once


def build(to: Path) -> None:
    to.mkdir()
    (to / "a").write_bytes(b"first" * 100)
    (to / "b").write_bytes(b"second")


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "_whole", set())


@pytest.mark.parametrize("damaged", [b"first" * 99, b"", b"First" + b"first" * 99, None])
def test_a_damaged_file_is_made_again_with_a_line_in_the_log(
    damaged: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    entry = build_once(tmp_path / "entry", build)
    file, before = entry / "a", (entry / "a").stat()
    file.unlink() if damaged is None else file.write_bytes(damaged)
    if damaged is not None:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a bad disk does
    cache._whole.clear()
    with caplog.at_level(logging.WARNING, "study"):
        assert build_once(entry, build) == entry
    assert file.read_bytes() == b"first" * 100
    assert caplog.messages == [f"{entry}: damaged, and made again"]


def test_of_a_large_entry_a_changed_time_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cache, "SMALL", 0)
    entry, builds = tmp_path / "entry", []

    def counted(to: Path) -> None:
        builds.append(to)
        build(to)

    build_once(entry, counted)
    for content, times in ((None, 1), (b"first" * 100, 1), (b"Xirst" * 100, 2)):
        if content is not None:
            (entry / "a").write_bytes(content)
        cache._whole.clear()
        build_once(entry, counted)
        assert len(builds) == times


def test_an_entry_of_an_earlier_version_is_taken_as_it_is(tmp_path: Path):
    build(tmp_path / "entry")
    build_once(tmp_path / "entry", lambda to: pytest.fail("it is there"))


def test_flipped_pixels_are_noticed_and_their_pack_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    made = np.arange(48, dtype=np.uint8)
    wanted = [Wanted("one", 24, lambda: made[:24]), Wanted("two", 24, lambda: made[24:])]

    def opened() -> Packs:
        packs = Packs(tmp_path, "x")
        packs.store(wanted)
        return packs

    def pixels(packs: Packs, key: str) -> np.ndarray:
        found = packs.pixels(key)
        assert found is not None
        return found[0][found[1] :][:24]

    opened()
    (pack,) = tmp_path.rglob("*.u8")
    content = bytearray(pack.read_bytes())
    content[30] ^= 4
    pack.write_bytes(content)
    packs = opened()
    assert packs.is_whole("one", pixels(packs, "one"))
    assert not packs.is_whole("two", pixels(packs, "two"))
    assert "damaged, and made again" in caplog.text
    again = opened()
    assert bytes(pixels(again, "two")) == bytes(made[24:])
    (contents,) = tmp_path.rglob("*.json")
    contents.write_text("{")
    assert bytes(pixels(opened(), "one")) == bytes(made[:24])
