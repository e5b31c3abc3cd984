"""python -m study.prepare: check, describe and distribute a data set, or pre-train.

    python -m study.prepare shapes
    python -m study.prepare photos/             # a data set of your own: what is found there
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
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from study.commands import own_data
from study.commands.common import (
    DONE,
    Count,
    File,
    Folder,
    OwnData,
    data_config,
    exit_status,
    parsed,
    unset,
    usable,
)
from study.commands.model_table import Models, models
from study.commands.models import NAMES
from study.commands.spaces import find, names
from study.commands.sweep_options import Device
from study.config import TINY
from study.data.checks import check
from study.data.classification.folders import ImageFolder
from study.data.classification.pictures import Pictures, has_classes
from study.data.distribution import sync as distribution
from study.data.index import Index
from study.data.splits import Splits, open_splits
from study.models import backbones
from study.models.backbones.thin import PRETEXT

Labels = Literal["folders", "none"]


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


@dataclass(frozen=True, kw_only=True)
class Pretext:
    """Pre-train a backbone on images: an arm for models that have this backbone."""

    images: Folder = None
    """A sub-folder of images for each class, or train/ and val/ with these; or images without
    labels, at any depth. Without it, the project's own weights are made again, and of the other
    options only --out is for that."""
    labels: Annotated[Labels | None, unset("{folders,none}")] = None
    """folders: images are told apart by the names of their folders. none: without labels, by the
    library lightly (default: folders, where FOLDER has at least two with images in them and none
    beside them)."""
    out: File = None
    """Where the weights are written (.safetensors). Progress is stored beside it: the same command
    goes on after a kill."""
    model: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME",
            help=f"The backbone: {NAMES} (default: {TINY.body.name}).",
            help_behavior_hint="",
        ),
    ] = None
    epochs: Annotated[float | None, unset("E")] = None
    """Times that each image is seen (default: 100, or as it takes to see 200,000 images)."""
    image_px: Count = None
    """Side of the crops that are shown (default: what suits the backbone, mostly 224)."""
    batch_size: Count = None
    """Images per iteration (default: 64, or all where there are fewer without labels)."""
    lr: Annotated[float | None, unset("LR")] = None
    """Highest learning rate (default: 0.1 for each 256 images of a batch; without labels 0.001 for
    each 64)."""
    seed: Count = None
    """Of initial weights, order and crops (default: 0)."""
    device: Annotated[Device | None, unset("{auto,cpu,cuda}")] = None
    """auto: on a GPU if there is one."""


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
    """Check, then print what the set consists of."""
    console = Console(highlight=False, soft_wrap=True)
    command = with_path(command)
    space = find(command.dataset or ("custom" if command.data.given else "shapes"))
    data = data_config(space, command.data)
    own = space.name in ("shapes", "custom")  # sizes of theirs are examples
    sizes = command.sizes if command.sizes is not None else () if own else space.scientific.sizes
    check(data, sizes)
    splits = open_splits(data)
    for line in own_data.found(data, splits) or splits.notes:
        console.print(line, markup=False)
    console.print(described(splits))
    console.print(f"classes: {', '.join(map(str, splits.train.category_name))}", markup=False)
    subsets = [f"{size} draw {draw}" for size in sizes for draw in range(command.draws)]
    digests = {name: splits.digest(name) for name in [*splits.digests(), *subsets]}
    console.print(f"digests={json.dumps(digests, indent=4)}", markup=False)  # as a space has them
    if command.write_ids:
        write_ids(command.write_ids, splits, sizes, command.draws)
        console.print(f"ids written to {command.write_ids}", markup=False)
    return DONE


def pretext(command: Pretext) -> int:
    """Pre-train on the images given, or make the project's own weights again.

    Raises:
        ValueError: options that go without the others, or images that cannot be trained on.
    """
    console = Console(highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(line, markup=False)

    given = {name: value for name, value in vars(command).items() if value is not None}
    if command.images is None:
        if alone := sorted(given.keys() - {"out"}):
            raise ValueError(f"{', '.join(alone)}: for --images; give a folder of images too")
        from study.training.pretraining import shapes  # here, as below: it imports torch

        shapes.train(command.out or PRETEXT, say)
        return DONE
    if command.out is None:
        raise ValueError("out: give a file for the weights: --out weights.safetensors")
    body = backbones.find(given.pop("model", TINY.body.name), "model").body
    from study.training.pretraining import images, views

    out, device = given.pop("out").expanduser(), given.pop("device", "auto")
    root = given.pop("images").expanduser()
    labels = given.pop("labels", None) or ("folders" if has_classes(root) else "none")
    if labels == "folders":
        folder = ImageFolder.open(root)
        config = images.recipe(body, len(folder.train), **given)
        images.train(config, folder, out, device=device, say=say)
        return DONE
    views.require_library()
    pictures = Pictures.open(root)
    found = "--labels none" if command.labels else "no class folders"
    say(f"{len(pictures):,} images, {found}: self-supervised, {views.METHOD}")
    config = views.recipe(body, len(pictures.train), **given)
    views.train(config, pictures, out, device=device, say=say)
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
    for row in max(columns, key=len):
        table.add_row(row, *(column.get(row, "0") for column in columns))
    return table


def _counts(index: Index, image_ids: np.ndarray) -> dict[str, str]:
    rows = np.array([row for i in image_ids for row in index.rows(int(i))], np.int64)
    per_image = np.array([len(index.rows(int(i))) for i in image_ids])
    crowd = index.crowd[rows]
    boxes = index.bbox[rows][~crowd]
    sides = np.sqrt(boxes[:, 2] * boxes[:, 3])
    low, middle, high = np.quantile(sides, [0.05, 0.5, 0.95]) if len(sides) else [0, 0, 0]
    masks = sum(map(index.has_mask, rows[~crowd].tolist()))
    return {
        "images": f"{len(image_ids):,}",
        "without objects": f"{int((per_image == 0).sum()):,}",
        "objects": f"{int((~crowd).sum()):,}",
        **({"objects with masks": f"{masks:,}"} if index.any_mask else {}),
        "crowd regions": f"{int(crowd.sum()):,}",
        "object size, px": f"{middle:.0f} ({low:.0f} to {high:.0f})",
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m study.prepare"
    if arguments[:1] == ["pretext"]:  # a subject of its own, with options of its own
        weights = tyro.cli(Pretext, prog=f"{prog} pretext", args=arguments[1:])
        return exit_status(lambda: pretext(weights))
    others = (("upload", Upload, upload), ("sync", Sync, sync), ("models", Models, models))
    for name, kind, act in others:
        if arguments[:1] == [name]:
            asked = tyro.cli(kind, prog=f"{prog} {name}", args=arguments[1:])
            return exit_status(partial(act, asked))
    return exit_status(lambda: prepare(parsed(Prepare, arguments, prog, __doc__)))


if __name__ == "__main__":
    sys.exit(main())
