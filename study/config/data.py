"""Where the images are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from study.config.question import APART, apart
from study.config.require import require


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the images are. `shapes` is generated; any other name needs the four paths.

    The report split is `val`. Hyper-parameters are chosen on the tuning split: `tune` if given,
    otherwise `tune_size` images held out from `train`, the same ones for every arm and size: from
    those outside `train_within` if there are any, so that all inside are trained on.

    `annotated_only` leaves out of training, and of nothing else, the images that teach little:
    "objects" those without an object (no crowd region, and of some area), "keypoints" those
    without an object that has a labelled keypoint. Detectron trains on no others.
    """

    name: str = "shapes"
    root: str | None = apart(None)  # folder that relative paths start from; None: the current one
    train: str | None = apart(None)  # COCO-format JSON
    train_images: str | None = apart(None)  # folder
    train_within: str | None = apart(None)  # JSON with `images`: train only on ids it has too
    annotated_only: Literal["no", "objects", "keypoints"] = apart("no")
    val: str | None = apart(None)
    val_images: str | None = apart(None)
    tune: str | None = apart(None)
    tune_images: str | None = apart(None)
    tune_size: int | None = None  # held out; None: 128, or a quarter of `train` if less; 0: none
    val_size: int | None = None  # the first so many images of `val`; None: all of them
    digests: dict[str, str] = field(default_factory=dict, metadata=APART)
    """By name; data with others are refused."""

    def __post_init__(self) -> None:
        paths = {k: getattr(self, k) for k in ("train", "train_images", "val", "val_images")}
        if self.name == "shapes":
            given = [k for k in ("root", *PATHS) if getattr(self, k)]
            require(not given, "data.name", self.name, f"the embedded data takes no {given}")
        else:
            missing = ["--data." + k.replace("_", "-") for k, v in paths.items() if not v]
            require(not missing, "data", self.name, f"also needs {' '.join(missing)}")
        require(
            (self.tune is None) == (self.tune_images is None),
            "data.tune",
            self.tune,
            "give both data.tune and data.tune-images, or neither",
        )
        some = self.tune_size is None or self.tune_size >= 0
        require(some, "data.tune_size", self.tune_size, "0 or more images")

    def absolute(self) -> DataConfig:
        """The same with absolute paths: workers run elsewhere."""
        root = Path(self.root or "").expanduser().resolve()
        paths = {name: getattr(self, name) for name in PATHS}
        there = {k: str((root / Path(v).expanduser()).resolve()) for k, v in paths.items() if v}
        return dataclasses.replace(self, **there, root=str(root) if self.root else None)


PATHS = ("train", "train_images", "train_within", "val", "val_images", "tune", "tune_images")
"""The fields of DataConfig that may be relative to its root."""
