"""Folders of pictures without labels, in whatever sub-folders.

Whether a folder has classes is told by its form: at least two sub-folders with images directly in
them, and no images beside those.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from study.config import digest
from study.data.classification.folders import (
    HELD_OUT,
    base_of,
    check,
    images_in,
    refuse_coco,
)
from study.data.pixels import Scale
from study.data.source import IMAGE_SUFFIXES
from study.data.splits import draws
from study.storage.listing import folders_in, walked

FEWEST = 20  # of which two are held out; with fewer there is little to tell apart


def has_classes(root: Path) -> bool:
    """Whether the folder is one of classes, with a mistake in it perhaps.

    Raises:
        ValueError: no such folder, or detection data in COCO's format, whose train and val would
            pass for classes, and whose val must not be seen.
    """
    refuse_coco(root)
    base = base_of(root)
    return not images_in(base) and sum(bool(images_in(own)) for own in folders_in(base)) >= 2


@dataclass(frozen=True)
class Pictures:
    """What is trained on and what is held out; they share no file."""

    train: list[Path]
    held_out: list[Path]
    digest: str  # of the files' places in the folder and their sizes
    scale: Scale | None = None  # of pixels of more than 8 bits

    def __len__(self) -> int:
        return len(self.train) + len(self.held_out)

    @classmethod
    def open(cls, root: Path) -> Pictures:
        """Find the images at any depth, hidden folders left out; a tenth is held out, 128 at most.
        Each is decoded once, and that it could be is kept in the cache.

        Raises:
            ValueError: no such folder, or too few images in it.
            BadData: images that cannot be read; names each file.
        """
        if not root.is_dir():
            raise ValueError(f"images {root}: no such folder")
        files = list(_below(root))
        if len(files) < FEWEST:
            kinds = ", ".join(sorted(IMAGE_SUFFIXES))
            raise ValueError(
                f"images {root}: must have at least {FEWEST} images to be learned from without"
                f" labels, and has {len(files)}, sub-folders included (files that end in {kinds})"
            )
        count = min(draws.MOST_HELD_OUT, len(files) // HELD_OUT)
        out, rest = draws.hold_out(np.arange(len(files)), count)
        places = [str(file.relative_to(root)) for file in files]
        train, held_out = ([files[i] for i in part.tolist()] for part in (rest, out))
        sizes, scale = check(files, train)
        said = [places, sizes, len(train), *([str(scale)] if scale else [])]
        return cls(train, held_out, digest(said), scale)


def _below(root: Path) -> list[Path]:
    """Images in it and in its sub-folders, in the order of their places."""
    found = []
    for folder, below, names in walked(root, through_links=True):
        below[:] = [name for name in below if name[0] != "."]
        paths = (folder / name for name in names if name[0] != ".")
        found += [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(found)
