"""Folders of images for classification: a sub-folder for each class.

    FOLDER/CLASS/*.jpg                                      a tenth of the images is held out
    FOLDER/train/CLASS/*.jpg and FOLDER/val/CLASS/*.jpg     val is held out

What a slot of a batch holds is a function of (seed, iteration, slot), so that threads may read
ahead and a resumed training sees the same images.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from study.config import digest
from study.data import subsets
from study.data.cache import build_once, cache_dir
from study.data.checks import BadData
from study.data.draws import Order
from study.randomness import Stream, generator

SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
PARTS = {"train", "val", "test"}  # test/ is left alone
HELD_OUT = 10  # one image in so many, where there is no val/
LAYOUT = "want FOLDER/CLASS/*.jpg, or that in FOLDER/train and FOLDER/val"

CROP_AREA = (0.25, 1.0)  # of the image; ImageNet's usual 0.08 cuts small data's objects away
CROP_ASPECT = 4 / 3  # width / height at most, and its inverse at least (Szegedy et al. 2015)
CENTRE = 0.875  # of the shorter side: what is looked at of an image held out
AHEAD = 2  # batches that are read while one is trained on

Box = tuple[float, float, float, float]  # left, top, right, bottom in px of the file


@dataclass(frozen=True)
class Labelled:
    """N image files and what each shows."""

    files: list[Path]
    labels: np.ndarray  # int64 [N], 0 … C - 1

    def __len__(self) -> int:
        return len(self.files)

    def part(self, at: np.ndarray) -> Labelled:
        return Labelled([self.files[i] for i in at.tolist()], self.labels[at])


@dataclass(frozen=True)
class ImageFolder:
    """What is trained on and what is held out; they share no file."""

    classes: list[str]  # names of the sub-folders, in the order of the labels
    train: Labelled
    held_out: Labelled
    digest: str  # of the files' places in the folder and their sizes

    @classmethod
    def open(cls, root: Path) -> ImageFolder:
        """Find the images; each is decoded once, and that it could be is kept in the cache.

        Raises:
            ValueError: no such folder, COCO's format, fewer than two classes, or a class without
                images or of val/ alone.
            BadData: images that cannot be read; names each file.
        """
        if not root.is_dir():
            raise ValueError(f"images {root}: no such folder")
        _refuse_coco(root)
        base = root / "train" if _is_split(root) else root
        classes = [folder.name for folder in _folders(base)]
        if len(classes) < 2:
            there = f"only {classes[0]!r}" if classes else "none"
            raise ValueError(f"images {base}: there must be two classes and is {there}: {LAYOUT}")
        every = _labelled(base, classes)
        if base is not root and (root / "val").is_dir():
            train, held_out = every, _labelled(root / "val", classes)
        else:
            tenth = max(1, len(every) // HELD_OUT)
            out, rest = subsets.hold_out(np.arange(len(every)), tenth)
            train, held_out = every.part(rest), every.part(out)
        files = [*train.files, *held_out.files]
        stats = [file.stat() for file in files]
        _check(files, stats)
        places = [str(file.relative_to(root)) for file in files]
        sizes = [stat.st_size for stat in stats]
        return cls(classes, train, held_out, digest([places, sizes, len(train)]))


def _is_split(root: Path) -> bool:
    """Whether train/ is a part of the data and not a class: of vehicles, say."""
    names = {folder.name for folder in _folders(root)}
    return "train" in names and names <= PARTS and bool(_folders(root / "train"))


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _labelled(base: Path, classes: list[str]) -> Labelled:
    """The images that lie directly in each class's folder."""
    files: list[Path] = []
    labels: list[int] = []
    for folder in _folders(base):
        if folder.name not in classes:
            raise ValueError(f"{folder}: a class that train/ has not: {', '.join(classes)}")
        own = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        if not own:
            raise ValueError(f"{folder}: no images in it (nor are those further down): {LAYOUT}")
        files += own
        labels += [classes.index(folder.name)] * len(own)
    if not files:
        raise ValueError(f"images {base}: no class folders in it: {LAYOUT}")
    return Labelled(files, np.array(labels, np.int64))


def _refuse_coco(root: Path) -> None:
    """Raises ValueError for detection data: train2017/ and val2017/ would pass for two classes."""
    for folder in (root, *_folders(root)):
        jsons = [(path.stat().st_size, path) for path in folder.glob("*.json")]
        if not jsons:
            continue
        _, path = max(jsons)
        content = path.read_bytes()
        if all(f'"{key}"'.encode() in content for key in ("images", "annotations", "bbox")):
            raise ValueError(
                f"images {root}: {path} is a detection data set in COCO's format, and pre-training"
                f" classifies: {LAYOUT}. To train a detector on it, give it to study.sweep or"
                " study.train as --data.train"
            )


def _check(files: list[Path], stats: list[os.stat_result]) -> None:
    """Raises BadData, naming every image that cannot be read."""
    state = [[str(f), s.st_size, s.st_mtime_ns] for f, s in zip(files, stats, strict=True)]
    remembered = cache_dir() / "in-order" / digest(state)
    if remembered.exists():
        return
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        problems = [line for line in pool.map(_problem, files) if line]
    if problems:
        raise BadData(problems)
    build_once(remembered, lambda to: to.touch())


def _problem(file: Path) -> str | None:
    try:
        cropped(file, 8, lambda width, height: (0, 0, width, height))
    except ValueError as error:
        return str(error)
    return None


def training_batches(
    data: Labelled, px: int, seed: int, batch_size: int, iterations: range
) -> Generator[tuple[np.ndarray, np.ndarray], None, None]:
    """Images uint8 [B, px, px, 3], cropped and mirrored at random, and labels int64 [B].

    Iterations take up where the one before ended, epoch after epoch, each in an order of its own.

    Raises:
        ValueError: an image that cannot be read any more.
    """
    order = Order(len(data))

    def one(at: int, iteration: int, slot: int) -> np.ndarray:
        rng = generator(Stream.AUGMENT, seed, iteration, slot)
        image = cropped(data.files[at], px, lambda width, height: random_box(width, height, rng))
        return image[:, ::-1] if rng.random() < 0.5 else image

    def begin(iteration: int, pool: ThreadPoolExecutor) -> _Pending:
        chosen = [order.at(iteration * batch_size + slot, seed) for slot in range(batch_size)]
        images = [pool.submit(one, at, iteration, slot) for slot, at in enumerate(chosen)]
        return images, data.labels[chosen]

    yield from _ahead(begin, iterations)


def held_out_batches(
    data: Labelled, px: int, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The middle of every image once, as `training_batches` gives them; the last are fewer."""

    def begin(number: int, pool: ThreadPoolExecutor) -> _Pending:
        chosen = slice(number * batch_size, (number + 1) * batch_size)
        files = data.files[chosen]
        return [pool.submit(cropped, file, px, centre_box) for file in files], data.labels[chosen]

    yield from _ahead(begin, range(-(-len(data) // batch_size)))


_Pending = tuple[list["Future[np.ndarray]"], np.ndarray]


def _ahead(
    begin: Callable[[int, ThreadPoolExecutor], _Pending], numbers: range
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of these numbers in their order, a few of them begun before they are wanted."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        pending: deque[_Pending] = deque()
        for number in numbers:
            pending.append(begin(number, pool))
            if len(pending) > AHEAD:
                yield _ready(pending.popleft())
        while pending:
            yield _ready(pending.popleft())


def _ready(pending: _Pending) -> tuple[np.ndarray, np.ndarray]:
    images, labels = pending
    return np.stack([image.result() for image in images]), labels


def random_box(width: int, height: int, rng: np.random.Generator) -> Box:
    """A crop of random area, aspect and place, as far as the image has room for it."""
    area = width * height * rng.uniform(*CROP_AREA)
    aspect = math.exp(math.log(CROP_ASPECT) * rng.uniform(-1, 1))
    w, h = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return left, top, left + w, top + h


def centre_box(width: int, height: int) -> Box:
    """The square in the middle."""
    side = CENTRE * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def cropped(file: Path, px: int, box: Callable[[int, int], Box]) -> np.ndarray:
    """uint8 [px, px, 3]: of an image of any mode, the box that fits its width and height.

    Raises:
        ValueError: not an image, or cut off; names the file.
    """
    try:
        with Image.open(file) as image:
            width, height = image.size
            left, top, right, bottom = box(width, height)
            # a JPEG can be decoded at a fraction of its size, which saves most of the time
            shrink = min((right - left) / px, (bottom - top) / px)
            image.draft("RGB", (math.ceil(width / shrink), math.ceil(height / shrink)))
            x, y = image.width / width, image.height / height
            inside = (left * x, top * y, right * x, bottom * y)
            rgb = image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
    inside = (*inside[:2], min(inside[2], rgb.width), min(inside[3], rgb.height))  # rounding
    return np.asarray(rgb.resize((px, px), Image.Resampling.BILINEAR, box=inside))
