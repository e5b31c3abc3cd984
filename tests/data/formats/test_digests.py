"""A file that has not changed is not read again, and one that has always is."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from PIL import Image

from study.data.formats import digests
from study.data.formats.beside import BesideImages, Labelled
from study.data.formats.coco import AnnotationFile, read_image_ids
from study.data.formats.digests import file_digest

MIB = 2**20


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read through, in order."""
    seen: list[str] = []
    whole = hashlib.file_digest

    def counted(file, algorithm):
        seen.append(Path(file.name).name)
        return whole(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return seen


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """A minute has passed since whatever was written."""
    now = time.time_ns
    monkeypatch.setattr(digests.time, "time_ns", lambda: now() + 60 * 10**9)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "train.json"
    with path.open("wb") as file:
        for at in range(32):
            file.write(bytes([at]) * MIB)
    return path


def direct(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.mark.usefixtures("later")
def test_a_large_file_is_read_once(large: Path, read: list[str]):
    source = AnnotationFile(large, large.parent)
    assert [source.digest() for _ in range(5)] == 5 * [direct(large)]
    assert read == ["train.json"]


@pytest.mark.usefixtures("later")
def test_a_file_is_known_by_any_path_to_it(
    large: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    link = large.with_name("link.json")
    link.symlink_to(large.name)
    monkeypatch.chdir(large.parent)
    assert len({file_digest(path) for path in (large, Path("train.json"), link)}) == 1
    assert read == ["train.json"]


def written_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5 * MIB)
        file.write(b"x")


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"x")
    other.replace(path)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def linked_elsewhere(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"x")
    path.unlink()
    path.symlink_to(other)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("times", ["new", "restored"])
@pytest.mark.parametrize("change", [written_in_place, replaced, longer, linked_elsewhere])
def test_every_change_is_seen(change, times: str, large: Path, read: list[str]):
    """At once, with the same size, and with the time of the last write set back."""
    before, state = file_digest(large), large.stat()
    change(large)
    if times == "restored":
        os.utime(large, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert large.stat().st_mtime_ns == state.st_mtime_ns
    assert file_digest(large) == direct(large) != before
    assert len(read) == 2
    assert file_digest(large) == direct(large)
    assert len(read) == 2


@pytest.mark.usefixtures("later")
def test_a_file_put_back_has_its_own_digest_again(large: Path):
    before, kept = file_digest(large), large.with_name("kept")
    large.rename(kept)
    large.write_bytes(kept.read_bytes()[::-1])
    assert file_digest(large) == direct(large) != before
    kept.replace(large)
    assert file_digest(large) == before


@pytest.mark.parametrize("stamp_s", [0, 3600, -3600])
def test_a_file_changed_just_now_is_not_remembered(stamp_s: int, large: Path, read: list[str]):
    """A write that follows might leave the same times, whatever the last write's time says."""
    now = time.time_ns()
    os.utime(large, ns=(now, now + stamp_s * 10**9))
    for count in (1, 2):
        assert file_digest(large) == direct(large)
        assert len(read) == count


def test_it_is_remembered_two_seconds_after_its_last_change(
    large: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    state = large.stat()
    changed = max(state.st_mtime_ns, state.st_ctime_ns)
    for after_s, count in ((0, 1), (1.99, 2), (2.0, 3), (2.01, 3), (9, 3)):
        monkeypatch.setattr(digests.time, "time_ns", lambda s=after_s: changed + int(s * 10**9))
        assert file_digest(large) == direct(large)
        assert len(read) == count


@pytest.mark.parametrize("ask", [file_digest, read_image_ids])
def test_a_missing_file_is_named(ask, tmp_path: Path):
    with pytest.raises(ValueError, match=r"absent\.json: (cannot be read: N|n)o such file"):
        ask(tmp_path / "absent.json")


@pytest.fixture
def beside(tmp_path: Path) -> BesideImages:
    """Three images with a text beside each."""
    labelled = []
    for name in "abc":
        image, labels = tmp_path / f"{name}.png", tmp_path / f"{name}.txt"
        Image.new("RGB", (4, 3)).save(image)
        labels.write_text(name)
        labelled.append(Labelled(image, labels))
    return BesideImages(tmp_path, tuple(labelled), lambda: ("x",), lambda *_: [], "1")


@pytest.mark.usefixtures("later")
def test_small_files_are_read_once_all_together(beside: BesideImages, read: list[str]):
    before = beside.digest()
    assert [beside.digest() for _ in range(3)] == 3 * [before]
    assert sorted(read) == ["a.txt", "b.txt", "c.txt"]
    entries = beside.path / "cache" / "digests"
    assert len(list(entries.glob("[!.]*"))) == 1  # and not one for each file


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("times", ["new", "restored"])
def test_a_change_of_one_small_file_is_seen(times: str, beside: BesideImages, read: list[str]):
    before, path = beside.digest(), beside.path / "b.txt"
    state = path.stat()
    path.write_text("B")
    if times == "restored":
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert beside.digest() != before
    path.write_text("b")
    assert beside.digest() == before
    assert len(read) == 9


def test_small_files_written_just_now_are_not_remembered(beside: BesideImages, read: list[str]):
    assert beside.digest() == beside.digest()
    assert len(read) == 6
