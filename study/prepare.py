"""python -m study.prepare: check and describe a data set, or make the pretext weights again.

    python -m study.prepare shapes
    python -m study.prepare custom --data.train train.json --data.train-images train/ \\
        --data.val val.json --data.val-images val/ --sizes 16 64
    python -m study.prepare pretext

Exit status: 0 in order, 1 a failure of ours, 2 problems in the data, 130 interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from study.cli import DONE, OwnData, exit_status
from study.config import DataConfig
from study.data.checks import check
from study.data.index import Index
from study.data.sources import Splits, open_splits
from study.models.initialisation import PRETEXT_WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Look at a data set before anything is trained on it."""

    dataset: tyro.conf.Positional[Literal["shapes", "custom", "pretext"]] = "shapes"
    """shapes: the embedded data. custom: your own. pretext: make the pretext weights again."""
    data: OwnData = field(default_factory=OwnData)
    sizes: tuple[int, ...] = ()
    """Training-set sizes that the set must have room for."""
    out: Path = PRETEXT_WEIGHTS
    """Where the pretext weights are written."""


def prepare(command: Prepare) -> int:
    """Check, then print what the set consists of."""
    console = Console(highlight=False, soft_wrap=True)
    if command.dataset == "pretext":
        from study.pretext import train  # here: only this needs it

        train(command.out, lambda line: console.print(line, markup=False))
        return DONE
    if command.dataset == "custom" and not command.data.given:
        raise ValueError("custom: give --data.train, --data.train-images, --data.val and so on")
    data = command.data.over(DataConfig(), "custom")
    check(data, command.sizes)
    splits = open_splits(data)
    console.print(described(splits))
    console.print(f"classes: {', '.join(map(str, splits.train.category_name))}", markup=False)
    for name, digest in splits.digests().items():
        console.print(f"digest of {name}: {digest}")
    return DONE


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
