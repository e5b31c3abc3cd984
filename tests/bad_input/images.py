"""Image files: none, broken, of other pixels, of another size than is stated."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.bad_input import data_sets as sets
from tests.bad_input.case import Case

FIRST = "train1.png"


def file(name: str, what: Callable[[], bytes] | bytes, *says: str) -> Case:
    """A case in which the first training image has this content."""

    def spoil(data: Path) -> None:
        found = what if isinstance(what, bytes) else what()
        (data / "train" / FIRST).write_bytes(found)

    says = (f"train/{FIRST}", *says)
    return Case(name, sets.prepared(spoil), says, lines=3)


def named(called: str, what: bytes, *says: str, name: str = "") -> Case:
    """The same under another name."""
    spoil = lambda data: sets.rename(data, called).write_bytes(what)  # noqa: E731
    return Case(name or f"{called}", sets.prepared(spoil), (called, *says), lines=3)


def special(name: str, make: Callable[[Path], Any], *says: str) -> Case:
    """The first training image is something else than a file."""

    def spoil(data: Path) -> None:
        (data / "train" / FIRST).unlink()
        make(data / "train" / FIRST)

    return Case(name, sets.prepared(spoil), (FIRST, *says), lines=3)


def listed(name: str, called: str, *says: str) -> Case:
    """A `file_name` of which there is no file."""
    return Case(name, sets.prepared(lambda data: sets.rename(data, called)), says, lines=3)


def in_another_folder(data: Path) -> None:
    """a/1.png is not there, and b/1.png is."""
    image = sets.rename(data, "a/1.png").parent
    for path in (image / "2.png", image.with_name("b") / "1.png"):
        path.parent.mkdir()
        path.write_bytes(sets.content(sets.scene(1)))


def whole(name: str, encode: Callable[[int], bytes], *says: str) -> Case:
    """A data set of which every image is written so."""

    def command(folder: Path) -> list[str]:
        sets.write(folder, encode)
        return ["study.prepare", "data", "--page", "page.html"]

    return Case(name, command, says, lines=3)


def pretext(name: str, spoil: Callable[[Path], Any], *says: str) -> Case:
    """Pre-training on images in folders of classes, of which the first is spoilt."""

    def command(folder: Path) -> list[str]:
        for label in ("a", "b"):
            (folder / "photos" / label).mkdir(parents=True)
            for at in range(3):
                place = folder / "photos" / label / f"{at}.png"
                place.write_bytes(sets.content(sets.scene(at + 10 * (label == "b"))))
        spoil(folder / "photos" / "a" / "0.png")
        return ["study.prepare", "pretext", "--images", "photos", "--out", "w.safetensors"]

    return Case(f"pre-training: {name}", command, says, lines=3)


def good() -> bytes:
    return sets.content(sets.scene(1))


def jpeg(**options: Any) -> bytes:
    return sets.content(sets.scene(1), "JPEG", **options)


def frames(kind: str) -> Callable[[], bytes]:
    """Three pages or frames."""

    def made() -> bytes:
        first, *others = (Image.fromarray(sets.scene(at)) for at in range(3))
        return sets.content(first, kind, save_all=True, append_images=others)

    return made


def swapped(content: bytes, at: int, by: bytes) -> bytes:
    return content[:at] + by + content[at + len(by) :]


def bomb() -> bytes:
    """The header of a PNG of 60,000 px a side."""
    return sets.png(8, 2, bytes(60), 60_000)


def turned() -> bytes:
    """An image of 24 x 12 px that EXIF shows upright, where 24 x 24 is stated."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return sets.content(sets.scene(1)[:12], "JPEG", exif=exif)


def not_finite(value: float) -> Callable[[int], bytes]:
    def made(seed: int) -> bytes:
        pixels = sets.wide(seed).astype(np.float32)
        pixels[0, 0] = value if seed == 1 else 0
        return sets.content(pixels, "TIFF")

    return made


def mixed(other: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """All of 16 bits, but those of val."""
    return lambda seed: other(seed) if seed > 100 else sets.content(sets.wide(seed))


def signed(dtype: type, seed: int = 1) -> bytes:
    """A TIFF of 8 bits with a sign."""
    plain = sets.content(sets.scene(seed)[..., 0], "TIFF", tiffinfo={339: 2})
    assert dtype is np.int8
    return plain


def planes(seed: int) -> bytes:
    """A TIFF of 16 bits a colour, one colour after the other."""
    values = sets.scene(seed).astype("<u2") * 257
    height, width, _ = values.shape
    behind = 8 + 2 + 12 * 10 + 4  # of the tags
    one = 2 * height * width
    starts = [behind + 30 + one * at for at in range(3)]
    tags = (
        *((256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, behind), (259, 3, 1, 1)),
        *((262, 3, 1, 2), (273, 4, 3, behind + 6), (277, 3, 1, 3), (278, 3, 1, height)),
        *((279, 4, 3, behind + 18), (284, 3, 1, 2)),
    )
    told = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    lists = struct.pack("<3H3I3I", 16, 16, 16, *starts, one, one, one)
    planes = values.transpose(2, 0, 1).tobytes()
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + told + bytes(4) + lists + planes


def sock(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # the names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


TIFF_MANY = (
    b"II*\0\x08\0\0\0\x07\0"
    + b"".join(
        struct.pack("<HHII", tag, 3, 1, value)
        for tag, value in ((256, 24), (257, 24), (258, 8), (259, 1), (262, 1), (273, 8), (277, 9))
    )
    + bytes(4)
)

CASES = [
    file("an empty file", b"", "it is empty"),
    file("text in an image's name", b"hello\n", "cannot identify an image"),
    file("HTML in an image's name", b"<!DOCTYPE html><html></html>", "cannot identify an image"),
    file("JSON in an image's name", b'{"images": []}', "cannot identify an image"),
    file("zeros", bytes(500), "cannot identify an image"),
    file("a PNG cut off in its pixels", lambda: good()[:-200], "cannot be read as an image"),
    file("a PNG cut off in its header", lambda: good()[:20], "cannot be read as an image"),
    file("the first bytes of a PNG alone", b"\x89PNG\r\n\x1a\n", "header is damaged"),
    file("a PNG with a damaged byte", lambda: swapped(good(), 60, b"\0\1\2\3"), "cannot be read"),
    file("a PNG of width 0", lambda: swapped(good(), 16, bytes(4)), "cannot be read"),
    file("a JPEG cut off", lambda: jpeg()[:-30], "truncated"),
    file("a JPEG without its end", lambda: jpeg()[:-2], "truncated"),
    file("the first bytes of a JPEG alone", b"\xff\xd8\xff", "header is damaged"),
    file(
        "a JPEG header without tables", b"\xff\xd8\xff\xc0\0\x0b\x08\0\x18\0\x18\1\1\x11\0", "read"
    ),
    file("a TIFF cut off", lambda: sets.content(sets.scene(1), "TIFF")[:40], "cannot be read"),
    file("a TIFF of nine channels", TIFF_MANY, "a TIFF of a kind that is not read"),
    file("a GIF cut off", lambda: sets.content(sets.scene(1), "GIF")[:60], "cannot be read"),
    file("a BMP cut off", lambda: sets.content(sets.scene(1), "BMP")[:90], "truncated"),
    file("a BMP with a damaged header", lambda: b"BM" + b"\xff" * 60, "cannot be read"),
    file("a WebP cut off", lambda: sets.content(sets.scene(1), "WEBP")[:-40], "cannot be read"),
    file("a PPM with a broken header", b"P6 24 x 255\n", "cannot be read as an image"),
    file("a PPM without pixels", b"P6 24 24 255\n", "cannot be read as an image"),
    file("a TGA with a broken header", b"\0\1\1" + bytes(30), "cannot identify an image"),
    file("a decompression bomb", bomb, "cannot be read", "3600000000 pixels"),
    file("another size than is stated", lambda: sets.content(sets.scene(1, 20)), "20 x 20 px"),
    file("one pixel", lambda: sets.content(sets.scene(1)[:1, :1]), "1 x 1 px", "24 x 24"),
    file(
        "one by 20,000 px",
        lambda: sets.content(np.zeros((20_000, 1, 3), np.uint8)),
        "1 x 20000 px, the annotations say 24 x 24",
    ),
    file("a size that EXIF exchanges", turned, "24 x 12 px (12 x 24 as EXIF turns it)"),
    file("a TIFF of three pages", frames("TIFF"), "3 pages", "write each as a file"),
    file("an animated GIF", frames("GIF"), "3 pages or frames"),
    file("an animated PNG", frames("PNG"), "3 pages or frames"),
    file("an animated WebP", frames("WEBP"), "3 pages or frames"),
    file("8 bits with a sign", lambda: signed(np.int8), "with a sign", "16 bits"),
    file("planes of 16 bits", lambda: planes(1), "in planes of their own", "beside each other"),
    file("an EPS, which is a program", b"%!PS-Adobe-3.0 EPSF-3.0\n", "cannot identify an image"),
    named("a.heic", b"\0\0\0\x18ftypheic" + bytes(40), "HEIC is not read; convert it to PNG"),
    named("a.avif", b"\0\0\0\x18ftypavif" + bytes(40), "AVIF is not read; convert it"),
    named("a.psd", b"8BPS\0\1" + bytes(40), "Photoshop is not read; convert it"),
    named("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG is not read; convert it"),
    named("a.dcm", bytes(128) + b"DICM" + bytes(40), "DICOM is not read; convert it"),
    named("a.nef", bytes(60), "raw format is not read; convert it"),
    named("a.pdf", b"%PDF-1.4\n", "PDF is not read; convert it"),
    named("b.jpg", b"\0\0\0\x18ftypheic" + bytes(40), "HEIC", name="HEIC called .jpg"),
    special("a folder in an image's name", Path.mkdir, "is a folder"),
    special("a pipe in an image's name", os.mkfifo, "is no ordinary file"),
    special("a socket in an image's name", sock, "is no ordinary file"),
    special(
        "a device in an image's name",
        lambda path: path.symlink_to("/dev/zero"),
        "is no ordinary file",
    ),
    special(
        "a link to nothing",
        lambda path: path.symlink_to("gone.png"),
        "a link to gone.png, which is not there",
    ),
    special("a link to itself", lambda path: path.symlink_to(path.name), "no such file can be"),
    listed(
        "a name with NUL", "a\0b.png", "file_name = 'a\\x00b.png'", "a name that a file can have"
    ),
    listed("a name of 300 letters", "n" * 300 + ".png", "at most 255 bytes"),
    listed("a name that is a folder's", ".", "is a folder"),
    listed("an empty name", "", "file_name"),
    listed("a name that leads out", "../../x.png", "file_name = '../../x.png'", "not in"),
    Case(
        "an image of another folder by that name",
        sets.prepared(in_another_folder),
        ("file_name = 'a/1.png': not in", "nor is there just one file below it that it can mean"),
        lines=3,
    ),
    listed("a name of another machine", "C:\\photos\\x.png", "not in"),
    listed("a name of half a character", "\udcff.png", "file_name = '\\udcff.png'"),
    listed("an address as a name", "http://x.org/a.png", "file_name = 'http://x.org/a.png'"),
    whole("float with NaN", not_finite(np.nan), "no finite numbers", "give them a value"),
    whole("float with infinity", not_finite(np.inf), "1 of its 576 pixels are no finite numbers"),
    *(
        whole(
            f"{np.dtype(kind)} with white as 0",
            lambda seed, kind=kind: sets.content(
                sets.wide(seed).astype(kind), "TIFF", tiffinfo={262: 0} if seed == 1 else {}
            ),
            "counts white as 0",
            "write it with black as 0",
        )
        for kind in (np.uint16, np.float32)
    ),
    whole(
        "16 bits all of one value",
        lambda seed: sets.content(np.full((24, 24), 700, np.uint16)) + bytes(seed),
        "one value 700",
    ),
    whole(
        "8 bits among 16",
        mixed(lambda seed: sets.content(sets.scene(seed))),
        "8 of whole numbers",
        "4 of 8 bits",
        "convert",
    ),
    whole(
        "floating point among 16 bits",
        mixed(lambda seed: sets.content(sets.wide(seed).astype(np.float32), "TIFF")),
        "4 of floating point",
        "8 of whole numbers",
    ),
    whole(
        "16-bit colour that fills 12 bits",
        lambda seed: sets.colour_16(sets.scene(seed).astype(np.uint16) * 16),
        "16-bit colour, of which the upper 8 bits are read",
        "at most 15 of 255",
    ),
    pretext("cut off", lambda path: path.write_bytes(good()[:-200]), "a/0.png", "cannot be read"),
    pretext("empty", lambda path: path.write_bytes(b""), "a/0.png", "it is empty"),
    pretext(
        "a pipe", lambda path: (path.unlink(), os.mkfifo(path)), "a/0.png", "is no ordinary file"
    ),
    pretext("a folder", lambda path: (path.unlink(), path.mkdir()), "a/0.png", "is a folder"),
    pretext(
        "16 bits among 8",
        lambda path: path.write_bytes(sets.content(sets.wide(1))),
        "1 of whole numbers",
        "5 of 8 bits",
    ),
    pretext("frames", lambda path: path.write_bytes(frames("PNG")()), "3 pages or frames"),
]
