"""How images are seen: as they are stored, or upright by their EXIF orientation.

A camera held upright stores the picture lying, and an orientation. Tools that show it upright
annotate it so, and then the size that they state is as high as the stored one is wide. A picture
that stands on its head has the same size either way: there only the format can tell.
"""

from __future__ import annotations

from PIL import ExifTags, Image, ImageOps

_TAG = ExifTags.Base.Orientation
_AS_STORED = 1
_QUARTER_TURNS = (5, 6, 7, 8)  # orientations that exchange width and height


def lies(image: Image.Image) -> bool:
    """Whether width and height are exchanged when the image is shown upright."""
    return image.getexif().get(_TAG, 1) in _QUARTER_TURNS


def hidden(image: Image.Image) -> int | None:
    """The orientation, where the size does not tell whether the image is shown by it."""
    orientation = image.getexif().get(_TAG, _AS_STORED)
    if orientation not in range(2, 9):
        return None
    same = orientation not in _QUARTER_TURNS or image.width == image.height
    return orientation if same else None


def turned(image: Image.Image, stated: tuple[int, int], upright: bool = False) -> Image.Image:
    """The image as its annotations see it, which say that it is of (width, height) px.

    Where the stated size is the stored one it stays, whatever its orientation says, but for
    annotations that always see it `upright`.
    """
    if upright and hidden(image):
        return ImageOps.exif_transpose(image)
    if image.size != stated and image.size[::-1] == stated and lies(image):
        return ImageOps.exif_transpose(image)
    return image
