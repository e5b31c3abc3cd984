"""One picture in two splits is found whatever its encoding; what only looks like it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.data.splits.between import between
from tests.bad_input import data_sets as sets

SIDE = 160


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def put(path: Path, pixels: np.ndarray, kind: str = "PNG", **options: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sets.content(pixels, kind, **options))
    return path


def test_a_picture_that_is_compressed_again_is_refused_and_a_frame_of_a_film_told(tmp_path: Path):
    pictures = [sets.scene(seed, SIDE) for seed in range(12)]
    train = [put(tmp_path / "t" / f"{at}.png", one) for at, one in enumerate(pictures)]
    moved = pictures[5].copy()
    moved[60:70, 60:70] = 255 - moved[60:70, 60:70]
    half = np.asarray(Image.fromarray(pictures[2]).resize((80, 80), Image.Resampling.BICUBIC))
    val = [
        put(tmp_path / "v" / "again.jpg", pictures[0], "JPEG", quality=60),
        put(tmp_path / "v" / "half.png", half),
        put(tmp_path / "v" / "moved.png", moved),
        put(tmp_path / "v" / "other.png", sets.scene(50, SIDE)),
    ]
    found = between({"train": train, "val": val})
    assert [(a.name, b.name) for _, a, _, b in found.same] == [
        ("0.png", "again.jpg"),
        ("2.png", "half.png"),
    ]
    assert [(a.name, b.name) for _, a, _, b in found.near] == [("5.png", "moved.png")]
    assert found.lines[0].startswith(f"{val[0]}: shows the same picture as {train[0]}")
    assert "1 near-duplicate between splits" in (found.note or "")


def test_what_is_in_one_split_alone_is_none_of_its_business(tmp_path: Path):
    one = sets.scene(1, SIDE)
    train = [put(tmp_path / "t" / name, one) for name in ("a.png", "b.png")]
    val = [put(tmp_path / "v" / "c.png", sets.scene(2, SIDE))]
    found = between({"train": train, "val": val})
    assert not found.same and not found.near and found.note is None


def test_16_bits_are_recognised_too(tmp_path: Path):
    train, val = (
        put(tmp_path / split / "a.png", np.kron(sets.wide(1), np.ones((6, 6), np.uint16)))
        for split in "tv"
    )
    assert len(between({"train": [train], "val": [val]}).same) == 1
