"""Image folders: what is taken for a class, what is refused, and what a batch holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.data.classification.batches import held_out_batches, training_batches
from study.data.classification.crops import centre_box, cropped, random_box
from study.data.classification.folders import ImageFolder
from study.data.source import BadData


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def write(folder: Path, count: int = 6, px: tuple[int, int] = (24, 20), suffix: str = ".png"):
    """Images whose colour says in which folder they are, and which they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        colour = (sum(folder.name.encode()) % 200, 10 * i, 7)
        Image.new("RGB", px, colour).save(folder / f"{i}{suffix}")


def plain(root: Path) -> Path:
    write(root / "cat", 12)
    write(root / "dog", 13)
    return root


def test_a_tenth_is_held_out_and_always_the_same(tmp_path: Path):
    first, again = (ImageFolder.open(plain(tmp_path / "images")) for _ in range(2))
    assert first.classes == ["cat", "dog"]
    assert (len(first.train), len(first.held_out)) == (23, 2)
    assert not {*first.train.files} & {*first.held_out.files}
    assert first.train.files == again.train.files and first.digest == again.digest
    names = [file.parent.name for file in first.train.files]
    assert [first.classes[label] for label in first.train.labels] == names


def test_val_is_held_out_where_there_is_one(tmp_path: Path):
    plain(tmp_path / "images" / "train")
    write(tmp_path / "images" / "val" / "dog", 3)
    write(tmp_path / "images" / "test" / "any", 3)
    folder = ImageFolder.open(tmp_path / "images")
    assert (len(folder.train), len(folder.held_out)) == (25, 3)
    assert set(folder.held_out.labels.tolist()) == {1}


def test_train_may_be_a_class(tmp_path: Path):
    for name in ("train", "bus", "car"):
        write(tmp_path / "vehicles" / name)
    assert ImageFolder.open(tmp_path / "vehicles").classes == ["bus", "car", "train"]


def one_class(root: Path) -> None:
    write(root / "cat")


def no_classes(root: Path) -> None:
    write(root)


def empty_class(root: Path) -> None:
    write(root / "cat")
    write(root / "dog" / "deeper")


def deeper_images(root: Path) -> None:
    plain(root)
    write(root / "dog" / "more")


def images_beside(root: Path) -> None:
    plain(root)
    write(root, 1)


def other_parts(root: Path) -> None:
    for part in ("train", "valid"):
        plain(root / part)


def unknown_class(root: Path) -> None:
    plain(root / "train")
    write(root / "val" / "cow")


def coco(root: Path) -> None:
    for part in ("train2017", "val2017"):
        write(root / part)
    (root / "annotations").mkdir()
    text = '{"images": [], "annotations": [{"bbox": [0, 0, 1, 1]}], "categories": []}'
    (root / "annotations" / "instances.json").write_text(text)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "images .*: no such folder"),
        (one_class, "must have at least two classes, and has only 'cat': want FOLDER/CLASS"),
        (no_classes, "must have at least two classes, and has none"),
        (empty_class, "dog: has no images directly in it"),
        (deeper_images, "dog/more: has images, which would be left out"),
        (images_beside, r"images/0\.png: lies beside the folders of the classes, and would be"),
        (other_parts, "train: has no images directly in it: .* FOLDER/train and FOLDER/val"),
        (unknown_class, "cow: is not among the classes of train/, cat, dog"),
        (coco, r"instances.json is a detection data set in COCO's format.*--data\.train"),
    ],
)
def test_bad_folders_are_refused(tmp_path: Path, make: Callable[[Path], None], said: str):
    make(tmp_path / "images")
    with pytest.raises(ValueError, match=said):
        ImageFolder.open(tmp_path / "images")


def test_unreadable_images_are_named_all_at_once(tmp_path: Path):
    root = plain(tmp_path / "images")
    (root / "cat" / "3.png").write_bytes(b"not an image")
    whole = (root / "dog" / "4.png").read_bytes()
    (root / "dog" / "4.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData) as refused:
        ImageFolder.open(root)
    assert len(refused.value.problems) == 2
    for name in ("cat/3.png", "dog/4.png"):
        assert f"{root / name}: cannot be read as an image" in str(refused.value)


def test_a_json_file_that_is_not_cocos_is_left_alone(tmp_path: Path):
    root = plain(tmp_path / "images")
    (root / "labels.json").write_text('{"cat": 0, "dog": 1}')
    assert len(ImageFolder.open(root).classes) == 2


def test_batches_are_a_function_of_the_seed_and_the_iteration(tmp_path: Path):
    data = ImageFolder.open(plain(tmp_path / "images")).train
    whole = list(training_batches(data, 8, 3, 5, range(9)))
    rest = list(training_batches(data, 8, 3, 5, range(4, 9)))
    for straight, resumed in zip(whole[4:], rest, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(straight, resumed, strict=True))
    other = next(iter(training_batches(data, 8, 4, 5, range(1))))
    assert not np.array_equal(whole[0][0], other[0])


def test_an_epoch_shows_every_image_once(tmp_path: Path):
    data = ImageFolder.open(plain(tmp_path / "images")).train
    batches = list(training_batches(data, 8, 0, 5, range(5)))  # 25 of 23 images
    assert batches[0][0].shape == (5, 8, 8, 3) and batches[0][0].dtype == np.uint8
    images = np.concatenate([batch[0] for batch in batches])[:23]
    colours = {tuple(image[4, 4].tolist()) for image in images}
    assert len(colours) == 23
    labels = np.concatenate([batch[1] for batch in batches])[:23]
    assert sorted(labels.tolist()) == sorted(data.labels.tolist())


def test_held_out_images_are_seen_once_in_their_order(tmp_path: Path):
    data = ImageFolder.open(plain(tmp_path / "images")).train
    batches = list(held_out_batches(data, 8, 10))
    assert [len(labels) for _, labels in batches] == [10, 10, 3]
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), data.labels)


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (300, 7), (1, 1)])
def test_crops_lie_inside_the_image(size: tuple[int, int]):
    rng = np.random.default_rng(0)
    for box in [*(random_box(*size, rng) for _ in range(200)), centre_box(*size)]:
        left, top, right, bottom = box
        assert 0 <= left < right <= size[0] + 1e-9 and 0 <= top < bottom <= size[1] + 1e-9


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_crop_shows_its_part_of_the_image_however_it_is_decoded(tmp_path: Path, suffix: str):
    pixels = np.zeros((512, 768, 3), np.uint8)
    pixels[:256, :384] = 200  # the upper left quarter; JPEG is decoded at an eighth of this
    file = tmp_path / f"image{suffix}"
    Image.fromarray(pixels).save(file)
    whole = cropped(file, 32, lambda width, height: (0, 0, width, height))
    assert whole[:14, :14].min() > 190 and whole[18:].max() < 10
    quarter = cropped(file, 32, lambda width, height: (384, 256, width, height))
    assert quarter.max() < 10
