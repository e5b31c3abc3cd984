"""Several splits as one, for training on all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from study.config import digest
from study.data.index.placing import placed
from study.data.source import LISTS, Content, Source

Ids = TypeVar("Ids", int, np.ndarray)


@dataclass(frozen=True)
class Joined:
    """The images of all sources, which list the same classes; see `study.data.source.Source`.

    Ids of images and annotations are other ones (`renumbered`), and file names start from the
    folder that holds all others.
    """

    sources: tuple[Source, ...]

    @property
    def path(self) -> Path:
        return self.sources[0].path

    @property
    def images(self) -> Path:
        """The folder that all images lie below."""
        return Path(os.path.commonpath([source.images.resolve() for source in self.sources]))

    def renumbered(self, ids: Ids, source: int) -> Ids:
        """What ids of that source are here."""
        return ids * len(self.sources) + source

    def digest(self) -> str:
        return digest([[one.digest(), str(one.images.resolve())] for one in self.sources])

    def read(self) -> Content:
        content: Content = {name: [] for name in LISTS}
        for kind, items in self.pieces():
            content[kind] += items
        return content

    def pieces(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for at, source in enumerate(self.sources):
            for kind, items in source.pieces():
                if kind != "categories":
                    own = self._named(items, at) if kind == "images" else items
                    yield kind, [self._item(kind, item, at) for item in own]
                elif at == 0:
                    yield kind, items

    def place(self, kind: str, item: dict[str, Any]) -> str:
        if kind == "categories":
            return self.sources[0].place(kind, item)
        number, at = divmod(item["id"], len(self.sources))
        return self.sources[at].place(kind, item | {"id": number})

    def _item(self, kind: str, item: dict[str, Any], at: int) -> dict[str, Any]:
        changed = {"id": self.renumbered(item["id"], at)}
        if kind == "images":
            return item | changed
        return item | changed | {"image_id": self.renumbered(item["image_id"], at)}

    def _named(self, images: list[dict[str, Any]], at: int) -> list[dict[str, Any]]:
        """Images of a source with file names that start from `images`."""
        folder = self.sources[at].images.resolve()
        names = placed(np.array([image["file_name"] for image in images], np.str_), folder)
        below = folder.relative_to(self.images)
        return [
            image | {"file_name": (below / name).as_posix()}
            for image, name in zip(images, names.tolist(), strict=True)
        ]
