"""The files of a folder that is distributed: all of them, or it is said why not."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

from study.config.printable import shown
from study.data.distribution.manifest import MANIFEST, is_name, parsed
from study.storage.listing import matching


def to_upload(folder: Path) -> list[str]:
    """All files in a folder by name, also behind links, without our own and other hidden ones.

    Raises:
        ValueError: the folder is not there, or empty; what is in it is no file, or a link that
            leads nowhere or in a circle; or its name cannot be brought.
    """
    if not folder.is_dir():
        raise ValueError(f"folder {folder}: there is no such folder")
    names = sorted(path.relative_to(folder).as_posix() for path in _below(folder, folder))
    if not (found := [name for name in names if name != MANIFEST]):
        raise ValueError(f"folder {folder}: it has no files to upload")
    for name in found:
        if not is_name(name):
            raise ValueError(
                f"folder {folder}: {shown(name)!r}: a name that cannot be copied to every machine"
                " (it has a line's end, a backslash or another sign that is not printed, or is no"
                " UTF-8); rename it"
            )
    _require_no_other(folder / MANIFEST)
    return found


def others(folder: Path, names: Container[str]) -> list[str]:
    """Files in a folder that have none of these names, without hidden ones."""
    found = (path for path in matching(folder, "**/*") if path.is_file())
    named = (path.relative_to(folder) for path in found if not _is_hidden(path, folder))
    return [name for path in named if (name := path.as_posix()) not in names and name != MANIFEST]


def _below(top: Path, folder: Path) -> Iterator[Path]:
    """The files in a folder within `top`, or behind a link there."""
    for path in matching(folder, "**/*"):
        if _is_hidden(path, top):
            continue
        if path.is_file():
            yield path
        elif path.is_symlink() and path.is_dir():
            if path.resolve() in map(Path.resolve, path.parents):
                raise ValueError(f"{path}: a link to a folder in which it lies itself; remove it")
            yield from _below(top, path)
        elif path.is_symlink():
            to = path.readlink()
            raise ValueError(
                f"{path}: a link to {to}, which is not there; bring it back, or remove it"
            )
        elif not path.is_dir():
            raise ValueError(f"{path}: is a pipe, socket or device, and no file; remove it")


def _is_hidden(path: Path, top: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(top).parts)


def _require_no_other(own: Path) -> None:
    """Raises ValueError where a file is called as a manifest is, and is none."""
    if own.is_file():
        try:
            parsed(own.read_bytes(), str(own))  # of an upload to this folder: a new one is made
        except ValueError as error:
            raise ValueError(
                f"{own}: an upload writes a file of that name, and this one would be left out:"
                " rename it, or upload the folder around it"
            ) from error
