"""Which files the images of an annotation file are, where its names are not those of the folder.

Exported files have paths of the machine that they were written on (`C:\\photos\\a.jpg`,
`/home/me/a.jpg`, `../images/a.jpg`), or the images lie in folders that they do not mention. Such a
name is matched by its last part, with any file below the folder of images that has the same one,
if there is only one. Where the folder that a name has before its last part is there, no other one
is looked into: a/1.jpg that is missing from a/ is not b/1.jpg. Capital letters do not count, nor
does how letters with marks are made up, which differs between systems. A name never leads out of
the folder of images.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from study.data.pixels import no_file
from study.storage.listing import names_in, walked

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # of Windows; elsewhere a name may have a colon


def placed(names: np.ndarray, folder: Path) -> np.ndarray:
    """str [I]: the names relative to `folder`, those that cannot be matched as they were.

    Where all names stand in lists of their folders only a few files are looked for: COCO has a
    hundred thousand.
    """
    every = names.tolist()
    some = {0, len(every) // 2, len(every) - 1} if every else set()
    listed = not any(map(is_foreign, every)) and all(_listed(every, folder))
    if listed and all(no_file(folder / every[at]) is None for at in some):
        return names
    files = _Files.below(folder)
    found = [
        files.meant(name) if is_foreign(name) or no_file(folder / name) else name for name in every
    ]
    return np.array(found, np.str_)


def _listed(names: list[str], folder: Path) -> Iterator[bool]:
    """Whether there is an entry of each name, capital letters and all."""
    inside: dict[str, set[str]] = {}
    for name in names:
        below, _, last = name.rpartition("/")
        if below not in inside:
            inside[below] = _entries(folder / below)
        yield last in inside[below]


def _entries(folder: Path) -> set[str]:
    """What is in a folder, as far as that can be seen: what cannot is said of each file."""
    try:
        return names_in(folder)
    except (OSError, ValueError):  # it is not there, or is no name that a folder can have
        return set()


def require_distinct(ids: np.ndarray, names: np.ndarray, path: Path) -> None:
    """Raises ValueError if two images [I] of the annotations `path` are one file."""
    if len(set(every := names.tolist())) == len(every):
        return
    first: dict[str, int] = {}
    for image_id, name in zip(ids.tolist(), every, strict=True):
        if (other := first.setdefault(name, image_id)) != image_id:
            raise ValueError(
                f"{path}: images id {other} and id {image_id}: file_name: both are {name!r}: each"
                " image must be there once, with all its objects"
            )


def linked_out(names: np.ndarray, folder: Path) -> list[tuple[str, Path]]:
    """A name of each folder below `folder` that is a link to elsewhere, and that folder.

    Only of folders: tools that keep large files elsewhere put links to single files.
    """
    first: dict[str, str] = {}
    for name in names.tolist():
        if "/" in name and not is_foreign(name):
            first.setdefault(name.rpartition("/")[0], name)
    root = folder.resolve()
    return [
        (name, folder / below)
        for below, name in first.items()
        if not (folder / below).resolve().is_relative_to(root)
    ]


def is_foreign(name: str) -> bool:
    """Whether a name leads out of any folder that it is put behind, or is of Windows."""
    drive = _DRIVE.match(name) is not None
    return "\\" in name or name.startswith("/") or drive or ".." in name.split("/")


def plain(name: str) -> str:
    """What names have in common that mean one file on one system or another."""
    return unicodedata.normalize("NFC", name).lower()


@dataclass(frozen=True)
class _Files:
    """What lies below a folder, its path and all that it ends with as `plain` has them."""

    by_name: dict[str, list[str]]  # files by the last part
    endings: frozenset[str]  # of folders, "/c", "/b/c" and "/a/b/c" of a/b/c

    @classmethod
    def below(cls, folder: Path) -> _Files:
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        endings: set[str] = set()
        for at, _, names in walked(folder):
            below = at.relative_to(folder)
            for name in names:
                by_name[plain(name)].append((below / name).as_posix())
            endings |= {_ending(below.parts[first:]) for first in range(len(below.parts))}
        return cls(by_name, frozenset(endings))

    def meant(self, name: str) -> str:
        """The file that a name means, or the name: by its last part, and by more if need be.

        Where there is a folder that the name has before it, it is no file of another one.
        """
        parts = (PureWindowsPath(name) if "\\" in name else PurePosixPath(name)).parts
        found = self.by_name.get(plain(parts[-1]), []) if parts else []
        lengths = range(2, len(parts) + 1)
        there = [n for n in lengths if _ending(parts[-n:-1]) in self.endings]
        if there:
            ending = _ending(parts[-there[-1] :])
            found = [file for file in found if f"/{plain(file)}".endswith(ending)]
        for length in lengths:
            if len(found) <= 1:
                break
            ending = _ending(parts[-length:])
            found = [file for file in found if f"/{plain(file)}".endswith(ending)] or found
        return found[0] if len(found) == 1 else name


def _ending(parts: Sequence[str]) -> str:
    return "/" + plain("/".join(parts))
