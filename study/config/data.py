"""Where the images are."""

from __future__ import annotations

import dataclasses
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from study.config.checks.kinds import require_kinds
from study.config.checks.require import require
from study.config.printable import brief
from study.config.question import APART, apart

GENERATED = "shapes"
"""The name of the embedded data, which need no path."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the images are: in a folder, in four paths, or nowhere, and then they are generated.

    `folder` is a data set in any format of `study.data.formats`, with splits as found there.
    `train` and `val` are annotation files instead, each with its folder of images.

    The report split is `val`; where a folder has none, `val_size` images held out of `train`.
    Hyper-parameters are chosen on the tuning split: `tune` if given,
    otherwise `tune_size` images held out from `train`, the same ones for every arm and size: from
    those outside `train_within` if there are any, so that all inside are trained on.

    `annotated_only` leaves out of training, and of nothing else, the images that teach little:
    "objects" those without an object (no crowd region, and of some area), "keypoints" those
    without an object that has a labelled keypoint. Detectron trains on no others.

    `train_on` adds the tuning split to what is trained on, where no tuning is left to do, or the
    report split too ("all").
    """

    name: str = GENERATED
    root: str | None = apart(None)  # folder that relative paths start from; None: the current one
    folder: str | None = apart(None)  # or file; instead of train and val
    train: str | None = apart(None)  # COCO-format JSON
    train_images: str | None = apart(None)  # folder
    train_within: str | None = apart(None)  # JSON with `images`: train only on ids it has too
    annotated_only: Literal["no", "objects", "keypoints"] = apart("no")
    train_on: Literal["train", "train+tune", "all"] = apart("train")
    val: str | None = apart(None)
    val_images: str | None = apart(None)
    tune: str | None = apart(None)
    tune_images: str | None = apart(None)
    tune_size: int | None = None  # held out; None: 128, or a quarter of `train` if less; 0: none
    val_size: int | None = None  # the first so many images of `val`; None: all; or held out
    skip_bad: bool = (
        False  # leave out what the checks find wrong, image by image and object by object
    )
    digests: dict[str, str] = field(default_factory=dict, metadata=APART)
    """By name; data with others are refused."""

    def __post_init__(self) -> None:
        require_kinds(self, "data.")
        four = {k: getattr(self, k) for k in ("train", "train_images", "val", "val_images")}
        if self.name == GENERATED:
            given = [k for k in ("root", *PATHS) if getattr(self, k)]
            require(not given, "data.name", self.name, f"the embedded data take no {given}")
        elif self.folder:
            given = [_option(k) for k, v in four.items() if v]
            rule = f"has splits of its own; leave it out, or {' '.join(given)}"
            require(not given, "data", self.folder, rule)
        else:
            missing = [_option(k) for k, v in four.items() if not v]
            rule = f"also needs {' '.join(missing)} (or --data instead of all four)"
            require(not missing, "data", self.name, rule)
        require(
            (self.tune is None) == (self.tune_images is None),
            "data.tune",
            self.tune,
            "give both data.tune and data.tune-images, or neither",
        )
        some = self.tune_size is None or self.tune_size >= 0
        require(some, "data.tune_size", self.tune_size, "0 or more images")
        some = self.val_size is None or self.val_size >= 1
        require(some, "data.val_size", self.val_size, "1 or more images to report on")

    @property
    def generated(self) -> bool:
        """Whether it is the embedded data."""
        return self.name == GENERATED

    def absolute(self) -> DataConfig:
        """The same with absolute paths: workers run elsewhere.

        Raises:
            ValueError: a path that can be of no file or folder.
        """
        root = located("root", self.root or "")
        paths = {name: getattr(self, name) for name in PATHS}
        there = {name: str(located(name, v, root)) for name, v in paths.items() if v}
        return dataclasses.replace(self, **there, root=str(root) if self.root else None)


BRIEF = 320  # characters of a path in a message
PATHS = (
    *("folder", "train", "train_images", "train_within", "val", "val_images"),
    *("tune", "tune_images"),
)
"""The fields of DataConfig that may be relative to its root."""


def located(name: str, given: str | Path, root: Path | None = None) -> Path:
    """The absolute path that a field of DataConfig means; whether something is there is not asked.

    Raises:
        ValueError: it can be of no file or folder; names the option, the value and why.
    """

    def refused(why: str) -> ValueError:
        return ValueError(f"{_option(name)} = {brief(str(given), BRIEF)}: {why}")

    if "\0" in str(given):
        raise refused("a path cannot have a NUL character; give another")
    if scheme := re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", str(given)):
        how = "python -m study.prepare sync ADDRESS FOLDER" if scheme[1] == "s3" else "download it"
        raise refused(f"is an address, and must be a path on this machine: {how} first")
    try:
        path = (root or Path()) / Path(given).expanduser()
    except RuntimeError as error:
        raise refused("there is no such user on this machine; write the path out") from error
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise refused(f"a link to {path.readlink()}, which is not there") from error
        return path.resolve()
    except OSError as error:
        raise refused(f"cannot be looked at: {error.strerror}") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise refused("is a pipe, socket or device, and must be a file or folder")
    return path.resolve()


def _option(name: str) -> str:
    return "--data" if name == "folder" else "--data." + name.replace("_", "-")
