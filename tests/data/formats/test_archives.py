"""Archives are unpacked once, whole, and into the cache alone."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from study.data.cache import cache_dir
from study.data.formats import recognised
from study.data.formats.archive import unpacked
from tests.data.formats.exports import (
    pictures,
    voc,
    zipped,
)


def test_an_archive_is_unpacked_once_and_nothing_is_written_beside_it(tmp_path: Path):
    file = (
        zipped(voc(tmp_path / "voc", pictures(6)), tmp_path / "there" / "x.zip") if False else None
    )
    (tmp_path / "there").mkdir()
    file = zipped(voc(tmp_path / "voc", pictures(6)), tmp_path / "there" / "x.zip", "a/b/")
    first = recognised(file).train
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["x.zip"]
    assert first.images.is_relative_to(cache_dir())
    times = {path: path.stat().st_mtime_ns for path in first.images.rglob("*")}
    assert {
        path: path.stat().st_mtime_ns for path in recognised(file).train.images.rglob("*")
    } == times


def unsaid(file: Path) -> None:
    """No name is said to be in UTF-8 any more."""
    raw = bytearray(file.read_bytes())
    for mark, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        begin = -1
        while (begin := raw.find(mark, begin + 1)) >= 0:
            raw[begin + at] &= ~8
    file.write_bytes(raw)


def test_names_in_utf_8_are_read_though_nothing_says_so(tmp_path: Path):
    file = tmp_path / "x.zip"
    names = {"d/Bär.txt", "d/猫.txt", "d/1:30.txt"}
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    unsaid(file)
    with zipfile.ZipFile(file) as archive:
        assert len(names & set(archive.namelist())) == 1
    assert {f"d/{path.name}" for path in unpacked(file).iterdir()} == names


def test_names_that_are_not_utf_8_stay_as_they_are(tmp_path: Path):
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("d/B_r.txt", "d/x.txt"):
            archive.writestr(name, b"x")
    file.write_bytes(file.read_bytes().replace(b"B_r", b"B\x84r"))  # ä of CP437
    assert {path.name for path in unpacked(file).iterdir()} == {"Bär.txt", "x.txt"}


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("images/a.jpg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (lambda a: a.writestr("../evil.txt", b"x"), "'../evil.txt': leads out of the archive"),
        (lambda a: a.writestr("/evil.txt", b"x"), "'/evil.txt': leads out of the archive"),
        (lambda a: a.writestr("a\\..\\..\\evil.txt", b"x"), "leads out of the archive"),
        (lambda a: a.writestr("C:\\evil.txt", b"x"), "leads out of the archive"),
        (_link, "is a link: not trusted"),
        (lambda a: a.writestr("bomb", bytes(2 * 10**8)), "would unpack from"),
    ],
)
def test_what_is_not_trusted_is_not_unpacked(
    fill: Callable[[zipfile.ZipFile], None], said: str, tmp_path: Path
):
    file = tmp_path / "in" / "x.zip"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    with pytest.raises(ValueError, match=r"x\.zip") as refused:
        recognised(file)
    assert said in str(refused.value)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == [file]


def test_a_damaged_archive_is_said(tmp_path: Path):
    file = tmp_path / "x.zip"
    file.write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(ValueError, match=r"x\.zip: cannot be read as a \.zip"):
        recognised(file)
