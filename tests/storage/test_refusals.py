"""A folder whose disk is full, read-only or gone: one sentence, and nothing recorded is lost."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from study import prepare
from study.commands.common import BAD_INPUT
from study.storage import StoreError
from study.storage.run_dir import State, StudyDir, TrialDir
from study.storage.writing import write_atomically


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_loses_nothing_and_the_first_write_with_room_works(small: Path):
    trial = TrialDir(small / "t")
    trial.append({"a": 1})
    trial.save("trunk", b"first")
    filling = small / "filling"
    with pytest.raises(OSError, match="No space"):
        filling.write_bytes(bytes(4 * 2**20))
    with trial.lock():
        for write in (
            lambda: trial.append({"a": "x" * 10_000}),
            lambda: trial.save("trunk", bytes(100_000)),
            lambda: trial.write_weights("tail-8", bytes(100_000)),
            lambda: trial.write_config({"a": "x" * 10_000}),
        ):
            with pytest.raises(StoreError, match="the disk is full: make room; what was recorded"):
                write()
    assert trial.records() == [{"a": 1}] and trial.load("trunk") == b"first"
    assert not list(trial.path.glob(".*[0-9]"))  # of what was begun nothing stays
    filling.unlink()
    trial.append({"a": 2})
    trial.save("trunk", b"second")
    assert trial.records() == [{"a": 1}, {"a": 2}] and trial.load("trunk") == b"second"


def test_a_read_only_disk_is_named(small: Path):
    trial = TrialDir(small / "t")
    trial.append({"a": 1})
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(StoreError, match=rf"{small}/t/records.jsonl: .* is read-only"):
        trial.append({"a": 2})
    with pytest.raises(StoreError, match="is read-only"), trial.lock():
        pass
    assert trial.records() == [{"a": 1}]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "input/output error"),
        (errno.ESTALE, "the storage is gone"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(
    number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trial = TrialDir(tmp_path)
    trial.append({"a": 1})
    wrote = os.write

    def half(file: int, content: bytes) -> int:
        wrote(file, content[: len(content) // 2])
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(StoreError, match=f"records.jsonl: cannot be written: .*{said}"):
            trial.append({"a": 2})
        with pytest.raises(StoreError, match=f"x: cannot be written: .*{said}"):
            write_atomically(tmp_path / "x", b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.jsonl"]
    assert trial.records() == [{"a": 1}]


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    store, node, cache = (tmp_path / name for name in ("store", "node", "cache"))
    store.mkdir()
    monkeypatch.setenv("STUDY_CACHE", str(cache))
    digest = hashlib.sha256(b"").hexdigest()
    row = {"size": 0, "sha256": digest, "mtime_ns": 0}
    (store / "manifest.json").write_text(json.dumps({"files": {"a": row}}))

    def none(*_: object) -> None:  # as NFS without its lock service
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    for words in (["shapes"], ["sync", str(store), str(node)]):
        assert prepare.main(words) == BAD_INPUT
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and ".lock: cannot be locked: its file system has no" in said
    with pytest.raises(StoreError, match=r"run/\.lock: cannot be locked: its file system"):
        StudyDir(tmp_path / "run").lock().__enter__()


def test_where_the_folder_is_gone_none_is_made_in_its_place(tmp_path: Path):
    study = StudyDir(tmp_path / "run")
    study.open({"question": {"sizes": [24]}})
    with study.lock():
        trial = study.trial("t")
        with trial.lock():
            trial.mark(State.RUNNING)
            shutil.move(study.path, tmp_path / "moved")
            for write in (
                lambda: trial.mark(State.FINISHED),
                lambda: trial.save("trunk", b"content"),
                lambda: trial.append({"a": 1}),
                lambda: study.write_standing({"seconds": 1}),
            ):
                with pytest.raises(StoreError, match="was removed, moved or unmounted while"):
                    write()
            assert not study.path.exists()
            shutil.move(tmp_path / "moved", study.path)
            trial.mark(State.FINISHED)
    assert trial.state is State.FINISHED


def test_a_manifest_is_read_of_its_copy_and_a_newer_one_refused(tmp_path: Path):
    study = StudyDir(tmp_path)
    study.open({"question": {"sizes": [24]}})
    for damaged in (b"", b"[]", b"\xff", None):
        file = tmp_path / "study.json"
        file.unlink() if damaged is None else file.write_bytes(damaged)
        assert StudyDir(tmp_path).manifest == {"question": {"sizes": [24]}}
    study.rewrite({"question": {}})
    newer = (tmp_path / "study.json").read_bytes().split(b',\n  "check"')[0] + b"\n}"
    (tmp_path / "study.json").write_bytes(newer.replace(b'"format": 2', b'"format": 3'))
    with pytest.raises(ValueError, match="format = 3: was written by a newer version"):
        _ = study.manifest
