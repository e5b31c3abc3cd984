"""Files and folders that this user may not read, or not write to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import safetensors.torch

from tests.bad_input import data_sets as sets
from tests.bad_input.archives import archive
from tests.bad_input.arms import right
from tests.bad_input.case import Case
from tests.bad_input.cluster_files import LOCAL
from tests.bad_input.detectors import PNG, said
from tests.bad_input.formats import PREPARE, Files, voc, written, xml
from tests.bad_input.run_directories import TRIAL, finished
from tests.bad_input.yolo import yolo
from tests.data.small_files import picture

NONE, READ, LIST = 0o000, 0o555, 0o444  # nothing; no writing; names in a folder, but no files
DENIED = "ermission denied"

Write = Callable[[Path], object]


def denied(name: str, path: str, mode: int, write: Write, *command: str, lines: int = 1) -> Case:
    """A command for which a path of what `write` made in its folder has these permissions."""

    def make(folder: Path) -> list[str]:
        write(folder)
        return [*command]

    return Case(name, make, (path, DENIED), modes=((path, mode),), lines=lines)


def study(folder: Path) -> None:
    shutil.copytree(finished(), folder / "run")


def detector(folder: Path) -> None:
    """As `--best` leaves it, and a photo."""
    for name in ("detector", "photos", "photos/more"):
        (folder / name).mkdir()
    (folder / "detector" / "config.json").write_bytes(said())
    (folder / "detector" / "weights.safetensors").write_bytes(b"\0" * 64)
    for name in ("one.png", "more/two.png"):
        (folder / "photos" / name).write_bytes(PNG)


def beside_images(made: Files, more: str) -> Write:
    """Of another format, with one more image."""
    return lambda folder: written(folder, made | {more: picture(99, "jpeg")})


def file(name: str, content: str = "") -> Write:
    return lambda folder: (folder / name).write_text(content)


def beside_own(write: Write) -> Write:
    """And a folder in which results are to be."""

    def both(folder: Path) -> None:
        write(folder)
        (folder / "own").mkdir()

    return both


SWEEP = ("study.sweep", "shapes", "--run-dir")
PREDICT = ("study.predict", "detector", "photos", "--out")
OF_DATA = {
    "prepare": ("study.prepare", "data", "--page", "page.html"),
    "sweep": ("study.sweep", "custom", "--data", "data", "--run-dir", "run", "--dry-run"),
}
OF_STUDY = {
    "analysis": ("analysis.__main__", "run"),
    "status": ("study.sweep", "--status", "run"),
    "best": ("study.train", "--best", "run", "--out", "detector"),
    "sweep": (*SWEEP, "run"),
}

CASES = [
    *(
        denied(f"{name}: {what}", path, mode, sets.write, *command, lines=3)
        for name, command in OF_DATA.items()
        for what, path, mode in (
            ("a data set", "data", NONE),
            ("a data set of which names may be read, but no files", "data", LIST),
            ("annotations", "data/train.json", NONE),
            ("the images' folder", "data/train", NONE),
            ("an image", "data/train/train1.png", NONE),
            ("an image of the report split", "data/val/val1.png", NONE),
        )
    ),
    *(
        denied(f"{name}: {what}", path, NONE, study, *OF_STUDY[name])
        for what, path, names in (
            ("a run directory", "run", tuple(OF_STUDY)),
            ("its manifest", "run/study.json", tuple(OF_STUDY)),
            ("its trials", "run/trials", ("analysis", "status", "best")),
            ("a trial", f"run/{TRIAL}", ("analysis", "status")),
            ("a trial's records", f"run/{TRIAL}/records.jsonl", ("analysis", "status")),
            ("a trial's configuration", f"run/{TRIAL}/config.json", ("analysis", "status")),
        )
        for name in names
    ),
    denied(
        "a folder within YOLO's images",
        "d/images/more",
        NONE,
        beside_images(yolo(), "images/more/99.jpg"),
        *PREPARE,
    ),
    denied(
        "a folder beside VOC's images",
        "d/more",
        NONE,
        beside_images(voc(xml()), "more/99.jpg"),
        *PREPARE,
    ),
    denied("a report in what may only be read", "run", READ, study, *OF_STUDY["analysis"]),
    denied(
        "an archive", "d.zip", NONE, archive("", lambda _: None).command, "study.prepare", "d.zip"
    ),
    denied(
        "weights",
        "a.safetensors",
        NONE,
        lambda folder: safetensors.torch.save_file(right(), folder / "a.safetensors"),
        *SWEEP,
        "run",
        "--arms",
        "scratch",
        "a.safetensors",
        "--dry-run",
    ),
    denied(
        "a space file",
        "mine.py",
        NONE,
        file("mine.py", "SPACE = None\n"),
        "study.sweep",
        "mine.py",
        "--run-dir",
        "run",
    ),
    denied(
        "a cluster file",
        "c.yaml",
        NONE,
        file("c.yaml", LOCAL),
        "study.cluster.check.__main__",
        "c.yaml",
    ),
    *(
        denied(f"predict: {path}", path, NONE, detector, *PREDICT, "found")
        for path in (
            "detector",
            "detector/config.json",
            "detector/weights.safetensors",
            "photos",
            "photos/more",
        )
    ),
    *(
        denied(f"{command[0]} writes where it may not", "own", READ, beside_own(write), *command)
        for write, command in (
            (lambda _: None, (*SWEEP, "own/run")),
            (lambda _: None, ("study.train", "--run-dir", "own/run", "--size", "12")),
            (sets.write, (*OF_DATA["prepare"][:3], "own/page.html")),
            (study, ("analysis.__main__", "run", "--out", "own/report")),
        )
    ),
]
