"""python -m study.predict: what a trained detector finds on photos.

    python -m study.predict detector/ photos/ more/one.jpg --out found/

Writes into found/ each photo with boxes and masks drawn on it, detections.csv, and
detections.json: a COCO data set whose annotations have scores. Boxes are in px of the photo as it
is seen, turned upright by its EXIF orientation.

Exit status: 0 done, 1 some photos could not be read, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from study.commands.common import DONE, FAILURE, exit_status
from study.commands.devices import require_device
from study.commands.options.parsing import parsed
from study.config.checks.require import MOST_BATCH, require, whole
from study.config.printable import shown
from study.config.terminal import Terminal
from study.data.pixels import Scale
from study.storage.writing import make_folder, require_file, require_writable
from study.trained import folder, photos


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Find objects on photos with a detector that `study.train --best` wrote."""

    detector: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="DETECTOR")]]
    """The detector's folder."""
    photos: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PHOTOS")]]
    """Image files, or folders that hold some at any depth."""
    out: Path
    """Folder for the pictures and tables."""
    score_threshold: float = 0.5
    """Detections with lower scores are in detections.json alone."""
    batch_size: int = 8
    """Photos at once; makes no difference but for speed and memory."""
    device: Literal["auto", "cpu", "cuda"] = "auto"


def predict(command: Predict, console: Console) -> int:
    """Look at every photo that can be read; returns the exit status.

    Raises:
        ValueError: no detector, no photos, or a folder that the photos themselves lie in.
    """
    inside = 0 <= command.score_threshold <= 1
    require(inside, "score-threshold", command.score_threshold, "from 0 to 1")
    require(command.batch_size >= 1, "batch-size", command.batch_size, "at least 1")
    whole("batch-size", command.batch_size, 1, MOST_BATCH, " photos")
    folder.read(command.detector)  # before torch, which takes seconds
    files = photos.listed(command.photos, command.out)
    if command.out.resolve() in {file.parent.resolve() for file in files}:
        raise ValueError(
            f"out = {command.out}: photos lie there, and would be written over; choose another"
        )
    require_writable(command.out)
    photos.require_no_others(command.out)
    for name in photos.WRITTEN:
        require_file("out", command.out / name)
    import torch  # here: bad input needs none

    from study.trained.module import load
    from study.trained.results import Found

    require_device(command.device)
    detector = load(command.detector)
    cuda = command.device == "cuda" or (command.device == "auto" and torch.cuda.is_available())
    detector.to("cuda" if cuda else "cpu")
    make_folder(command.out)
    found = Found(command.out, detector.described.classes, command.score_threshold)
    found.write()  # of nothing yet: what is interrupted is known by it as results, too
    lost: list[str] = []
    objects = 0
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("looking", total=len(files))
        for start in range(0, len(files), command.batch_size):
            chosen = files[start : start + command.batch_size]
            there = list(_read(chosen, detector.described.scale, lost))
            pictures = [picture for _, picture in there]
            for (file, picture), rows in zip(there, detector.detections(pictures), strict=True):
                objects += found.add(file, picture, rows)
            progress.advance(task, len(chosen))
    found.write()
    looked = len(found.images)
    for line in lost:
        console.print(f"error: {line}", markup=False, highlight=False, soft_wrap=True)
    print(
        f"{objects:,} object{'s' * (objects != 1)} of score {command.score_threshold:g} or more on"
        f" {looked:,} photo{'s' * (looked != 1)}: {shown(str(command.out), 500)}"
    )
    return FAILURE if lost else DONE


def _read(
    files: Sequence[Path], scale: Scale | None, lost: list[str]
) -> Iterator[tuple[Path, Image.Image]]:
    """Those that can be read; a line for each other goes to `lost`."""
    for file in files:
        try:
            yield file, photos.upright(file, scale)
        except ValueError as error:
            lost.append(str(error))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Terminal(stderr=True)
    prog = "python -m study.predict"
    return exit_status(
        lambda: predict(parsed(Predict, arguments, prog, __doc__), console), arguments
    )


if __name__ == "__main__":
    sys.exit(main())
