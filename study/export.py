"""python -m study.export: a trained detector as an ONNX file, for programs without PyTorch.

    python -m study.export detector/ detector.onnx --height 480 --width 640

The file takes one picture at a time, always of that size, which must be resized to the network's
input before; the last line says to which size. What comes in and out stands in docs/options.md and
in the file's metadata. It needs `pip install '.[export]'`.

Exit status: 0 done, 1 a failure of ours, 2 bad input or a detector that cannot be exported.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from study.commands.common import DONE, exit_status
from study.commands.options.parsing import parsed
from study.config.checks.require import MOST_PX, require, whole
from study.config.terminal import Terminal
from study.storage.writing import require_file
from study.trained import folder

SUFFIX = ".onnx"


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a detector that `study.train --best` left as an ONNX file."""

    detector: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="DETECTOR")]]
    """The detector's folder."""
    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE.onnx")]]
    """The file to write."""
    height: int
    """Of the pictures that it is for, px."""
    width: int
    """The same."""


def export(command: Export, console: Console) -> int:
    """Write the file and say what it takes; returns the exit status.

    Raises:
        ValueError: no detector there, a name or size that does not fit, a package that is missing,
            or a detector that cannot be exported.
    """
    right = command.file.suffix.lower() == SUFFIX
    require(right, "file", str(command.file), f"a name that ends in {SUFFIX}")
    require(command.height >= 1, "height", command.height, "at least 1 px")
    require(command.width >= 1, "width", command.width, "at least 1 px")
    for name in ("height", "width"):
        whole(name, getattr(command, name), 1, MOST_PX, " px")
    folder.read(command.detector)  # before torch, which takes seconds
    require_file("file", command.file)
    from study.models import onnx_file
    from study.trained.module import load

    module = load(command.detector)
    described = module.described
    height, width = onnx_file.write(
        module.detector,
        described.model,
        described.classes.names,
        (command.height, command.width),
        command.file,
    )
    masks = " and masks" * described.model.masks
    other = described.compute if described.compute == "bfloat16" else described.precision
    rounded = f", but for rounding: it computes in float32, not in {other}"
    number = len(described.classes.names)
    console.print(
        f"{command.file}: boxes{masks} of {number} class{'es' if number > 1 else ''}; ONNX Runtime"
        f" finds what the detector finds{rounded * (other != 'float32')}"
    )
    console.print(
        f"its input: uint8 [3, {height}, {width}], RGB: a picture of {command.height} x"
        f" {command.width} px (height x width), resized to {height} x {width}"
    )
    if scale := described.scale:
        console.print(
            f"its pixels: those of more than 8 bits scaled so that {scale.low!r} is 0 and"
            f" {scale.high!r} is 255, what is beyond clipped, the same in R, G and B"
        )
    return DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Terminal(highlight=False, markup=False, soft_wrap=True)
    prog = "python -m study.export"
    return exit_status(
        lambda: export(parsed(Export, arguments, prog, __doc__), console), arguments
    )


if __name__ == "__main__":
    sys.exit(main())
