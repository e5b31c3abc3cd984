"""Arms: what `--arms` names that is no file of weights, or cannot be an arm's name."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch

from study.commands.options.spaces import find as find_space
from study.data.checks import check
from study.models.backbones import find
from tests.bad_input.case import Case

Write = Callable[[Path], object]


@functools.cache
def ready() -> None:
    """Render the embedded data and import torch: once, and charged to no case's limit of time."""
    importlib.import_module("study.models.initialisation")
    importlib.import_module("study.trained.module")
    check(find_space("shapes").fixed.data, ())


def arm(text: str, *options: str, write: Write | None = None):
    """A sweep with this arm; `write` makes files in its folder."""

    def command(folder: Path) -> list[str]:
        ready()
        if write:
            write(folder)
        arms = ["--arms", "scratch", text]
        return ["study.sweep", "shapes", "--run-dir", "runs/x", *arms, *options, "--dry-run"]

    return command


@functools.cache
def right() -> dict[str, torch.Tensor]:
    """Tensors of the embedded data's backbone, that fit."""
    shipped = find("thin").shipped
    assert shipped
    return safetensors.torch.load_file(shipped.file)


def _link(folder: Path) -> None:
    (folder / "a.pth").symlink_to("a.pth")


def _folder(folder: Path) -> None:
    (folder / "a.pth").mkdir()


def _fits(folder: Path) -> None:
    safetensors.torch.save_file(right(), folder / "a.safetensors")


def _renamed(name: str) -> Write:
    return lambda folder: (folder / name).write_bytes(b"x" * 100)


CASES = [
    Case("a folder as weights", arm("mine=a.pth", write=_folder), ("a.pth", "a folder", "give")),
    Case("no such file", arm("mine=none.pth"), ("none.pth", "path of an existing file")),
    Case("a link to itself", arm("mine=a.pth", write=_link), ("a.pth", "give the path")),
    Case("a path too long", arm("mine=" + "x" * 5000), ("give the path",), ("x" * 100,)),
    Case("a path with NUL", arm("mine=a\0b.pth"), ("arms", "path")),
    Case("another user's folder", arm("mine=~nobody-of-that-name/a.pth"), ("give the path",)),
    Case("no weights after a name", arm("mine="), ("'mine='", "names no weights", "NAME=FILE")),
    Case("blanks after a name", arm("mine=  "), ("names no weights",)),
    Case("nothing at all", arm(""), ("names no weights",)),
    Case("a device", arm("mine=/dev/zero"), ("/dev/zero", "path of an existing file")),
    Case(
        "an arm twice",
        arm("scratch"),
        ("arms", "each once"),
    ),
    Case(
        "a name twice",
        arm("mine=a.safetensors", "mine=a.safetensors", write=_fits),
        ("arms", "each once"),
    ),
    *(
        Case(
            f"an arm called {name!r}",
            arm(f"{name}=a.safetensors", write=_fits),
            ("arms", "letters, digits"),
        )
        for name in (
            ".x",
            "a b",
            "<script>",
            "é",
            "scratch",
            "x" * 65,
            "a;b",
            "[red]",
            "\x1b[31m",
            "",
        )
    ),
    Case(
        "a file with a strange name",
        arm("strange name.pth", write=_renamed("strange name.pth")),
        ("cannot name", "name=path"),
    ),
    Case("timm's, unknown", arm("mine=timm/no_such_model.in1k"), ("no_such_model",)),
    Case("timm's, of another model", arm("mine=timm/resnet18.a1_in1k"), ("another network's",)),
    Case("timm's, no name", arm("mine=timm/"), ("timm/",)),
    Case(
        "timm's, without a name of its own", arm("timm/resnet18.a1_in1k"), ("NAME=timm/resnet18",)
    ),
    Case(
        "train's arm",
        lambda _: ["study.train", "--run-dir", "r", "--arm", "mine=none.pth", "--lengths", "4"],
        ("none.pth",),
    ),
]
