"""What a data format gives of one split: where its images are, and COCO's form of what it says.

All else (index, checks, loader) knows annotations in this form alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

Content = dict[str, Any]
"""`images`, `annotations` and `categories`: lists of objects as in COCO's instances format."""
LISTS = ("images", "annotations", "categories")

IMAGE_SUFFIXES = frozenset(
    (
        *(".bmp", ".gif", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"),
        *(".jpeg", ".jpg", ".jfif", ".jpe"),
        *(".jp2", ".j2k", ".jpx"),  # JPEG 2000
    )
)
SHOWN = 20  # lines of an error


class BadData(ValueError):
    """The data cannot be used; `problems` has a line for each reason, `remedy` what may help."""

    def __init__(self, problems: Sequence[str], remedy: str = "") -> None:
        shown = "\n".join(problems[:SHOWN])
        more = f"\n… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        one = len(problems) == 1
        count = "a problem" if one else f"{len(problems)} problems"
        apart = " " if one and "\n" not in shown else "\n"
        after = f"{'.' if apart == ' ' else ''}{apart}{remedy}" if remedy else ""
        super().__init__(f"{count} in the data:{apart}{shown}{more}{after}")
        self.problems = list(problems)


class Source(Protocol):
    """The annotated images of one split. Nothing is read before it is asked for."""

    @property
    def path(self) -> Path:
        """The annotation file, or the folder or list of several: named in messages."""
        ...

    @property
    def images(self) -> Path:
        """The folder that `file_name` of each image starts from."""
        ...

    @property
    def upright(self) -> bool:
        """Whether annotations are of the images as EXIF says to show them, also where the stated
        size does not tell (`study.data.orientation`).
        """
        ...

    def digest(self) -> str:
        """Sixteen hex digits of all that `read` depends on, wherever it lies.

        Raises:
            ValueError: a file or folder is missing, or cannot be read.
        """
        ...

    def read(self) -> Content:
        """The annotations in COCO's form; ids of images and annotations are whole numbers.

        Raises:
            BadData: files that are not in the format; each is named.
            ValueError: the same, where there is only one file.
        """
        ...

    def pieces(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """What `read` gives, some items at a time, each time with the name of their list.

        A large file is then never in memory as a whole. The lists come in any order.

        Raises:
            ValueError: as `read`, but some may have been given by then.
        """
        ...

    def place(self, kind: str, item: dict[str, Any]) -> str:
        """Where in the files an item of `content[kind]` stands, for messages.

        Args:
            kind: "images", "annotations" or "categories".
            item: as `read` gave it; of an image `id` and `file_name` are enough.
        """
        ...
