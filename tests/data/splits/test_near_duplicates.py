"""Pictures that look the same are held out together or trained on together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.config import DataConfig
from study.data.splits import draws, open_splits
from study.data.splits.near_duplicates import Looks, around_first, joined, looks, pairs
from tests.data.coco_files import HEIGHT, WIDTH, content, write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def scene(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8), np.uint8)
    return Image.fromarray(coarse).resize((WIDTH * 4, HEIGHT * 4), Image.Resampling.BICUBIC)


def near(folder: Path, pictures: dict[str, Image.Image]) -> list[tuple[str, str]]:
    for name, picture in pictures.items():
        picture.save(folder / name)
    names = list(pictures)
    found = pairs(looks([folder / name for name in names]))
    return [(names[a], names[b]) for a, b in found.tolist()]


def test_a_copy_that_was_scaled_or_compressed_is_found_and_others_are_not(tmp_path: Path):
    others = {f"{seed}.png": scene(seed) for seed in range(1, 60)}
    small = scene(0).resize((100, 70))
    found = near(tmp_path, {"a.png": scene(0), "b.jpg": scene(0), "c.png": small} | others)
    assert found == [("a.png", "b.jpg"), ("a.png", "c.png"), ("b.jpg", "c.png")]


def test_flat_pictures_are_the_same_only_where_their_files_are(tmp_path: Path):
    """Empty fields under a microscope: their hashes are the camera's noise."""
    noise = np.random.default_rng(0)
    flat = {
        f"{at}.png": Image.fromarray(noise.integers(99, 102, (64, 64), np.uint8))
        for at in range(40)
    }
    flat |= {f"even{level}.png": Image.new("L", (64, 64), level) for level in (0, 50, 51)}
    assert near(tmp_path, flat | {"again.png": flat["even50.png"]}) == [
        ("even50.png", "again.png")
    ]


def test_a_chain_is_cut_to_what_is_near_its_first_picture():
    bits = np.array([0, 0b111, 0b111111, 0b111111111], np.uint64)
    small = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    seen = Looks(bits, small, np.ones(4, np.bool_), np.arange(4))
    assert pairs(seen).tolist() == [[0, 1], [1, 2], [2, 3]]
    (whole,) = joined(4, pairs(seen))
    assert whole.tolist() == [0, 1, 2, 3]
    assert [part.tolist() for part in around_first(seen, whole)] == [[0, 1], [2, 3]]


def test_a_group_is_held_out_whole_and_without_groups_the_draw_is_the_same():
    ids = np.arange(100, 140)
    held, _ = draws.hold_out(ids, 10)
    again, left = draws.hold_out(ids, 10, groups=[np.array([1, 2])])
    assert again.tolist() == held.tolist() and len(left) == 30
    groups = [ids[at : at + 4] for at in range(0, 40, 4)]
    held, left = draws.hold_out(ids, 10, groups=groups)
    assert len(held) == 8 and len(left) == 32  # whole groups
    assert all(np.isin(group, held).all() or np.isin(group, left).all() for group in groups)
    with pytest.raises(ValueError, match=r"data.tune_size = 3: .* near-duplicates"):
        draws.hold_out(ids, 3, groups=groups)


def test_each_group_is_in_one_split_and_the_others_are_drawn_as_before(tmp_path: Path):
    path, folder = write(tmp_path, "all", content(40, "all"), 0)
    data = DataConfig(name="mine", folder=str(path))
    for at in range(40):
        scene(at).resize((WIDTH, HEIGHT)).save(folder / f"all{at}.png")
    before = open_splits(data)
    assert before.note_together is None
    ids = before.train.image_id
    assert before.val_ids.tolist() == draws.hold_out(ids, None)[0].tolist()
    group = [int(before.val_ids[0]), int(before.tune_ids[0]), int(before.pool[0])]
    for id_ in group:
        scene(99).resize((WIDTH, HEIGHT)).save(folder / f"all{id_ - 10}.png")
    splits = open_splits(data)
    assert [ids.tolist() for ids in splits.together] == [sorted(group)]
    assert splits.note_together == "3 near-duplicate images, a group that is kept in one split"
    parts = [set(ids.tolist()) for ids in (splits.pool, splits.tune_ids, splits.val_ids)]
    assert sum(part >= set(group) for part in parts) == 1
    assert sum(map(len, parts)) == 40 and splits.twins == 0
