"""Photos to look at: files and folders of them, read upright."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageOps

from study.data.source import IMAGE_SUFFIXES


def listed(given: Iterable[Path]) -> list[Path]:
    """The files among `given`, and the images in its folders by name, each once.

    A file that is not there stays in the list: reading it says so.

    Raises:
        ValueError: there is none.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = (file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
            found += sorted(file for file in inside if not file.name.startswith("."))
        else:
            found.append(path)
    if not found:
        where = ", ".join(map(str, given)) or "nothing"
        raise ValueError(
            f"photos = {where}: holds no images; give image files, or folders that hold some"
            f" ({' '.join(sorted(IMAGE_SUFFIXES))})"
        )
    return list(dict.fromkeys(found))


def upright(file: Path) -> Image.Image:
    """The photo in RGB, turned as its EXIF orientation says.

    What is transparent shows the colour that the file has there, as in training.

    Raises:
        ValueError: not an image, or cut off.
    """
    try:
        with Image.open(file) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError as error:
        raise ValueError(f"{file}: no such file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{file}: cannot be read as an image: {error}") from error
