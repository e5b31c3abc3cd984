"""A data set inside a .zip, as annotation tools export it: unpacked once, into the cache.

Nothing is written beside the archive. Its names are only ever used below a folder of our own, and
an archive that would unpack to far more than it holds is refused before anything is written.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from study.config.printable import brief
from study.data.cache import build_once, cache_dir
from study.data.formats.digests import file_digest

VERSION = 2  # of how names are read; a change unpacks anew
TIMES, PLUS = 100, 10**8  # bytes unpacked are at most so many times those packed, and these more
MOST_FILES = 2_000_000
DEEPEST = 50  # folders, each alone in the one before
LONGEST = 255  # bytes of a part of a name
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, UnicodeDecodeError)
SAYS_UTF_8 = 1 << 11  # of a file's flags
LEFT_OUT = ("__MACOSX", ".DS_Store", "Thumbs.db")  # what systems put into archives


def is_archive(place: Path) -> bool:
    """Whether it is a .zip by its name."""
    return place.suffix.lower() == ".zip" and place.is_file()


def unpacked(file: Path) -> Path:
    """The folder with the archive's content, whatever folders are around it there.

    Raises:
        ValueError: not a .zip, damaged or encrypted, or with names or sizes that are not trusted.
    """
    entry = cache_dir() / "unpacked" / f"{file.stem[:40]}-{file_digest(file)}-v{VERSION}"
    return inner(build_once(entry, lambda to: _unpack(file, to)), file)


def inner(folder: Path, given: Path | None = None) -> Path:
    """The folder itself, or the only one inside it if there is nothing else, and so on.

    Raises:
        ValueError: it cannot be read, or goes on so for too long; names what was `given`.
    """
    given = given or folder
    for _ in range(DEEPEST):
        try:
            inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
        except OSError as error:
            raise ValueError(f"{given}: cannot be read: {error.strerror}") from error
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]
    raise ValueError(
        f"{given}: is {DEEPEST} folders, each alone in the one before: unpack the data"
    )


def _unpack(file: Path, to: Path) -> None:
    to.mkdir()
    try:
        with zipfile.ZipFile(file) as archive:
            members = list(_members(file, archive))
            for info, name in members:
                place = to / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, place.open("wb") as written:
                    shutil.copyfileobj(packed, written)
    except (*BROKEN, EOFError) as error:
        raise ValueError(f"{file}: cannot be read as a .zip: {error}") from error
    except RuntimeError as error:  # it is packed in a way that zipfile lacks
        raise ValueError(f"{file}: cannot be unpacked: {error}; unpack it yourself") from error
    except OSError as error:  # a full disk, or names that cannot be together
        raise ValueError(f"{file}: cannot be unpacked: {error}") from error


def _members(file: Path, archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, Path]]:
    """The files of an archive, each with its path below the folder that they go to."""
    every = [info for info in archive.infolist() if not info.is_dir()]
    packed, whole = file.stat().st_size, sum(info.file_size for info in every)
    if len(every) > MOST_FILES:
        raise ValueError(f"{file}: has {len(every):,} files: must have at most {MOST_FILES:,}")
    if locked := next((info for info in every if info.flag_bits & 1), None):
        raise ValueError(
            f"{file}: {_name(locked)!r}: has a password: unpack it yourself, and give the folder"
        )
    if whole > TIMES * packed + PLUS:
        raise ValueError(
            f"{file}: would unpack from {packed:,} to {whole:,} bytes, more than {TIMES} times its"
            " size: not trusted; unpack it yourself if it is in order"
        )
    free = shutil.disk_usage(cache_dir()).free
    if whole > free:
        raise ValueError(
            f"{file}: needs {whole:,} bytes unpacked, and {cache_dir()} has {free:,} left: make"
            " room, or name a folder elsewhere as STUDY_CACHE"
        )
    seen: set[str] = set()
    for info in every:
        given = _name(info)
        name = PurePosixPath(given.replace("\\", "/"))  # as Windows writes them
        if any(part in LEFT_OUT for part in name.parts):
            continue
        long = any(len(part.encode(errors="replace")) > LONGEST for part in name.parts)
        if long or not name.parts:
            raise ValueError(f"{file}: {brief(given)}: not a name that a file can have")
        drive = len(name.parts[0]) == 2 and name.parts[0][1] == ":"
        outside = name.is_absolute() or ".." in name.parts or drive
        kind = stat.S_IFMT(info.external_attr >> 16)
        if outside or kind not in (0, stat.S_IFREG):
            link = "is a link" if kind == stat.S_IFLNK else "is no regular file"
            what = "leads out of the archive" if outside else link
            raise ValueError(f"{file}: {given!r}: {what}: not trusted")
        if str(name) in seen:
            raise ValueError(f"{file}: {given!r}: occurs twice")
        seen.add(str(name))
        yield info, Path(name)


def _name(info: zipfile.ZipInfo) -> str:
    """A file's name. Many tools write UTF-8 and do not say so, which zipfile takes for CP437."""
    if info.flag_bits & SAYS_UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
