"""The same file twice: what is reported on must not have been trained on."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def shared_images(splits: Mapping[str, Sequence[Path]]) -> list[str]:
    """A line for each image that two splits share, by place or by content.

    Args:
        splits: the image files of each, by its name in messages.
    """
    named = [(split, place) for split, files in splits.items() for place in _places(files)]
    places: dict[Path, str] = {}
    lines: list[str] = []
    alone: list[tuple[str, Path]] = []
    for split, file in named:
        if (other := places.setdefault(file, split)) != split:
            lines.append(f"{file}: is in both {other} and {split}: splits must share no image")
        else:
            alone.append((split, file))
    for group in same_bytes([file for _, file in alone]):
        other, twin = alone[group[0]]
        lines += [
            f"{alone[at][1]}: the same picture as {twin}, and one is in {alone[at][0]}, the other"
            f" in {other}: remove one of them"
            for at in group[1:]
            if alone[at][0] != other
        ]
    return lines


def _places(files: Sequence[Path]) -> Iterator[Path]:
    """Where each file really lies; the links of a folder are followed once for all files in it."""
    folders = {folder: folder.resolve() for folder in {file.parent for file in files}}
    for file in files:
        yield file.resolve() if file.is_symlink() else folders[file.parent] / file.name


def same_bytes(files: Sequence[Path]) -> Iterator[list[int]]:
    """The places of files with the same bytes; only files of the same size are read."""
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for at, file in enumerate(files):
        by_size[file.stat().st_size].append(at)
    for places in by_size.values():
        if len(places) < 2:
            continue
        by_content: defaultdict[str, list[int]] = defaultdict(list)
        for at in places:
            by_content[hashlib.sha256(files[at].read_bytes()).hexdigest()].append(at)
        yield from (same for same in by_content.values() if len(same) > 1)
