"""How an image file becomes pixels of 8 bits in RGB: the one place where images are opened.

Whatever Pillow reads in 8 bits or less a channel is turned to RGB by Pillow: grey, palette, CMYK,
YCbCr, LAB, 1 bit. What is transparent shows the colour that the file has there.

Grey images of more than 8 bits (16 or 32 bits, whole numbers or floating point) are scaled by one
rule for a whole data set (`Scale`, from `study.data.scaling`), since another for each image would
hide which one is brighter. Of 16-bit colour Pillow reads the upper 8 bits. What has several pages,
or values that would be read as others, is refused.
"""

from __future__ import annotations

import logging
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

WIDE = frozenset(("I;16", "I;16L", "I;16B", "I;16N", "I", "F"))
"""Pillow's modes of more than 8 bits."""
EIGHT, COLOUR_16 = "8 bits", "16-bit colour"
WHOLE: Literal["whole numbers"] = "whole numbers"
FLOAT: Literal["floating point"] = "floating point"
"""Kinds of pixels: 8 bits or less a channel, 16 bits a colour, and grey of more than 8 bits."""
READ = (
    *("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000"),
    *("DIB", "TGA", "SGI", "PCX"),
)
"""Formats, as Pillow names them. Of the others some start programs, or come with its version."""
RAW = "a camera's raw format"
ELSEWHERE = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    **dict.fromkeys((".avif", ".avifs"), "AVIF"),
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf"), RAW),
    **dict.fromkeys((".orf", ".rw2", ".pef", ".srw"), RAW),
    **dict.fromkeys((".dcm",), "DICOM"),
    **dict.fromkeys((".czi", ".lif", ".nd2"), "a microscope's own format"),
    **dict.fromkeys((".jxl",), "JPEG XL"),
    **dict.fromkeys((".pdf",), "PDF"),
}
"""Formats that are not read, by the ends of names."""
NO_FILE = "no such file"
STARTS = {b"8BPS": "Photoshop", b"<svg": "SVG", b"<?xml": "XML", b"%PDF": "PDF"}
"""The first bytes of some."""
_PREVIEW = 5  # bits of a TIFF page that is another one made smaller, or a mask of it
_AT_ONCE = 2**20  # pixels that are scaled: an image in numbers of 64 bits is large
_PAGE_KIND, _SAMPLES, _SIGNED = 254, 339, 2
_DEPTHS, _COUNTS, _WHITE_IS_ZERO = 258, 262, 0  # a TIFF's tags, too

# what is wrong with a file we say ourselves
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class Unusable(ValueError):
    """An image file that is not read; the message names it."""


@dataclass(frozen=True)
class Scale:
    """How grey of more than 8 bits becomes 8: `low` and less is black, `high` and more white."""

    kind: Literal["whole numbers", "floating point"]
    low: float
    high: float

    def __str__(self) -> str:
        """As it is recorded."""
        return f"{self.kind}, {self.low!r} black to {self.high!r} white"

    def eight_bits(self, image: Image.Image) -> Image.Image:
        """An image of a mode in `WIDE` in grey of 8 bits."""
        found = values(image)
        if found.dtype.itemsize == 2:  # each of the 65,536 values once
            every = np.arange(2**16, dtype=np.uint16)
            return Image.fromarray(self._eight_bits(every)[found])
        rows = max(1, _AT_ONCE // found.shape[1])
        parts = [self._eight_bits(found[at : at + rows]) for at in range(0, len(found), rows)]
        return Image.fromarray(np.concatenate(parts))

    def _eight_bits(self, found: np.ndarray) -> np.ndarray:
        share = (found.astype(np.float64) - self.low) / (self.high - self.low)
        return np.rint(255 * share.clip(0, 1)).astype(np.uint8)


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """An image file, of which only the header is read yet.

    Raises:
        Unusable: there is no such file, it is none (a folder, a pipe, a device), or not an image,
            or cut off, if that is seen inside the context; or it has several pages.
    """
    if why := no_file(file):
        raise Unusable(f"{file}: {why}")
    try:
        # no path: Pillow maps such a TIFF into memory, and garbles one that lies on its side
        with file.open("rb") as content, Image.open(content, formats=READ) as image:
            _require_readable(image, file)
            yield image
    except Unusable:
        raise
    except Exception as error:  # Pillow's readers raise whatever a broken header leads them to
        raise Unusable(f"{file}: cannot be read as an image: {_reason(file, error)}") from error


def no_file(file: Path) -> str | None:
    """Why something cannot be a file to read; None: it is one. Nothing is opened: a pipe hangs."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        link = file.is_symlink()
        return f"a link to {file.readlink()}, which is not there" if link else NO_FILE
    except (OSError, ValueError) as error:  # a name too long, or with a NUL; a loop of links
        return f"no such file can be: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(mode):
        return "is a folder, and must be an image file"
    if not stat.S_ISREG(mode):
        return "is no ordinary file (a pipe, socket or device), and must be an image file"
    return None


def rgb(image: Image.Image, scale: Scale | None, file: Path | str = "image") -> Image.Image:
    """An image of any mode in RGB of 8 bits.

    Args:
        scale: of the data set, or of those that a detector was trained on; None: of 8 bits.
        file: for messages.

    Raises:
        Unusable: its pixels are of another kind than `scale` is for, or no numbers.
    """
    kind = kind_of(image)
    wanted = scale.kind if scale else EIGHT
    if kind in (EIGHT, COLOUR_16) and scale is None:
        return image.convert("RGB")
    if kind != wanted or scale is None:
        raise Unusable(
            f"{file}: has pixels of {kind}{_bits(image)}, and the others of {wanted}: all"
            " must be of one kind, to be scaled alike; convert one kind to the other"
        )
    try:
        return scale.eight_bits(image).convert("RGB")
    except Unusable as error:
        raise Unusable(f"{file}: {error}") from error


def kind_of(image: Image.Image) -> str:
    """Of which kind its pixels are, from the header."""
    if image.mode in WIDE:
        return FLOAT if image.mode == "F" else WHOLE
    raw = [str(one) for tile in _tiles(image) for one in _listed(tile[3])]
    return COLOUR_16 if any(";16" in one for one in raw) else EIGHT


def values(image: Image.Image) -> np.ndarray:
    """[h, w]: those of an image of a mode in `WIDE`.

    Raises:
        Unusable: some are no numbers.
    """
    found = np.asarray(image)
    # Pillow reads 32 bits without a sign as if they had one
    tags = getattr(image, "tag_v2", None)
    if image.mode == "I" and tags is not None and tags.get(_SAMPLES, (1,))[0] == 1:
        found = found.view(np.uint32)
    if found.dtype.kind == "f" and (wrong := int((~np.isfinite(found)).sum())):
        raise Unusable(
            f"{wrong:,} of its {found.size:,} pixels are no finite numbers (NaN or infinite): give"
            " them a value, the background's for example"
        )
    return found


def _tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", None) or [])


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _bits(image: Image.Image) -> str:
    return {"F": " (32 bits)", "I": " (up to 32 bits)"}.get(
        image.mode, " (16 bits)" if image.mode in WIDE else ""
    )


def _require_readable(image: Image.Image, file: Path) -> None:
    """Refuse what Pillow would read as something else, and several images in one file.

    A phone's JPEG may have previews behind (MPO).
    """
    if misread := _misread(image):
        raise Unusable(f"{file}: {misread}")
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return
    pages = int(getattr(image, "n_frames", 2))
    if image.format == "TIFF":
        pages = 1 + sum(_is_page(image, at) for at in range(1, pages))
        image.seek(0)
    if pages > 1:
        raise Unusable(
            f"{file}: has {pages} pages or frames, of which all but the first would be left out:"
            " write each as a file of its own"
        )


def _misread(image: Image.Image) -> str | None:
    """What is wrong with a TIFF that Pillow reads as other numbers than it holds."""
    if image.format != "TIFF":
        return None
    tags = image.tag_v2  # type: ignore[attr-defined]
    if image.mode == "L" and tags.get(_SAMPLES, (1,))[0] == _SIGNED:
        return (
            "has pixels of 8 bits with a sign, which would be read without it: write them with 16"
            " bits"
        )
    if image.mode in WIDE and tags.get(_COUNTS) == _WHITE_IS_ZERO:
        return (
            "counts white as 0 (PhotometricInterpretation 0), which would be read as a negative:"
            " write it with black as 0"
        )
    if max(tags.get(_DEPTHS, (1,))) > 8 and kind_of(image) == EIGHT:
        return (
            "has 16 bits a channel in planes of their own (PlanarConfiguration 2), which would be"
            " read as 8: write it with the channels of a pixel beside each other"
        )
    return None


def _is_page(image: Image.Image, at: int) -> bool:
    image.seek(at)
    return not int(getattr(image, "tag_v2", {}).get(_PAGE_KIND, 0)) & _PREVIEW


def _reason(file: Path, error: Exception) -> str:
    """Why an image is not read, in words."""
    if isinstance(error, Image.UnidentifiedImageError):
        try:
            with file.open("rb") as opened:
                start = opened.read(64)
        except OSError:
            start = b""
        return _unknown(file, start)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = " ".join(str(error).split())
    return (
        said
        if isinstance(error, (OSError, SyntaxError, ValueError)) and said
        else (
            f"its header or content is damaged ({type(error).__name__}{': ' * bool(said)}{said})"
        )
    )


def _unknown(file: Path, start: bytes) -> str:
    if not start:
        return "it is empty"
    named = ELSEWHERE.get(file.suffix.lower())
    begun = next((name for key, name in STARTS.items() if start.lstrip().startswith(key)), None)
    if start[4:8] == b"ftyp":
        begun = "HEIC" if start[8:11] in (b"hei", b"mif", b"hev") else "a film or AVIF"
    if known := begun or named:
        return f"{known} is not read; convert it to PNG, TIFF or JPEG"
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return (
            "a TIFF of a kind that is not read (more than four channels, 64 bits, or colour in"
            " floating point); write grey or RGB of 8 or 16 bits, or grey of 32"
        )
    if start[:8] == b"\x89PNG\r\n\x1a\n" or start[:2] == b"\xff\xd8":
        return "its header is damaged, or it is cut off"
    return "cannot identify an image in it; give PNG, JPEG, TIFF, BMP, GIF, WebP, PGM or PPM"
