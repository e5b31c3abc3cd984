"""Which files the images of an annotation file are, where its names are not those of the folder.

Exported files have paths of the machine that they were written on (`C:\\photos\\a.jpg`,
`/home/me/a.jpg`, `../images/a.jpg`), or the images lie in folders that they do not mention. Such a
name is matched by its last part, with any file below the folder of images that has the same one,
if there is only one. Capital letters do not count, nor does how letters with marks are made up,
which differs between systems. A name never leads out of the folder of images.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from study.data.pixels import no_file
from study.storage.listing import walked

LOOKED_AT = 3  # names, at both ends and in the middle, that are looked for to trust all of them


def placed(names: np.ndarray, folder: Path) -> np.ndarray:
    """str [I]: the names relative to `folder`, those that cannot be matched as they were.

    Of names that look in order only a few are looked for: COCO has a hundred thousand.
    """
    every = names.tolist()
    odd = [at for at, name in enumerate(every) if is_foreign(name)]
    some = {0, len(every) // 2, len(every) - 1} if every else set()
    if not odd and all(no_file(folder / every[at]) is None for at in some):
        return names
    by_name = _files(folder)
    found = [
        _match(name, by_name) if is_foreign(name) or no_file(folder / name) else name
        for name in every
    ]
    return np.array(found, np.str_)


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
    return "\\" in name or name.startswith("/") or name[1:2] == ":" or ".." in name.split("/")


def plain(name: str) -> str:
    """What names have in common that mean one file on one system or another."""
    return unicodedata.normalize("NFC", name).lower()


def _match(name: str, by_name: dict[str, list[str]]) -> str:
    """The file that a name means: by its last part, and by more of them if that is not enough."""
    parts = (PureWindowsPath(name) if "\\" in name else PurePosixPath(name)).parts
    found = by_name.get(plain(parts[-1]), []) if parts else []
    for length in range(2, len(parts) + 1):
        if len(found) <= 1:
            break
        ending = "/" + plain("/".join(parts[-length:]))
        found = [file for file in found if f"/{plain(file)}".endswith(ending)] or found
    return found[0] if len(found) == 1 else name


def _files(folder: Path) -> dict[str, list[str]]:
    """All files below the folder by the last part of their names, as `plain` has it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for at, _, names in walked(folder):
        for name in names:
            below = at.relative_to(folder) / name
            found[plain(name)].append(below.as_posix())
    return found
