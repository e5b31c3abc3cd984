"""Decoded images are stored one by one, shared by all who want them, and never half there."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config import TINY
from study.data.batches import decoded, packs
from study.data.batches.decoded import Decoded, decode, read_rgb
from study.data.batches.loader import TrainingData
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from tests.data.coco_files import content, write
from tests.processes import started

MODEL = replace(TINY, short_px=80, long_px=200)
BYTES = 3 * 80 * 120  # of an image


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STUDY_CACHE_GB", raising=False)
    return tmp_path / "cache" / "decoded"


@pytest.fixture
def index(tmp_path: Path, cache: Path) -> Index:
    return opened(tmp_path)


def opened(folder: Path) -> Index:
    return Index.open(AnnotationFile(*write(folder, "train", content(12))))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are decoded, in order."""
    found: list[str] = []

    def reading(file: Path, *how: Any) -> np.ndarray:
        found.append(file.name)
        return read_rgb(file, *how)

    monkeypatch.setattr(decoded, "read_rgb", reading)
    return found


def stored(cache: Path) -> int:
    """Bytes of pixels."""
    return sum(path.stat().st_size for path in cache.rglob("*.u8"))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def right(images: Decoded) -> bool:
    """Whether each is its file's, at its size."""
    for at in range(len(images)):
        height, width = images.size(at)
        if not np.array_equal(images[at], read_rgb(images.file(at), (width, height))):
            return False
    return True


def test_draws_share_images_and_orders_make_no_difference(
    index: Index, cache: Path, made: list[str]
):
    first, second = index.image_id[[7, 1, 4, 2]], index.image_id[[2, 9, 7]]
    assert right(decode(index, first, MODEL)) and stored(cache) == 4 * BYTES
    del made[:]
    both = decode(index, second, MODEL)
    assert made == ["a9.png"] and stored(cache) == 5 * BYTES
    assert right(both)
    del made[:]
    assert right(decode(index, index.image_id[[1, 2, 4, 7, 9]], MODEL))
    assert not made


def test_sizes_and_layouts_are_apart(index: Index, cache: Path):
    ids = index.image_id[:3]
    same = replace(MODEL, short_px=40)  # as the files are
    for model in (MODEL, same, None, replace(MODEL, short_px=50)):
        assert right(decode(index, ids, model))
    assert stored(cache) == 3 * (BYTES + 2 * BYTES // 4 + 3 * 50 * 75)


def test_nothing_stored_is_the_same_pixels(index: Index, cache: Path):
    for model in (MODEL, None):
        assert right(Decoded(index, index.image_id[:3], model))
    assert not stored(cache)


def test_an_image_that_has_changed_is_decoded_anew(index: Index, tmp_path: Path):
    ids = index.image_id[:3]
    before = decode(index, ids, MODEL)
    pixels = before[1].copy()
    Image.new("RGB", (60, 40), "red").save(tmp_path / "train" / "a1.png")
    after = decode(index, ids, MODEL)
    assert (after[1] == (255, 0, 0)).all() and right(after)
    assert np.array_equal(before[1], pixels)  # under nobody's feet


def test_images_are_mapped_and_no_file_stays_open(index: Index):
    before = open_files()
    images = decode(index, index.image_id[:4], MODEL)
    assert open_files() == before
    flat = images[0].transpose(2, 0, 1)
    assert flat.flags.c_contiguous and flat.base is not None  # as the network takes it, uncopied
    whole = decode(index, index.image_id[:4], None)
    assert whole[0].flags.c_contiguous


def test_images_that_do_not_fit_the_disk_are_refused(
    index: Index, monkeypatch: pytest.MonkeyPatch, cache: Path, made: list[str]
):
    """A mapped file that outgrows its disk would end the process without a word."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1000))
    with pytest.raises(ValueError, match=r"0\.0 GB are needed for 2 decoded images: set STUDY"):
        decode(index, index.image_id[:2], MODEL)
    assert not made and not stored(cache)


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite"])
def test_a_disk_that_fills_up_meanwhile_is_said_and_leaves_nothing(
    index: Index, monkeypatch: pytest.MonkeyPatch, cache: Path, call: str
):
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(ValueError, match=r"decoded: .* GB are free.* STUDY_CACHE_GB"):
        decode(index, index.image_id[:2], MODEL)
    assert not list(cache.rglob("*.*"))[1:]  # but the lock
    monkeypatch.undo()


def test_beyond_the_limit_images_are_decoded_at_each_use(
    index: Index, monkeypatch: pytest.MonkeyPatch, cache: Path, made: list[str]
):
    monkeypatch.setenv("STUDY_CACHE_GB", str(4.5 * BYTES / 1e9))
    ids = index.image_id[[5, 0, 3, 1, 2, 4]]
    images = decode(index, ids, MODEL)
    assert stored(cache) == 4 * BYTES and len(made) == 4
    del made[:]
    assert right(images)
    assert sorted(made) == ["a4.png", "a5.png"]  # the first in the index are stored
    data = TrainingData(index, ids, MODEL)
    data.store()
    whole = TrainingData(index, ids, MODEL)
    monkeypatch.setenv("STUDY_CACHE_GB", "1")
    whole.store()
    assert stored(cache) == 6 * BYTES
    for a, b in zip(*(d.batch(1, 0, 6, range(6)).images for d in (data, whole)), strict=True):
        assert np.array_equal(a, b)
    monkeypatch.setenv("STUDY_CACHE_GB", "0")
    assert right(decode(index, index.image_id, MODEL)) and stored(cache) == 6 * BYTES


@pytest.mark.parametrize("given", ["much", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(
    index: Index, monkeypatch: pytest.MonkeyPatch, given: str
):
    monkeypatch.setenv("STUDY_CACHE_GB", given)
    with pytest.raises(ValueError, match=f"STUDY_CACHE_GB = '{given}': a number of GB, 0 or more"):
        decode(index, index.image_id[:2], MODEL)


def test_an_image_that_cannot_be_read_is_named_and_nothing_is_left(
    index: Index, tmp_path: Path, cache: Path
):
    (tmp_path / "train" / "a2.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a2\.png: cannot be read as an image"):
        decode(index, index.image_id[:4], MODEL)
    assert not stored(cache)
    (tmp_path / "train" / "a3.png").unlink()
    with pytest.raises(ValueError, match=r"a3\.png: cannot be read: No such file"):
        decode(index, index.image_id[:4], MODEL)


def test_a_pack_that_a_crash_cut_off_is_made_anew(index: Index, cache: Path):
    ids = index.image_id[:3]
    decode(index, ids, MODEL)
    (pack,) = cache.rglob("*.u8")
    os.truncate(pack, BYTES)
    assert right(decode(index, ids, MODEL))


def build(folder: str, cache: str, log: str, seconds: float) -> None:
    """A process that stores all images, in packs of two, and says what it decodes."""
    os.environ["STUDY_CACHE"] = cache
    packs.PACK_BYTES = 2 * BYTES
    original = decoded.read_rgb

    def reading(file: Path, *how: Any) -> np.ndarray:
        with Path(log).open("a") as lines:
            lines.write(f"{file.name}\n")
        time.sleep(seconds)
        return original(file, *how)

    decoded.read_rgb = reading
    index = Index.open(AnnotationFile(Path(folder, "train.json"), Path(folder, "train")))
    assert right(decode(index, index.image_id, MODEL))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_several_processes_make_each_image_once(index: Index, tmp_path: Path, cache: Path):
    log = tmp_path / "log"
    processes = [
        started(build, str(tmp_path), str(cache.parent), str(log), 0.01) for _ in range(3)
    ]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(log.read_text().split()) == sorted([f"a{i}.png" for i in range(12)])
    assert len(list(cache.rglob("*.json"))) == 6 and stored(cache) == 12 * BYTES


def test_a_builder_that_is_killed_loses_one_pack(
    index: Index, tmp_path: Path, cache: Path, made: list[str]
):
    process = started(build, str(tmp_path), str(cache.parent), str(tmp_path / "log"), 0.1)
    wait_for(lambda: len(list(cache.rglob("*.json"))) >= 2 and stored(cache) % (4 * BYTES) > 0)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    whole = 2 * len(list(cache.rglob("*.json")))
    images = decode(index, index.image_id, MODEL)
    assert len(made) == 12 - whole
    assert stored(cache) == 12 * BYTES  # what was begun is gone
    assert right(images)
