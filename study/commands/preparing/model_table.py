"""python -m study.prepare models: backbones, and what each costs on this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import tyro
from rich.table import Table

from study.commands.common import DONE, unset
from study.commands.options.spaces import find
from study.commands.options.sweep import Device
from study.config.terminal import Terminal
from study.models import backbones
from study.models.backbones.sensible import TOP1

AT_HAND = {True: "here", False: "to be downloaded", None: "none"}


@dataclass(frozen=True, kw_only=True)
class Models:
    """List backbones: parameters, time of an iteration on this machine, accuracy on ImageNet."""

    names: tyro.conf.Positional[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="[NAME ...]", help_behavior_hint="")]
    ] = ()
    """Backbones to look at, any timm/MODEL among them (default: some that are worth it)."""
    device: Annotated[Device | None, unset("{auto,cpu,cuda}")] = None
    """Where an iteration is measured; auto: on a GPU if there is one."""


def models(command: Models) -> int:
    """A table with a row for each backbone.

    Raises:
        ValueError: no such backbone.
    """
    names = [backbones.find(name, "models").name for name in command.names or TOP1]
    run = replace(find("custom").fixed, device=command.device or "auto")
    from study.training import comparing  # here: it imports torch

    console = Terminal(highlight=False, soft_wrap=True)
    images, pixels = run.optim.batch_size, run.model.short_px
    console.print(f"An iteration here: {images} images of {pixels} px, forward and backward.")
    table = Table(box=None, pad_edge=False)
    table.add_column("--model", no_wrap=True)
    for head in ("parameters", "an iteration", "ImageNet top-1"):
        table.add_column(head, justify="right")
    table.add_column("ImageNet weights")
    for name in names:
        own, top1 = comparing.cost(name, run), TOP1.get(name)
        table.add_row(
            name,
            f"{own.parameters / 1e6:.1f} M",
            f"{own.iteration_s * 1e3:,.0f} ms",
            f"{top1:.1f} %" if top1 else "",
            AT_HAND[own.at_hand],
        )
    console.print(table)
    console.print("Any other model of timm that gives four maps: --model timm/NAME", markup=False)
    return DONE
