"""Pre-train a backbone on images, or make the weights that come with the project again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from study.commands.common import DONE, Count, File, Folder, unset
from study.commands.devices import require_device
from study.commands.options.models import NAMES
from study.commands.options.sweep import Device
from study.config import TINY
from study.config.terminal import Terminal
from study.data.classification.folders import ImageFolder
from study.data.classification.pictures import Pictures, has_classes
from study.models import backbones
from study.models.backbones.thin import PRETEXT
from study.training.pretraining.places import Places

Labels = Literal["folders", "none"]


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


def pretext(command: Pretext) -> int:
    """Pre-train on the images given, or make the project's own weights again.

    Raises:
        ValueError: options that go without the others, or images that cannot be trained on.
    """
    console = Terminal(highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(line, markup=False)

    given = {name: value for name, value in vars(command).items() if value is not None}
    if command.out:
        Places(command.out.expanduser()).require()  # before a folder of images is looked at
    if command.images is None:
        if alone := sorted(given.keys() - {"out"}):
            raise ValueError(f"{', '.join(alone)}: for --images; give a folder of images too")
        from study.training.pretraining import shapes  # here, as below: it imports torch

        shapes.train(command.out or PRETEXT, say)
        return DONE
    if command.out is None:
        raise ValueError("out: give a file for the weights: --out weights.safetensors")
    require_device(command.device)  # before images are looked at, for minutes
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
