"""What folders hold. One that may not be read is an error here, and not an empty one.

`Path.glob` leaves out in silence what it may not read, and `os.walk` also what a disk does not
give: a study would be told without some of its trials, and a detector trained without some images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

OF_THE_SYSTEM = "lost+found"  # at the top of a disk, for nobody but root


def matching(folder: Path, pattern: str) -> list[Path]:
    """As `Path.glob`, sorted: what is below a folder and matches, part by part.

    Args:
        pattern: of shell wildcards; `**` stands for the folder itself and all that are in it, not
            those that links lead to.

    Raises:
        OSError: a folder on the way may not be read, or is a link that leads nowhere; with its
            name. What is not there matches nothing.
    """
    return sorted(_matching(folder, pattern.split("/")))


def folders_in(root: Path) -> list[Path]:
    """The folders directly in it, by name, without the hidden ones. Raises as `matching`."""
    return sorted(path for path in _inside(root) if path.is_dir() and path.name[0] != ".")


def names_in(folder: Path) -> set[str]:
    """What is directly in it, without a Path for each of a hundred thousand.

    Raises:
        OSError: it is not there, is no folder, or may not be read.
        ValueError: no folder can have that name.
    """
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def walked(root: Path, through_links: bool = False) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As `os.walk`: each folder with the names of folders, which may be cut, and of files in it.

    Args:
        through_links: also what links to folders lead to, each folder once; not to those that
            `root` lies in.

    Raises:
        OSError: a folder cannot be read; with its name.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):  # as `matching`
            raise error

    seen: set[Path] = set()
    top = Path(os.path.realpath(root))
    for folder, below, names in os.walk(root, onerror=refuse, followlinks=through_links):
        below[:] = [name for name in sorted(below) if name != OF_THE_SYSTEM]
        if through_links:
            real = Path(os.path.realpath(folder))
            if real in seen or real in top.parents:
                below.clear()
                continue
            seen.add(real)
        yield Path(folder), below, names


def _matching(folder: Path, parts: list[str]) -> Iterator[Path]:
    first, *others = parts
    if first == "**":
        for each, _, _ in walked(folder):
            yield from _matching(each, others)
        return
    for path in _inside(folder):
        if fnmatchcase(path.name, first):
            if others:
                yield from _matching(path, others)
            else:
                yield path


def _inside(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name != OF_THE_SYSTEM]
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_symlink() and not folder.exists():
            raise  # to what is not mounted now
        return []
