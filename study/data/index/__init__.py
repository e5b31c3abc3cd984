"""The annotations of a split as columns: numpy arrays, memory-mapped from the cache.

COCO's own train annotations take gigabytes as Python objects, again in every process. As columns
they are mapped once per node and shared. Polygons are stored as the file has them, and rasterised
when their mask is asked for, in some microseconds; other masks are COCO's compressed run lengths.
All are of the original image's size.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as rle

from study.data.cache import build_once, cache_dir
from study.data.geometry.run_lengths import rasterised
from study.data.geometry.tracing import traced
from study.data.given import folder_there
from study.data.index.columns import VERSION, Columns
from study.data.index.placing import placed, require_distinct
from study.data.pixels import Scale
from study.data.source import Source


@dataclass(frozen=True)
class Index:
    """I images, A annotations, C categories. Annotations are grouped by image.

    Image i has the annotations `first[i]:first[i + 1]`; labels are 0 … C - 1 in the order of the
    category ids, which may have gaps.
    """

    image_id: np.ndarray  # int64 [I], ascending
    file_name: np.ndarray  # str [I]
    width: np.ndarray  # int32 [I] px
    height: np.ndarray  # int32 [I] px
    first: np.ndarray  # int64 [I + 1]
    annotation_id: np.ndarray  # int64 [A]
    bbox: np.ndarray  # float64 [A, 4] xywh px, as in the file
    label: np.ndarray  # int64 [A]
    area: np.ndarray  # float64 [A] px², as in the file
    crowd: np.ndarray  # bool [A]
    rle: np.ndarray  # uint8, all compressed counts one after another
    rle_first: np.ndarray  # int64 [A + 1]; polygons, and what has no mask, have no bytes
    point: np.ndarray  # float64 [P, 2] x, y px: the points of all polygons one after another
    ring_first: np.ndarray  # int64 [R + 1]: where each polygon's points begin, and the end
    rings_first: np.ndarray  # int64 [A + 1]; an annotation without polygons has no rings
    keypoints: np.ndarray  # float32 [A, K, 3] as in the file: x, y, visibility; zeros for none
    keypoint_name: np.ndarray  # str [K]; K is 0 if no category names any
    category_id: np.ndarray  # int64 [C], ascending
    category_name: np.ndarray  # str [C]
    category_has_keypoints: np.ndarray  # bool [C]: whether objects of the class have keypoints
    upright: np.ndarray  # bool [I]: annotated as EXIF says to show it, not as its size tells
    image_dir: Path
    path: Path
    digest: str  # of what the source read
    scale: Scale | None = None  # of pixels of more than 8 bits; None: they have 8

    @classmethod
    def open(cls, source: Source) -> Index:
        """The index of a split, built at the first call.

        Raises:
            ValueError: files are missing, or not in the source's format.
        """
        digest = source.digest()
        folder_there(source.images, "images")
        entry = build_once(
            cache_dir() / "index" / f"{digest}-v{VERSION}", lambda to: _build(source, to)
        )
        mapped = {name: np.load(entry / f"{name}.npy", mmap_mode="r") for name in COLUMNS}
        # as plain arrays: in those of `np.memmap` every look costs ten times as much
        found: dict[str, Any] = {name: np.asarray(column) for name, column in mapped.items()}
        # not in the entry: it is of the annotations, wherever their images lie
        found["file_name"] = placed(found["file_name"], source.images)
        require_distinct(found["image_id"], found["file_name"], source.path)
        found["upright"] = np.full(len(found["image_id"]), source.upright)
        return cls(**found, image_dir=source.images, path=source.path, digest=digest)

    def position(self, image_id: int) -> int:
        """Where in the image columns an id stands.

        Raises:
            ValueError: there is no such image.
        """
        at = int(np.searchsorted(self.image_id, image_id))
        if at == len(self.image_id) or self.image_id[at] != image_id:
            raise ValueError(f"{self.path}: images: there is no id {image_id}")
        return at

    def files(self, image_ids: np.ndarray | None = None) -> list[Path]:
        """The image files, of all images or of some."""
        ids = self.image_id if image_ids is None else image_ids
        names = self.file_name[np.searchsorted(self.image_id, ids)]
        return [self.image_dir / name for name in names.tolist()]

    def rows(self, image_id: int) -> range:
        """The annotations of an image."""
        at = self.position(image_id)
        return range(int(self.first[at]), int(self.first[at + 1]))

    @property
    def any_mask(self) -> bool:
        """Whether any object has one."""
        return bool(self.rings_first[-1] or self.rle_first[-1])

    def has_mask(self, annotation: int) -> bool:
        return any(
            first[annotation + 1] > first[annotation]
            for first in (self.rings_first, self.rle_first)
        )

    def segmentation(self, annotation: int) -> dict[str, Any]:
        """Compressed run lengths, as pycocotools takes them; the box where there is no mask."""
        at = int(np.searchsorted(self.first, annotation, side="right")) - 1
        size = [int(self.height[at]), int(self.width[at])]
        start, stop = self.rle_first[annotation : annotation + 2].tolist()
        if start < stop:
            return {"size": size, "counts": self.rle[start:stop].tobytes()}
        if rings := self._rings(annotation):
            return {"size": size, "counts": rasterised([r.ravel().tolist() for r in rings], *size)}
        left, top, width, height = self.bbox[annotation].tolist()
        corners = [left, top, left + width, top, left + width, top + height, left, top + height]
        return rle.merge(rle.frPyObjects([corners], *size))

    def masks(self, annotations: Iterable[int]) -> np.ndarray:
        """uint8 [n, height, width] of annotations of one image."""
        parts = [self.segmentation(a) for a in annotations]
        if not parts:
            return np.zeros((0, 1, 1), np.uint8)
        return rle.decode(parts).transpose(2, 0, 1)

    def polygons(self, annotation: int) -> list[np.ndarray]:
        """Rings [p, 2], x and y in px, whose union is the object: as in the file, if it has any.

        Otherwise the outline of its mask, or where there is no mask its box.
        """
        if rings := self._rings(annotation):
            return [ring.astype(np.float32) for ring in rings]
        if self.has_mask(annotation):
            ring = traced(self.masks([annotation])[0])
            return [ring] if len(ring) else []
        left, top, width, height = self.bbox[annotation].tolist()
        right, bottom = left + width, top + height
        return [np.array([[left, top], [right, top], [right, bottom], [left, bottom]])]

    def _rings(self, annotation: int) -> list[np.ndarray]:
        start, stop = self.rings_first[annotation : annotation + 2].tolist()
        bounds = self.ring_first[start : stop + 1].tolist()
        return [self.point[a:b] for a, b in itertools.pairwise(bounds)]

    def coco(self, image_ids: Iterable[int]) -> dict[str, Any]:
        """The ground truth of some images as a COCO data set, ids as in the file."""
        chosen = [int(i) for i in image_ids]
        positions = [self.position(i) for i in chosen]
        return {
            "images": [
                {"id": i, "width": int(self.width[at]), "height": int(self.height[at])}
                for i, at in zip(chosen, positions, strict=True)
            ],
            "annotations": [self._annotation(row, i) for i in chosen for row in self.rows(i)],
            "categories": [
                {"id": int(i), "name": str(name)}
                | ({"keypoints": self.keypoint_name.tolist()} if has else {})
                for i, name, has in zip(
                    self.category_id, self.category_name, self.category_has_keypoints, strict=True
                )
            ],
        }

    def _annotation(self, row: int, image_id: int) -> dict[str, Any]:
        segmentation, keypoints = self.segmentation(row), self.keypoints[row]
        found = {
            "id": int(self.annotation_id[row]),
            "image_id": image_id,
            "category_id": int(self.category_id[self.label[row]]),
            "bbox": self.bbox[row].tolist(),
            "area": float(self.area[row]),
            "iscrowd": int(self.crowd[row]),
            "segmentation": segmentation | {"counts": segmentation["counts"].decode()},
        }
        if len(keypoints):
            found["keypoints"] = keypoints.ravel().tolist()
            found["num_keypoints"] = int((keypoints[:, 2] > 0).sum())  # 0: OKS ignores the object
        return found


COLUMNS = tuple(
    name
    for name in Index.__dataclass_fields__
    if name not in ("upright", "image_dir", "path", "digest", "scale")
)


def _build(source: Source, to: Path) -> None:
    columns = Columns()
    for kind, items in source.pieces():
        with _refusal(source):
            columns.add(kind, items)
    with _refusal(source):
        built = columns.build()
    to.mkdir()
    for name in COLUMNS:
        np.save(to / f"{name}.npy", built[name])


@contextlib.contextmanager
def _refusal(source: Source) -> Iterator[None]:
    """Say of which file it is that it is not in COCO's form."""
    try:
        yield
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"{source.path}: not COCO's format ({type(error).__name__}: {error})"
        ) from error
