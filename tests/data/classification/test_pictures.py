"""Pictures without labels: what is taken for them, what is refused, and what two crops show."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.data.classification.pictures import Pictures, has_classes
from study.data.source import BadData
from tests.data.classification.test_folders import coco, plain, write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def nested(root: Path) -> Path:
    """25 images at three depths, and files that are none."""
    write(root, 9)
    write(root / "spring" / "monday", 9)
    write(root / "autumn", 7)
    write(root / ".thumbnails", 3)
    (root / "autumn" / "notes.txt").write_text("no image")
    return root


def test_images_are_found_at_any_depth_and_a_tenth_is_held_out(tmp_path: Path):
    first, again = (Pictures.open(nested(tmp_path / "images")) for _ in range(2))
    assert (len(first), len(first.train), len(first.held_out)) == (25, 23, 2)
    assert len({*first.train, *first.held_out}) == 25
    assert first == again
    write(tmp_path / "images" / "autumn", 8)
    assert Pictures.open(tmp_path / "images").digest != first.digest


def test_images_behind_links_to_folders_are_learned_from_too(tmp_path: Path):
    write(tmp_path / "disk", 20)
    write(tmp_path / "images", 5)
    (tmp_path / "images" / "more").symlink_to(tmp_path / "disk")
    assert len(Pictures.open(tmp_path / "images")) == 25


def test_no_more_is_held_out_than_tells_how_it_goes(tmp_path: Path):
    write(tmp_path / "images", 1300, px=(2, 2))
    assert len(Pictures.open(tmp_path / "images").held_out) == 128


def test_folders_are_classes_where_two_have_images_and_none_lie_beside_them(tmp_path: Path):
    assert has_classes(plain(tmp_path / "classes"))
    plain(tmp_path / "parts" / "train")
    assert has_classes(tmp_path / "parts")
    write(tmp_path / "one" / "images")
    (tmp_path / "one" / "annotations").mkdir()
    assert not has_classes(tmp_path / "one")
    assert not has_classes(nested(tmp_path / "nested"))
    write(tmp_path / "deep" / "a" / "b")
    write(tmp_path / "deep" / "c" / "d")
    assert not has_classes(tmp_path / "deep")


def test_too_few_missing_or_detection_data_are_refused(tmp_path: Path):
    write(tmp_path / "few", 19)
    with pytest.raises(ValueError, match=r"few: must have at least 20 .*, and has 19, sub-"):
        Pictures.open(tmp_path / "few")
    for look in (Pictures.open, has_classes):
        with pytest.raises(ValueError, match=r"images .*nowhere: no such folder"):
            look(tmp_path / "nowhere")
    coco(tmp_path / "coco")
    with pytest.raises(ValueError, match="without labels, give the folder of its training images"):
        has_classes(tmp_path / "coco")


def test_unreadable_images_are_named(tmp_path: Path):
    root = nested(tmp_path / "images")
    (root / "autumn" / "3.png").write_bytes(b"not an image")
    with pytest.raises(BadData, match=r"autumn/3\.png: cannot be read as an image"):
        Pictures.open(root)


def photos(root: Path) -> list[Path]:
    """30 noisy images of several sizes and modes."""
    root.mkdir(parents=True)
    for i in range(30):
        pixels = np.random.default_rng(i).integers(0, 256, (40 + i, 50, 3), np.uint8)
        image = Image.fromarray(pixels).convert("L" if i % 5 == 0 else "RGB")
        image.save(root / f"{i:02d}.{'jpg' if i % 2 else 'png'}")
    return sorted(root.iterdir())


@pytest.mark.slow
def test_views_are_a_function_of_the_seed_and_the_place_whoever_makes_them(tmp_path: Path):
    pytest.importorskip("lightly", reason="lightly is not installed: pip install '.[pretext]'")
    from study.data.classification import views

    files = photos(tmp_path / "images")
    shown = views.Views(files, 32, 3)
    whole = list(views.batches(shown, 7, range(6), workers=0))  # 42 of 30 images
    assert whole[0].shape == (2, 7, 32, 32, 3) and whole[0].dtype == np.uint8
    for workers in (0, 1, 2):
        rest = list(views.batches(shown, 7, range(2, 6), workers=workers))
        assert all(np.array_equal(*pair) for pair in zip(whole[2:], rest, strict=True)), workers
    assert not np.array_equal(whole[0][0], whole[0][1])  # two crops, not one twice
    other = next(iter(views.batches(views.Views(files, 32, 4), 7, range(1), workers=0)))
    assert not np.array_equal(whole[0], other)


def test_making_views_leaves_the_global_generators_alone(tmp_path: Path):
    pytest.importorskip("lightly", reason="lightly is not installed: pip install '.[pretext]'")
    from study.data.classification import views

    def drawn() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002

    files = photos(tmp_path / "images")
    made = []
    for make in (False, True):
        with views.seeded(5):
            if make:
                made += views.batches(views.Views(files, 32, 3), 7, range(2), workers=0)
            made.append(drawn())
    assert made[0] == made[-1]


def test_held_out_pictures_are_shown_alike_in_their_order(tmp_path: Path):
    pytest.importorskip("lightly", reason="lightly is not installed: pip install '.[pretext]'")
    from study.data.classification import views

    files = photos(tmp_path / "images")[:5]
    first, again = (list(views.held_out_batches(files, 32, 2)) for _ in range(2))
    assert [batch.shape[1] for batch in first] == [2, 2, 1]
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_is_lost_on_the_way_is_named(tmp_path: Path, workers: int):
    pytest.importorskip("lightly", reason="lightly is not installed: pip install '.[pretext]'")
    from study.data.classification import views

    files = photos(tmp_path / "images")
    files[3].write_bytes(b"")
    with pytest.raises(ValueError, match=rf"^{files[3]}: cannot be read as an image"):
        list(views.batches(views.Views(files, 32, 0), 10, range(3), workers=workers))
