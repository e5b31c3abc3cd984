"""python -m study.prepare: check, describe and distribute a data set, or pre-train.

    python -m study.prepare shapes
    python -m study.prepare photos/        # a data set of your own: what is there, with pictures
    python -m study.prepare --data.train train.json --data.train-images train/ \\
        --data.val val.json --data.val-images val/
    python -m study.prepare coco_10k --data.root /datasets/coco --write-ids ids/
    python -m study.prepare voc --data.root VOCdevkit
    python -m study.prepare models              # backbones, and what each costs on this machine
    python -m study.prepare pretext --images FOLDER --out weights.safetensors --model resnet50
    python -m study.prepare upload data/coco s3://bucket/coco     # once, from where the data are
    python -m study.prepare sync s3://bucket/coco data/coco       # on each node of a cluster

pretext pre-trains on images with or without labels, an arm for any study, and has options of its
own (`pretext --help`); without any it makes the project's own weights again. For a search space
that names its own data the digest of each subset is printed too, to compare or to record in the
space.

Exit status: 0 in order, 1 a failure of ours, 2 problems in the data, 130 interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.table import Table

from study.commands import own_data
from study.commands.common import (
    DONE,
    File,
    OwnData,
    data_config,
    exit_status,
    unset,
    usable,
)
from study.commands.options.parsing import parsed
from study.commands.options.spaces import find, names
from study.commands.preparing.data_page.facts import doubts
from study.commands.preparing.data_page.numbers import numbers
from study.commands.preparing.model_table import Models, models
from study.commands.preparing.pretext import Pretext, pretext
from study.config.checks.require import MOST_DRAWS, MOST_IMAGES, whole
from study.config.terminal import Terminal
from study.data.checks import check
from study.data.distribution import sync as distribution
from study.data.splits import Splits, open_splits
from study.storage.writing import require_file, require_writable


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Look at a data set before anything is trained on it."""

    dataset: tyro.conf.Positional[Annotated[str | None, unset("[NAME|PATH]")]] = None
    """A data set of your own, as --data takes it; or a search space (name or file): its data
    (default: shapes, the embedded data, or custom with data of your own). pretext:
    weights instead; see pretext --help."""
    data: OwnData = field(default_factory=OwnData)
    sizes: Annotated[tuple[int, ...] | None, unset("N ...")] = None
    """Training-set sizes that the set must have room for (default: those of a search space)."""
    draws: int = 5
    """Draws of each size whose digests are printed and whose ids are written."""
    write_ids: Annotated[Path | None, unset("DIR")] = None
    """Write the ids of the images of each split, size and draw, a line each."""
    page: File = None
    """Where the page with pictures is written, .html (default: into the cache)."""


Address = Annotated[Path | str, tyro.conf.arg(metavar="s3://BUCKET/PREFIX", constructor=str)]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """Put a folder on an object store, with the digest of each file: once for a data set."""

    folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FOLDER")]]
    """A data set: annotation files and images, or anything else."""
    to: tyro.conf.Positional[Address]
    """Where to; what is there already and has not changed stays."""


@dataclass(frozen=True, kw_only=True)
class Sync:
    """Bring an uploaded folder to this machine's disk, and check it: once on each node.

    The same command again goes on where it was cut off, and does nothing when all is there.
    """

    address: tyro.conf.Positional[Address]
    """Where it was uploaded to."""
    folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FOLDER")]]
    """Where to; the same path on all nodes."""


def with_path(command: Prepare) -> Prepare:
    """The command with a data set that was named without --data as if it were named with it."""
    given = command.dataset
    is_space = given is None or given in names() or given.endswith(".py")
    if given is None or is_space or not Path(given).exists():
        return command
    if command.data.given:
        raise ValueError(f"'{given}': is a data set, and --data names another: leave one out")
    return replace(command, dataset=None, data=replace(command.data, folder=Path(given)))


def prepare(command: Prepare) -> int:
    """Check, then say and show what the set consists of."""
    console = Terminal(highlight=False, markup=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(line, markup=False)

    command = with_path(command)
    space = find(command.dataset or ("custom" if command.data.given else "shapes"))
    data = data_config(space, command.data)
    own = space.name in ("shapes", "custom")  # sizes of theirs are examples
    whole("draws", command.draws, 0, MOST_DRAWS)
    for size in command.sizes or ():
        whole("sizes", size, 1, MOST_IMAGES, " images each")
    sizes = command.sizes if command.sizes is not None else () if own else space.scientific.sizes
    if command.page:
        require_file("page", command.page)
    if command.write_ids:
        require_writable(command.write_ids)
    check(data, sizes)
    splits = open_splits(data)
    found = own_data.found(data, splits) or splits.notes
    for line in found:
        say(line)
    table = numbers(splits)
    console.print(_laid_out(table))
    say(f"classes: {', '.join(map(str, splits.train.category_name))}")
    if not command.data.given or sizes or command.draws != Prepare.draws:
        subsets = [f"{size} draw {draw}" for size in sizes for draw in range(command.draws)]
        digests = {name: splits.digest(name) for name in [*splits.digests(), *subsets]}
        say(f"digests={json.dumps(digests, indent=4)}")  # as a space has them
    if command.write_ids:
        write_ids(command.write_ids, splits, sizes, command.draws)
        say(f"ids written to {command.write_ids}")
    network = space.fixed.model
    suspicious = doubts(splits, network)
    for line in suspicious:
        say(f"look at     {line}")
    title = Path(data.folder or data.train or data.name).name
    words = [line.partition(" ")[2].strip() for line in found] if command.data.given else found
    from study.commands.preparing.data_page import page  # here: it imports torch, which takes long

    written = page.write(splits, network, title, words, table, suspicious, command.page)
    say(f"pictures    {written}")
    return DONE


def upload(command: Upload) -> int:
    """Put a data set on an object store."""
    store = usable(command.to, writing=True)
    distribution.upload(command.folder.expanduser(), store, print)
    return DONE


def sync(command: Sync) -> int:
    """Bring a data set to this machine."""
    store = usable(command.address, writing=False)
    distribution.sync(store, command.folder.expanduser(), print)
    return DONE


def write_ids(folder: Path, splits: Splits, sizes: Sequence[int], draws: int) -> None:
    """A file of image ids for each subset, in the order drawn, and one for each other split."""
    ids = {"tune": splits.tune_ids, "report": splits.val_ids}
    ids |= {f"{size}-{draw}": splits.subset(size, draw) for size in sizes for draw in range(draws)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in ids.items():
        (folder / f"{name}.txt").write_text("".join(f"{value}\n" for value in values))


def _laid_out(rows: list[list[str]]) -> Table:
    """Rows of text, of which the first names the columns."""
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="right" if name else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m study.prepare"
    if arguments[:1] == ["pretext"]:  # a subject of its own, with options of its own
        return exit_status(
            lambda: pretext(parsed(Pretext, arguments[1:], f"{prog} pretext")),
            arguments,
            goes_on=True,
        )
    others: list[tuple[str, type[Any], Callable[[Any], int]]] = [
        ("upload", Upload, upload),
        ("sync", Sync, sync),
        ("models", Models, models),
    ]
    for name, kind, act in others:
        if arguments[:1] == [name]:
            asked = partial(parsed, kind, arguments[1:], f"{prog} {name}")
            goes_on = kind is not Models
            return exit_status(lambda act=act, asked=asked: act(asked()), arguments, goes_on)
    return exit_status(lambda: prepare(parsed(Prepare, arguments, prog, __doc__)), arguments)


if __name__ == "__main__":
    sys.exit(main())
