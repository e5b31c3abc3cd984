"""python -m study.prepare: check and describe a data set, or make the pretext weights again.

    python -m study.prepare shapes
    python -m study.prepare custom --data.train train.json --data.train-images train/ \\
        --data.val val.json --data.val-images val/ --sizes 16 64
    python -m study.prepare coco_10k --data.root /datasets/coco --write-ids ids/
    python -m study.prepare voc --data.root VOCdevkit
    python -m study.prepare pretext

For a search space that names its own data it also prints the digest of each subset, to compare or
to record in the space; VOC's annotations are first converted to COCO's format.

Exit status: 0 in order, 1 a failure of ours, 2 problems in the data, 130 interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from study.cli import DONE, OwnData, data_config, exit_status, unset
from study.data import voc
from study.data.checks import check
from study.data.downloads import to_unpack
from study.data.index import Index
from study.data.sources import Splits, open_splits
from study.models.initialisation import PRETEXT_WEIGHTS
from study.spaces import find


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Look at a data set before anything is trained on it."""

    dataset: tyro.conf.Positional[Annotated[str, unset("[NAME]")]] = "shapes"
    """shapes: the embedded data. custom: your own. A search space (name or file): its data.
    pretext: make the pretext weights again."""
    data: OwnData = field(default_factory=OwnData)
    sizes: Annotated[tuple[int, ...] | None, unset("N ...")] = None
    """Training-set sizes that the set must have room for (default: those of a search space)."""
    draws: int = 5
    """Draws of each size whose digests are printed and whose ids are written."""
    write_ids: Annotated[Path | None, unset("DIR")] = None
    """Write the ids of the images tuned on, and trained on at each size and draw, a line each."""
    out: Path = PRETEXT_WEIGHTS
    """Where the pretext weights are written."""


def prepare(command: Prepare) -> int:
    """Check, then print what the set consists of."""
    console = Console(highlight=False, soft_wrap=True)
    if command.dataset == "pretext":
        from study.pretext import train  # here: only this needs it

        train(command.out, lambda line: console.print(line, markup=False))
        return DONE
    space = find(command.dataset)
    data = data_config(space, command.data)
    own = space.name in ("shapes", "custom")  # sizes of theirs are examples
    sizes = command.sizes if command.sizes is not None else () if own else space.scientific.sizes
    if data.name == "voc" and not to_unpack(data):
        voc.prepare(data)
    check(data, sizes)
    splits = open_splits(data)
    console.print(described(splits))
    console.print(f"classes: {', '.join(map(str, splits.train.category_name))}", markup=False)
    subsets = [f"{size} draw {draw}" for size in sizes for draw in range(command.draws)]
    digests = {name: splits.digest(name) for name in [*splits.digests(), *subsets]}
    console.print(f"digests={json.dumps(digests, indent=4)}", markup=False)  # as a space has them
    if command.write_ids:
        write_ids(command.write_ids, splits, sizes, command.draws)
        console.print(f"ids written to {command.write_ids}", markup=False)
    return DONE


def write_ids(folder: Path, splits: Splits, sizes: Sequence[int], draws: int) -> None:
    """A file of image ids for each subset, in the order drawn, and one for the tuning split."""
    ids = {"tune": splits.tune_ids}
    ids |= {f"{size}-{draw}": splits.subset(size, draw) for size in sizes for draw in range(draws)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in ids.items():
        (folder / f"{name}.txt").write_text("".join(f"{value}\n" for value in values))


def described(splits: Splits) -> Table:
    """A table with a column for each split."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    parts = {
        "to train on": (splits.train, splits.pool),
        "to tune on": splits.images("tune"),
        "to report on": splits.images("report"),
    }
    columns = [_counts(*part) for part in parts.values()]
    for name in parts:
        table.add_column(name, justify="right")
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    return table


def _counts(index: Index, image_ids: np.ndarray) -> dict[str, str]:
    rows = np.array([row for i in image_ids for row in index.rows(int(i))], np.int64)
    per_image = np.array([len(index.rows(int(i))) for i in image_ids])
    crowd = index.crowd[rows]
    boxes = index.bbox[rows][~crowd]
    sides = np.sqrt(boxes[:, 2] * boxes[:, 3])
    low, middle, high = np.quantile(sides, [0.05, 0.5, 0.95]) if len(sides) else [0, 0, 0]
    return {
        "images": f"{len(image_ids):,}",
        "without objects": f"{int((per_image == 0).sum()):,}",
        "objects": f"{int((~crowd).sum()):,}",
        "objects with masks": f"{sum(map(index.has_mask, rows[~crowd].tolist())):,}",
        "crowd regions": f"{int(crowd.sum()):,}",
        "object size, px": f"{middle:.0f} ({low:.0f} to {high:.0f})",
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    command = tyro.cli(
        Prepare, prog="python -m study.prepare", args=arguments, description=__doc__
    )
    return exit_status(lambda: prepare(command))


if __name__ == "__main__":
    sys.exit(main())
