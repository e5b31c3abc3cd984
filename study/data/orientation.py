"""How images are seen: as they are stored, or upright by their EXIF orientation.

A camera held upright stores the picture lying, and an orientation. Tools that show it upright
annotate it so, and then the size that they state is as high as the stored one is wide. A picture
that stands on its head has the same size either way: there only the format can tell.

Of a TIFF Pillow exchanges width and height when it reads the header, and turns the pixels upright
when it loads them, of which nothing can be seen later. So what is asked here of an image is to be
asked before it is loaded, and `turn` may turn a TIFF back.
"""

from __future__ import annotations

from PIL import ExifTags, Image

_TAG = ExifTags.Base.Orientation
_AS_STORED = 1
_QUARTER_TURNS = (5, 6, 7, 8)  # orientations that exchange width and height
_WIDTH, _HEIGHT = 256, 257  # of a TIFF, as stored
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a stored picture upright, by its orientation."""
_BACK = _UPRIGHT | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""And back; the others are undone by themselves."""


def stored_px(image: Image.Image) -> tuple[int, int]:
    """Width and height of the pixels in the file."""
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        return int(tags[_WIDTH]), int(tags[_HEIGHT])
    return image.size


def lies(image: Image.Image) -> bool:
    """Whether width and height are exchanged when the image is shown upright."""
    return _orientation(image) in _QUARTER_TURNS


def hidden(image: Image.Image) -> int | None:
    """The orientation, where the size does not tell whether the image is shown by it."""
    orientation = _orientation(image)
    if orientation == _AS_STORED:
        return None
    width, height = stored_px(image)
    return orientation if orientation not in _QUARTER_TURNS or width == height else None


def turn(
    image: Image.Image, stated: tuple[int, int], upright: bool = False
) -> Image.Transpose | None:
    """What turns the image, once it is loaded, as its annotations see it; None: nothing does.

    They say that it is of `stated` (width, height) px. Where that is the stored size the image
    stays, whatever its orientation says, but for annotations that always see it `upright`.
    """
    orientation, stored = _orientation(image), stored_px(image)
    if orientation == _AS_STORED:
        return None
    exchanged = stored != stated and stored[::-1] == stated and orientation in _QUARTER_TURNS
    seen_upright = exchanged or (upright and hidden(image) is not None)
    if image.format == "TIFF":
        return None if seen_upright else _BACK[orientation]
    return _UPRIGHT[orientation] if seen_upright else None


def upright(image: Image.Image) -> Image.Transpose | None:
    """What turns the image, once it is loaded, as EXIF says to show it; None: nothing does.

    Pillow's own `exif_transpose` copies the image without the tags that tell what its numbers are,
    and writes its EXIF anew, which fails for much that cameras put there.
    """
    return None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image))


def turned(image: Image.Image, by: Image.Transpose | None) -> Image.Image:
    """The loaded image, turned as `turn` or `upright` says."""
    return image if by is None else image.transpose(by)


def _orientation(image: Image.Image) -> int:
    found = image.getexif().get(_TAG, _AS_STORED)
    return int(found) if found in _UPRIGHT else _AS_STORED
