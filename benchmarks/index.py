"""Reading an annotation file like COCO's: the study's index, against pycocotools' `COCO`.

Each runs in a process of its own, in turns. Ours hashes the file and writes the index besides; the
processes' start and imports count for the CPU and the memory, not for the seconds that passed.

python -m benchmarks.index            # a tenth of COCO's train annotations
python -m benchmarks.index --share 1  # all of it: minutes, and gigabytes of memory
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

IMAGES, ANNOTATIONS, CATEGORIES = 118_287, 860_001, 80  # of instances_train2017.json
HEIGHT, WIDTH = 480, 640
CROWDS = 0.01
RINGS = (1, 1, 1, 1, 1, 1, 1, 1, 2, 3)  # a tenth of the objects are seen in two or three parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.1, help="of COCO's size, default 0.1")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns; default 3")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "instances_train.json"
        write(path, options.share)
        print(f"{path.stat().st_size / 1e6:.0f} MB of JSON, {options.rounds} rounds")
        ways: dict[str, Callable[[Path], None]] = {"index": index, "pycocotools": pycocotools}
        taken = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                taken[name].append(measured(way, path))
        peer = [statistics.median(column) for column in zip(*taken["pycocotools"], strict=True)]
        for name, rows in taken.items():
            wall, cpu, peak = (statistics.median(column) for column in zip(*rows, strict=True))
            print(
                f"  {name:12} {wall:6.1f} s × {wall / peer[0]:.2f}"
                f"   of the CPU {cpu:6.1f} s × {cpu / peer[1]:.2f}"
                f"   peak {peak:6.0f} MB × {peak / peer[2]:.2f}"
            )


def index(path: Path) -> None:
    from study.data.formats.coco import AnnotationFile
    from study.data.index import Index

    with TemporaryDirectory() as cache:
        os.environ["STUDY_CACHE"] = cache
        Index.open(AnnotationFile(path, path.parent))


def pycocotools(path: Path) -> None:
    from pycocotools.coco import COCO

    COCO(str(path))


def measured(way: Callable[[Path], None], path: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the CPU and MB at the peak that a process of its own needs."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(way, path, sender))
    child.start()
    sender.close()
    found = receiver.recv()
    child.join()
    return found


def _child(way: Callable[[Path], None], path: Path, sender: Any) -> None:
    began = time.perf_counter()
    way(path)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    sender.send((wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000))


def write(path: Path, share: float) -> None:
    """An annotation file like COCO's, of this share of its images and objects."""
    random = np.random.default_rng(0)
    images, annotations = round(IMAGES * share), round(ANNOTATIONS * share)
    ids = np.sort(random.choice(6 * images, images, replace=False)).tolist()  # with gaps
    owners = random.choice(ids, annotations).tolist()  # in no order, as in COCO's files
    with path.open("w") as file:
        file.write('{"info": {"description": "like COCO"}, "licenses": [], "images": ')
        _list(file, map(_image, ids))
        file.write(', "annotations": ')
        _list(file, (_annotation(at, owner, random) for at, owner in enumerate(owners, start=1)))
        file.write(', "categories": ')
        _list(file, ({"id": k, "name": f"class {k}"} for k in range(1, CATEGORIES + 1)))
        file.write("}")


def _list(file: Any, items: Iterator[dict[str, Any]]) -> None:
    for at, item in enumerate(items):
        file.write(("[" if at == 0 else ", ") + json.dumps(item))
    file.write("]")


def _image(at: int) -> dict[str, Any]:
    name = f"{at:012d}.jpg"
    url = f"http://images.cocodataset.org/train2017/{name}"
    size = {"height": HEIGHT, "width": WIDTH}
    taken = {"date_captured": "2013-11-14 11:18:45", "flickr_url": url, "id": at}
    return {"license": 3, "file_name": name, "coco_url": url} | size | taken


def _annotation(at: int, owner: int, random: np.random.Generator) -> dict[str, Any]:
    side = np.exp(random.normal(np.log(70), 0.9, 2)).clip(6, (WIDTH - 2, HEIGHT - 2))
    corner = random.random(2) * ((WIDTH, HEIGHT) - side)
    if crowd := random.random() < CROWDS:
        segmentation: Any = {"counts": _runs(corner, side, random), "size": [HEIGHT, WIDTH]}
    else:
        rings = RINGS[random.integers(len(RINGS))]
        segmentation = [_ring(corner, side, part, rings, random) for part in range(rings)]
    return {
        "segmentation": segmentation,
        "area": round(float(side.prod()) * 0.7, 4),
        "iscrowd": int(crowd),
        "image_id": owner,
        "bbox": [*corner.round(2).tolist(), *side.round(2).tolist()],
        "category_id": int(random.integers(1, CATEGORIES + 1)),
        "id": at * 2 + 40_000,
    }


def _ring(
    corner: np.ndarray, side: np.ndarray, part: int, parts: int, random: np.random.Generator
) -> list[float]:
    """A closed outline like a blob, in one of `parts` stripes of the box, x and y in turns."""
    points = int(random.integers(10, 26)) + 10 * (parts == 1 and random.random() < 0.4)
    turn = np.sort(random.random(points)) * 2 * np.pi
    reach = 0.5 * random.uniform(0.6, 1, points)
    shape = np.stack([np.cos(turn) * reach + 0.5, np.sin(turn) * reach + 0.5], axis=1)
    shape[:, 0] = (shape[:, 0] + part) / parts
    return (corner + shape * side).round(2).ravel().tolist()


def _runs(corner: np.ndarray, side: np.ndarray, random: np.random.Generator) -> list[int]:
    """Uncompressed run lengths: two runs in each column of the box, of uneven length."""
    left, top = corner.astype(int)
    columns, lines = side.astype(int)
    starts = (left + np.arange(columns)) * HEIGHT + top
    edges = starts[:, None] + np.sort(random.integers(0, lines, (columns, 4)), axis=1)
    return np.diff(edges.ravel(), prepend=0, append=HEIGHT * WIDTH).tolist()


if __name__ == "__main__":
    main()
