"""Folders of images for classification: a sub-folder for each class.

FOLDER/CLASS/*.jpg                                      a tenth of the images is held out
FOLDER/train/CLASS/*.jpg and FOLDER/val/CLASS/*.jpg     val is held out
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from study.config import digest
from study.data.cache import build_once, cache_dir
from study.data.pixels import WIDE, Scale, Unusable, no_file, opened, rgb, values
from study.data.scaling import scale_of
from study.data.source import IMAGE_SUFFIXES, BadData
from study.data.splits import draws
from study.storage.listing import folders_in, matching

PARTS = {"train", "val", "test"}  # test/ is left alone
VERSION = 2  # of what is looked at in an image
HELD_OUT = 10  # one image in so many, where there is no val/
LAYOUT = (
    "want FOLDER/CLASS/*.jpg, or that in FOLDER/train and FOLDER/val; for images without labels"
    " add --labels none"
)


@dataclass(frozen=True)
class Labelled:
    """N image files and what each shows."""

    files: list[Path]
    labels: np.ndarray  # int64 [N], 0 … C - 1
    scale: Scale | None = None  # of pixels of more than 8 bits

    def __len__(self) -> int:
        return len(self.files)

    def part(self, at: np.ndarray) -> Labelled:
        return Labelled([self.files[i] for i in at.tolist()], self.labels[at], self.scale)


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
        refuse_coco(root)
        base = base_of(root)
        classes = [folder.name for folder in folders_in(base)]
        if len(classes) < 2:
            there = f"only {classes[0]!r}" if classes else "none"
            raise ValueError(
                f"images {base}: must have at least two classes, and has {there}: {LAYOUT}"
            )
        if beside := images_in(base):
            raise ValueError(
                f"{min(beside)}: lies beside the folders of the classes, and would be left out;"
                f" move it into one of them: {LAYOUT}"
            )
        every = _labelled(base, classes)
        if base is not root and (root / "val").is_dir():
            train, held_out = every, _labelled(root / "val", classes)
        else:
            tenth = max(1, len(every) // HELD_OUT)
            out, rest = draws.hold_out(np.arange(len(every)), tenth)
            train, held_out = every.part(rest), every.part(out)
        files = [*train.files, *held_out.files]
        sizes, scale = check(files, train.files)
        train, held_out = replace(train, scale=scale), replace(held_out, scale=scale)
        places = [str(file.relative_to(root)) for file in files]
        said = [places, sizes, len(train), *([str(scale)] if scale else [])]
        return cls(classes, train, held_out, digest(said))


def base_of(root: Path) -> Path:
    """The folder of what is trained on: train/ in it, or itself."""
    return root / "train" if _is_split(root) else root


def _is_split(root: Path) -> bool:
    """Whether train/ is a part of the data and not a class: of vehicles, say."""
    names = {folder.name for folder in folders_in(root)}
    return "train" in names and names <= PARTS and bool(folders_in(root / "train"))


def _labelled(base: Path, classes: list[str]) -> Labelled:
    """The images that lie directly in each class's folder."""
    files: list[Path] = []
    labels: list[int] = []
    for folder in folders_in(base):
        if folder.name not in classes:
            raise ValueError(f"{folder}: is not among the classes of train/, {', '.join(classes)}")
        own = sorted(images_in(folder))
        if not own:
            raise ValueError(f"{folder}: has no images directly in it: {LAYOUT}")
        for below in folders_in(folder):
            if images_in(below):
                raise ValueError(
                    f"{below}: has images, which would be left out: a class's images lie directly"
                    f" in its folder: {LAYOUT}"
                )
        files += own
        labels += [classes.index(folder.name)] * len(own)
    if not files:
        raise ValueError(f"images {base}: has no folders of classes: {LAYOUT}")
    return Labelled(files, np.array(labels, np.int64))


def images_in(folder: Path) -> list[Path]:
    """Those that lie directly in it."""
    return [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]


def refuse_coco(root: Path) -> None:
    """Refuse detection data: train2017/ and val2017/ would pass for two classes.

    Raises:
        ValueError: it is in COCO's format, or there is no such folder.
    """
    if not root.is_dir():
        raise ValueError(f"images {root}: no such folder")
    for folder in (root, *folders_in(root)):
        jsons = [(path.stat().st_size, path) for path in matching(folder, "*.json")]
        if not jsons:
            continue
        _, path = max(jsons)
        content = path.read_bytes()
        if all(f'"{key}"'.encode() in content for key in ("images", "annotations", "bbox")):
            raise ValueError(
                f"images {root}: {path} is a detection data set in COCO's format, and pre-training"
                f" classifies: {LAYOUT}. To train a detector on it, give it to study.sweep or"
                " study.train as --data.train; to pre-train without labels, give the folder of its"
                " training images"
            )


def check(files: list[Path], trained_on: list[Path]) -> tuple[list[int], Scale | None]:
    """Sizes of the files in bytes, when all could be read, and the rule for their pixels.

    Raises:
        BadData: images that cannot be read; names each.
        ValueError: images of more than 8 bits that no rule scales alike.
    """
    if lost := [f"{file}: {why}" for file in files if (why := no_file(file))]:
        raise BadData(lost)
    stats = [file.stat() for file in files]
    sizes = [stat.st_size for stat in stats]
    state = [[str(f), s.st_size, s.st_mtime_ns] for f, s in zip(files, stats, strict=True)]
    remembered = cache_dir() / "in-order" / digest([VERSION, *state])
    if remembered.exists():
        return sizes, scale_of({"images": files}, trained_on)
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter's lock
        problems = [line for line in pool.map(_problem, files) if line]
    if problems:
        raise BadData(problems)
    build_once(remembered, lambda to: to.touch())
    return sizes, scale_of({"images": files}, trained_on)


def _problem(file: Path) -> str | None:
    try:
        with opened(file) as image:
            if image.mode in WIDE:
                values(image)
            else:
                image.draft("RGB", (8, 8))
                rgb(image, None, file)
    except Unusable as error:
        return str(error)
    return None
