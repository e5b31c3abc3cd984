"""A set of COCO's size from the first look to the second iteration: time, and memory at the peak.

    python -m benchmarks.large_set [--images 35000] [--folder DIR] [--short-px 128]

Pictures of 480 x 640 px and annotations like COCO's (7 objects an image) are generated, 500 of
them to report on. Then each command runs as a user would type it, with an empty cache, and once
more with what the first left there. Memory is that of the command and all its processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.index import IMAGES, write

REPORT = 500  # images
TILE = 40  # px of one colour
EACH_S = 0.5  # between looks at the memory


def generate(folder: Path, images: int) -> None:
    """Two annotation files in COCO's form, and their pictures."""
    for split, count in (("train", images), ("val", REPORT)):
        file = folder / f"{split}.json"
        write(file, count / IMAGES)
        names = [image["file_name"] for image in json.loads(file.read_text())["images"]]
        (folder / split).mkdir()
        draw = partial(_picture, folder / split)
        with ThreadPoolExecutor() as pool:
            list(pool.map(draw, names))


def _picture(folder: Path, name: str) -> None:
    """Tiles of drawn colours: no two alike, and small as a file."""
    random = np.random.default_rng([int(name.partition(".")[0]), len(folder.name)])
    tiles = random.integers(0, 256, (480 // TILE, 640 // TILE, 3), dtype=np.uint8)
    Image.fromarray(tiles).resize((640, 480), Image.Resampling.NEAREST).save(
        folder / name, quality=80
    )


def measured(command: list[str], cache: Path) -> tuple[float, float]:
    """Seconds, and the most memory (MiB) that the command and its processes had together."""
    environment = os.environ | {"STUDY_CACHE": str(cache)}
    began, peak = time.monotonic(), 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_shared_out, _family(process.pid))))
            time.sleep(EACH_S)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return time.monotonic() - began, peak


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in task.read_text().split() for one in _family(int(child))]
        except OSError:  # it has ended
            continue
    return found


def _shared_out(pid: int) -> float:
    """MiB of a process; what it shares with others counts in part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=35_000)
    parser.add_argument("--folder", type=Path, help="where the set stays (default: nowhere)")
    parser.add_argument("--short-px", type=int, default=128)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "set"
        if not (folder / "val").exists():
            folder.mkdir(parents=True)
            generate(folder, given.images)
        data = [
            *("--data.train", f"{folder}/train.json", "--data.train-images", f"{folder}/train"),
            *("--data.val", f"{folder}/val.json", "--data.val-images", f"{folder}/val"),
        ]
        size = str(given.images - 128)  # that are tuned on
        train = ["study.train", *data, "--size", size, "--batch-size", "2", "--lengths", "2"]
        train += ["--tail", "1", "0", "--short-px", str(given.short_px), "--run-dir"]
        for title in ("empty cache", "once more"):
            prepare = ["study.prepare", *data, "--page", f"{scratch}/page.html"]
            for command in (prepare, [*train, f"{scratch}/{title}"]):
                seconds, peak = measured([sys.executable, "-m", *command], Path(scratch) / "cache")
                print(f"{command[0]}, {title}: {seconds:.0f} s, {peak:,.0f} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
