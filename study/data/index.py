"""A COCO-format annotation file as columns: numpy arrays, memory-mapped from the cache.

COCO's own train annotations take gigabytes as Python objects, again in every process. As columns
they are mapped once per node and shared. Masks are kept as COCO's compressed run lengths in the
original resolution, whatever form the file has them in; polygons also as they are.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as rle

from study.data.cache import build_once, cache_dir
from study.data.geometry.tracing import traced

VERSION = 2  # of the columns; a change makes all entries anew


@dataclass(frozen=True)
class Index:
    """I images, A annotations, C categories. Annotations are grouped by image.

    Image i has the annotations `first[i]:first[i + 1]`; labels are 0 … C - 1 in the order of the
    file's category ids, which may have gaps.
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
    rle_first: np.ndarray  # int64 [A + 1]; an annotation without a mask has no bytes
    point: np.ndarray  # float32 [P, 2] x, y px: the points of all polygons one after another
    ring_first: np.ndarray  # int64 [R + 1]: where each polygon's points begin, and the end
    rings_first: np.ndarray  # int64 [A + 1]; an annotation without polygons has no rings
    keypoints: np.ndarray  # float32 [A, K, 3] as in the file: x, y, visibility; zeros for none
    keypoint_name: np.ndarray  # str [K]; K is 0 if no category names any
    category_id: np.ndarray  # int64 [C], ascending
    category_name: np.ndarray  # str [C]
    category_has_keypoints: np.ndarray  # bool [C]: whether objects of the class have keypoints
    image_dir: Path
    path: Path
    digest: str  # of the annotation file's bytes

    @classmethod
    def open(cls, annotations: Path | str, images: Path | str) -> Index:
        """The index of an annotation file, built at the first call.

        Raises:
            ValueError: no such file or folder, not JSON, or not COCO's format.
        """
        path, folder = Path(annotations), Path(images)
        if not path.is_file():
            raise ValueError(f"annotations {path}: no such file")
        if not folder.is_dir():
            raise ValueError(f"images {folder}: no such folder")
        digest = file_digest(path)
        entry = build_once(
            cache_dir() / "index" / f"{digest}-v{VERSION}", lambda to: _build(path, to)
        )
        columns = {name: np.load(entry / f"{name}.npy", mmap_mode="r") for name in COLUMNS}
        return cls(**columns, image_dir=folder, path=path, digest=digest)

    def position(self, image_id: int) -> int:
        """Where in the image columns an id stands.

        Raises:
            ValueError: there is no such image.
        """
        at = int(np.searchsorted(self.image_id, image_id))
        if at == len(self.image_id) or self.image_id[at] != image_id:
            raise ValueError(f"{self.path}: images: there is no id {image_id}")
        return at

    def rows(self, image_id: int) -> range:
        """The annotations of an image."""
        at = self.position(image_id)
        return range(int(self.first[at]), int(self.first[at + 1]))

    def has_mask(self, annotation: int) -> bool:
        return bool(self.rle_first[annotation + 1] > self.rle_first[annotation])

    def segmentation(self, annotation: int) -> dict[str, Any]:
        """Compressed run lengths, as pycocotools takes them; the box where there is no mask."""
        at = int(np.searchsorted(self.first, annotation, side="right")) - 1
        size = [int(self.height[at]), int(self.width[at])]
        if self.has_mask(annotation):
            start, stop = self.rle_first[annotation : annotation + 2]
            return {"size": size, "counts": self.rle[start:stop].tobytes()}
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
        start, stop = self.rings_first[annotation : annotation + 2].tolist()
        if start < stop:
            bounds = self.ring_first[start : stop + 1].tolist()
            return [self.point[a:b] for a, b in itertools.pairwise(bounds)]
        if self.has_mask(annotation):
            ring = traced(self.masks([annotation])[0])
            return [ring] if len(ring) else []
        left, top, width, height = self.bbox[annotation].tolist()
        right, bottom = left + width, top + height
        return [np.array([[left, top], [right, top], [right, bottom], [left, bottom]])]

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
    name for name in Index.__dataclass_fields__ if name not in ("image_dir", "path", "digest")
)


LISTS = ("images", "annotations", "categories")


def read_json(path: Path, lists: Iterable[str] = LISTS) -> dict[str, Any]:
    """An annotation file's content.

    Raises:
        ValueError: not JSON, or not an object with these lists, by default all of COCO's.
    """
    try:
        content = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    for name in lists:
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise ValueError(f"{path}: {name}: must be a list (COCO instances format)")
    return content


def read_image_ids(path: Path) -> np.ndarray:
    """int64, ascending: the ids of an annotation file's images; all else in it is left alone.

    Kept in the cache: a file of COCO's takes seconds and gigabytes to read.

    Raises:
        ValueError: no such file, or no list of images with whole numbers as ids.
    """
    if not path.is_file():
        raise ValueError(f"annotations {path}: no such file")

    def build(to: Path) -> None:
        ids = [
            image.get("id") if isinstance(image, dict) else None
            for image in read_json(path, lists=["images"])["images"]
        ]
        for at, value in enumerate(ids):
            if type(value) is not int:
                raise ValueError(f"{path}: images[{at}]: id = {value!r}: must be a whole number")
        with to.open("wb") as file:
            np.save(file, np.unique(np.array(ids, np.int64)))

    return np.load(build_once(cache_dir() / "image-ids" / f"{file_digest(path)}.npy", build))


def file_digest(path: Path) -> str:
    """Sixteen hex digits that identify a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _build(path: Path, to: Path) -> None:
    content = read_json(path)
    try:
        columns = _columns(content)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not COCO's format ({type(error).__name__}: {error}): run"
            " `python -m study.prepare` on it for the exact place"
        ) from error
    to.mkdir()
    for name, values in columns.items():
        np.save(to / f"{name}.npy", values)


def _columns(content: dict[str, Any]) -> dict[str, np.ndarray]:
    images = sorted(content["images"], key=lambda image: image["id"])
    categories = sorted(content["categories"], key=lambda category: category["id"])
    place = {image["id"]: at for at, image in enumerate(images)}
    label = {category["id"]: at for at, category in enumerate(categories)}
    annotations = sorted(content["annotations"], key=lambda a: (place[a["image_id"]], a["id"]))
    owners = np.array([place[a["image_id"]] for a in annotations], np.int64)
    encoded = [compressed(a, images[at]) for a, at in zip(annotations, owners, strict=True)]
    boxes = [a["bbox"] for a in annotations]
    given = [a.get("segmentation") for a in annotations]
    polygons = [one if isinstance(one, list) else [] for one in given]
    rings = [ring for one in polygons for ring in one]
    return {
        "image_id": np.array([image["id"] for image in images], np.int64),
        "file_name": np.array([image["file_name"] for image in images], np.str_),
        "width": np.array([image["width"] for image in images], np.int32),
        "height": np.array([image["height"] for image in images], np.int32),
        "first": np.searchsorted(owners, np.arange(len(images) + 1)).astype(np.int64),
        "annotation_id": np.array([a["id"] for a in annotations], np.int64),
        "bbox": np.array(boxes, np.float64).reshape(-1, 4),
        "label": np.array([label[a["category_id"]] for a in annotations], np.int64),
        "area": np.array(
            [a.get("area", b[2] * b[3]) for a, b in zip(annotations, boxes, strict=True)]
        ),
        "crowd": np.array([bool(a.get("iscrowd", 0)) for a in annotations], bool),
        "rle": np.frombuffer(b"".join(encoded), np.uint8),
        "rle_first": np.cumsum([0, *map(len, encoded)]).astype(np.int64),
        "point": np.fromiter(itertools.chain.from_iterable(rings), np.float32).reshape(-1, 2),
        "ring_first": np.cumsum([0, *(len(ring) // 2 for ring in rings)]).astype(np.int64),
        "rings_first": np.cumsum([0, *map(len, polygons)]).astype(np.int64),
        "keypoints": _keypoints(annotations, categories),
        "keypoint_name": np.array(keypoint_names(categories), np.str_),
        "category_id": np.array([category["id"] for category in categories], np.int64),
        "category_name": np.array([category["name"] for category in categories], np.str_),
        "category_has_keypoints": np.array([bool(c.get("keypoints")) for c in categories], bool),
    }


def keypoint_names(categories: list[dict[str, Any]]) -> list[str]:
    """Those of the category that names most; in a file in order all that have any agree."""
    return max((c.get("keypoints") or [] for c in categories), key=len, default=[])


def _keypoints(annotations: list[dict[str, Any]], categories: list[dict[str, Any]]) -> np.ndarray:
    number = {category["id"]: len(category.get("keypoints") or []) for category in categories}
    keypoints = np.zeros((len(annotations), max(number.values(), default=0), 3), np.float32)
    for to, annotation in zip(keypoints, annotations, strict=True):
        own = number[annotation["category_id"]]
        if own and annotation.get("keypoints"):
            to[:own] = np.reshape(annotation["keypoints"], (own, 3))
    return keypoints


def compressed(annotation: dict[str, Any], image: dict[str, Any]) -> bytes:
    """COCO's compressed counts of a polygon, uncompressed or compressed RLE; empty for no mask.

    Raises:
        ValueError: a segmentation that is none of these, or of another size than its image.
    """
    given = annotation.get("segmentation")
    if not given:
        return b""
    height, width = image["height"], image["width"]
    if isinstance(given, list):
        if not all(len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in given):
            raise ValueError("segmentation: each polygon needs at least 3 points x, y")
        return rle.merge(rle.frPyObjects(given, height, width))["counts"]
    if list(given["size"]) != [height, width]:
        raise ValueError(
            f"segmentation.size = {list(given['size'])}: its image is {[height, width]}"
        )
    if isinstance(given["counts"], list):
        if sum(given["counts"]) != height * width:
            raise ValueError("segmentation.counts: do not add up to the image")
        return rle.frPyObjects(given, height, width)["counts"]
    counts = given["counts"]
    return counts.encode() if isinstance(counts, str) else counts
