"""All of a folder is distributed, or it is said what not; what was cut off does no harm."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.commands.common import FAILURE
from study.data.distribution import sync
from study.prepare import main
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


@pytest.fixture
def uploaded(folder: Path, tmp_path: Path) -> Path:
    sync.upload(folder, opened(tmp_path / "store"), print)
    return tmp_path / "store"


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file may have more than 1,500 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


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


def test_what_is_in_the_folder_besides_is_told(folder: Path, uploaded: Path, tmp_path: Path):
    node, said = tmp_path / "node", list[str]()
    sync.sync(opened(uploaded), node, said.append)
    assert len(said) == 1
    for number in (2, 3):
        (folder / "train" / f"{number}.png").unlink()
    sync.upload(folder, opened(uploaded), print)
    sync.sync(opened(uploaded), node, said.append)  # with labels beside, they would be trained on
    assert said[-1].startswith(
        f"look at     {node}: 2 files in it are none of {uploaded}, the first is 'train/2.png': "
    )


@pytest.mark.parametrize("kept", [0, 40])
def test_a_note_that_was_cut_off_only_costs_a_look(kept: int, uploaded: Path, tmp_path: Path):
    node, said = tmp_path / "node", list[str]()
    sync.sync(opened(uploaded), node, said.append)
    os.truncate(node / ".sync.json", kept)
    sync.sync(opened(uploaded), node, said.append)
    assert "5 of 5 files" in said[-1] and "0 checked before" in said[-1]
    sync.sync(opened(uploaded), node, said.append)
    assert "5 checked before" in said[-1]


def test_where_a_file_cannot_be_written_that_is_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], request
):
    (folder / "large.bin").write_bytes(bytes(4000))
    store, node = str(tmp_path / "store"), tmp_path / "node"
    assert main(["upload", str(folder), store]) == 0
    capsys.readouterr()
    request.getfixturevalue("little_room")
    assert main(["sync", store, str(node)]) == FAILURE
    said = capsys.readouterr().err
    assert said.startswith(f"error: {node}/.large.bin.partial: cannot be written: the file would")
    assert said.endswith("the same command goes on from there\n") and said.count("\n") == 1
