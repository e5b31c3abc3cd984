"""Files that are to be written: refused before the work, where they cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.bad_input import data_sets as sets
from tests.bad_input.case import Case
from tests.bad_input.options import pictures
from tests.bad_input.permissions import detector

LONG = "a" * 255  # bytes: what a file system takes, before a suffix
STATE = f"{'a' * 235}.safetensors"  # fits, but not with what is stored beside it

Target = Callable[[Path], object]


def folder(name: str) -> Target:
    return lambda at: (at / name).mkdir()


def pipe(name: str) -> Target:
    return lambda at: os.mkfifo(at / name)


def file(name: str) -> Target:
    return lambda at: (at / name).write_text("")


def nothing(_: Path) -> None:
    pass


def exported(target: Target, name: str) -> Callable[[Path], list[str]]:
    """A detector whose weights are none: loading it would be refused otherwise."""

    def command(at: Path) -> list[str]:
        detector(at)
        target(at)
        return ["study.export", "detector", name, "--height", "9", "--width", "9"]

    return command


def prepared(target: Target, *options: str) -> Callable[[Path], list[str]]:
    """A data set whose images are none: checking it would be refused otherwise."""

    def command(at: Path) -> list[str]:
        (sets.write(at) / "train" / "train1.png").write_bytes(b"none")
        target(at)
        return ["study.prepare", "data", *options]

    return command


def found(target: Target, out: str) -> Callable[[Path], list[str]]:
    """What a detector of no weights finds."""

    def command(at: Path) -> list[str]:
        detector(at)
        target(at)
        return ["study.predict", "detector", "photos", "--out", out]

    return command


def pretrained(target: Target, out: str) -> Callable[[Path], list[str]]:
    """On pictures that are none."""

    def command(at: Path) -> list[str]:
        target(at)
        return pictures("--out", out, "--images", "nowhere")(at)

    return command


IS_FOLDER, IS_PIPE, LONGER = "is a folder", "is a device, pipe or socket", "give a shorter one"
AT, ADDRESS = "s3://bucket/x", "is an address, and must be a path on this machine"
CASES = [
    Case(f"{what} {name[:20]}: {says[-1]}", command, says)
    for what, name, command, says in (
        *(
            (what, f"{name}, {target.__qualname__.split('.')[0]}", make(target(name), name), says)
            for what, make, name, option in (
                ("export", exported, "x.onnx", "file"),
                ("page", lambda t, n: prepared(t, "--page", n), "x.html", "--page"),
                ("pretext", pretrained, "x.safetensors", "--out"),
            )
            for target, said in ((folder, IS_FOLDER), (pipe, IS_PIPE))
            for says in ((f"{option} = {name}", said),)
        ),
        ("export", LONG, exported(nothing, f"{LONG}.onnx"), ("file = aaa", LONGER)),
        ("page", LONG, prepared(nothing, "--page", LONG + "a"), ("--page = aaa", LONGER)),
        ("pretext", LONG, pretrained(nothing, f"{LONG}.safetensors"), ("--out = a", LONGER)),
        ("pretext's state", STATE, pretrained(nothing, STATE), ("--out = a", LONGER)),
        (
            "pretext's state",
            "w",
            pretrained(folder("w.safetensors.state"), "w.safetensors"),
            ("--out = w.safetensors.state", IS_FOLDER),
        ),
        (
            "page below",
            "a file",
            prepared(file("f"), "--page", "f/x.html"),
            ("folder f", "f is no folder"),
        ),
        (
            "export below",
            "a file",
            exported(file("f"), "f/x.onnx"),
            ("folder f", "f is no folder"),
        ),
        ("ids", "a file", prepared(file("f"), "--write-ids", "f"), ("folder f", "no folder")),
        (
            "photos' table",
            "a folder",
            found(lambda at: (at / "f" / "detections.csv").mkdir(parents=True), "f"),
            ("--out = f/detections.csv", IS_FOLDER),
        ),
        ("photos", "a file", found(file("f"), "f"), ("folder f", "f is no folder")),
        ("photos", LONG, found(nothing, LONG + "a"), ("aaa", "give a shorter path")),
        *(
            (f"{what} at", "an address", make, (f"{option} = '{AT}{end}'", ADDRESS))
            for what, option, end, make in (
                ("photos", "--out", "", found(nothing, AT)),
                ("page", "--page", ".html", prepared(nothing, "--page", f"{AT}.html")),
                ("ids", "--write-ids", "", prepared(nothing, "--write-ids", AT)),
                ("export", "file", ".onnx", exported(nothing, f"{AT}.onnx")),
                ("pretext", "--out", ".safetensors", pretrained(nothing, f"{AT}.safetensors")),
                ("detector", "--out", "", lambda _: ["study.train", "--best", "a", "--out", AT]),
            )
        ),
    )
]
