"""All of a folder is distributed, or it is said what not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from study.data.distribution import sync
from study.storage import opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Annotations and four images."""
    folder = tmp_path / "data"
    (folder / "train").mkdir(parents=True)
    (folder / "a.json").write_text("{}")
    for number in range(4):
        (folder / "train" / f"{number}.png").write_bytes(bytes([number]) * 1000)
    return folder


def names(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name[0] != "." and name != "manifest.json")


def test_files_behind_links_are_uploaded_too(folder: Path, tmp_path: Path):
    shutil.move(folder / "train", tmp_path / "large disk")
    for name in ("train", "val"):
        (folder / name).symlink_to(tmp_path / "large disk")
    (folder / ".hidden").symlink_to(folder)
    sync.upload(folder, opened(tmp_path / "store"), print)
    sync.sync(opened(tmp_path / "store"), tmp_path / "node", print)
    images = [f"{split}/{number}.png" for split in ("train", "val") for number in range(4)]
    assert names(tmp_path / "node") == ["a.json", *images]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda at: at.symlink_to("/nowhere/x"), "a link to /nowhere/x, which is not there"),
        (lambda at: at.symlink_to(at.parent), "a link to a folder in which it lies itself"),
        (os.mkfifo, "is a pipe, socket or device, and no file"),
    ],
)
def test_nothing_is_left_out_without_a_word(make, said: str, folder: Path, tmp_path: Path):
    make(folder / "train" / "odd")
    with pytest.raises(ValueError, match=f"data/train/odd: {said}"):
        sync.upload(folder, opened(tmp_path / "store"), print)
    assert not (tmp_path / "store").exists()
