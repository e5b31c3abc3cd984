"""Files that are written whole, and places that are looked at before."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from study.storage import StoreError
from study.storage.failures import SAFE
from study.storage.folder import FolderStore
from study.storage.writing import require_file, require_writable, write_atomically


@pytest.mark.parametrize("length", [1, 128, 129, 255])
def test_whatever_name_a_file_may_have_it_is_written_under_it(length: int, tmp_path: Path):
    for name in ("a" * length, "\udcff" * length):  # the second is no text
        write_atomically(tmp_path / name, b"content")
        FolderStore(tmp_path).send(tmp_path / name, f"sent/{name}")
        assert (tmp_path / "sent" / name).read_bytes() == b"content"
    assert len([*tmp_path.iterdir()]) == 3


def test_only_a_run_directory_says_that_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    for write, safe in (
        (lambda: write_atomically(tmp_path / "x", b"content"), False),
        (lambda: FolderStore(tmp_path).write("x", b"content"), True),
        (lambda: FolderStore(tmp_path).append("x", b"content"), True),
    ):
        with pytest.raises(StoreError, match="the disk is full: make room") as error:
            write()
        assert (SAFE in str(error.value)) is safe


def test_looking_at_a_place_leaves_nothing(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    require_writable(tmp_path / "a" / "b")
    require_file("out", tmp_path / "a" / "x")
    require_file("out", tmp_path / "file")
    require_file("out", tmp_path / "gone")  # is replaced
    for place in ("file", "file/b", "gone", "gone/b"):
        with pytest.raises(ValueError, match=f"folder .*{place}: cannot be made: .* is no folder"):
            require_writable(tmp_path / place)
    for name in ("/dev/null", str(tmp_path)):
        with pytest.raises(ValueError, match=f"out = {name}: is a .*give another"):
            require_file("out", Path(name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "gone"]
