"""Archives of images and annotations: damaged, locked, or unsafe to unpack."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case
from tests.bad_input.formats import CAT, voc, xml


def archive(name: str, fill: Callable[[zipfile.ZipFile], Any], *says: str) -> Case:
    def write(folder: Path) -> list[str]:
        with zipfile.ZipFile(folder / "d.zip", "w", zipfile.ZIP_DEFLATED) as file:
            for path, content in voc(xml(CAT)).items():
                file.writestr(path, content)
            fill(file)
        return ["study.prepare", "--data", "d.zip"]

    return Case(name, write, ("d.zip: ", *says))


def damaged(name: str, change: Callable[[bytes], bytes], *says: str) -> Case:
    def write(folder: Path) -> list[str]:
        archive("", lambda _: None).command(folder)
        path = folder / "d.zip"
        path.write_bytes(change(path.read_bytes()))
        return ["study.prepare", "--data", "d.zip"]

    return Case(name, write, ("d.zip: ", *says))


def special(name: str, kind: int, path: str = "1.txt") -> Callable[[zipfile.ZipFile], None]:
    def fill(file: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(path)
        info.external_attr = (kind | 0o644) << 16
        file.writestr(info, name)

    return fill


def locked(raw: bytes) -> bytes:
    """Every member is said to have a password."""
    made = bytearray(raw)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        begin = -1
        while (begin := raw.find(mark, begin + 1)) >= 0:
            made[begin + at] |= 1
    return bytes(made)


def nested(folder: Path) -> list[str]:
    with zipfile.ZipFile(folder / "d.zip", "w") as file:
        file.writestr("a/" * 200 + "x", b"")
    return ["study.prepare", "--data", "d.zip"]


CASES = [
    damaged("an archive cut off", lambda raw: raw[: len(raw) // 2], "cannot be read as a .zip"),
    damaged("an empty archive", lambda _: b"", "cannot be read as a .zip"),
    damaged("a text as archive", lambda _: b"hello", "cannot be read as a .zip"),
    damaged(
        "an archive with wrong bytes",
        lambda raw: raw[:100] + bytes(8) + raw[108:],
        "cannot be read as a .zip",
    ),
    damaged("an archive with a password", locked, "has a password: unpack it yourself"),
    archive("a name out of the archive", lambda z: z.writestr("../x", b""), "'../x': leads out"),
    archive("an absolute name", lambda z: z.writestr("/tmp/x", b""), "'/tmp/x': leads out"),
    archive("a name of Windows", lambda z: z.writestr("C:\\x", b""), "leads out of the archive"),
    archive("a name with ..", lambda z: z.writestr("a\\..\\..\\x", b""), "leads out"),
    archive("a link in an archive", special("/etc/passwd", 0o120000), "'1.txt': is a link"),
    archive("a pipe in an archive", special("", 0o010000), "'1.txt': is no regular file"),
    archive(
        "a name of 300 letters", lambda z: z.writestr("a" * 300, b""), "not a name that a file"
    ),
    archive("a name that is a folder", lambda z: z.writestr("1.jpg/x", b""), "cannot be unpacked"),
    archive("a bomb", lambda z: z.writestr("x", bytes(2 * 10**8)), "more than 100 times its size"),
    Case("folders in folders", nested, ("d.zip", "is 50 folders, each alone")),
]
