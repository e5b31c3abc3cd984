"""Arms: the initialisations that a study compares, as they are written on a command line.

scratch          random weights
pretext          the backbone shipped with the project, pre-trained on classifying shapes
imagenet         published ImageNet weights
coco             torchvision's detector trained on COCO
PATH             a weights file; the arm is called like the file, without its ending
NAME=PATH        the same under another name
NAME=URL         a weights file to be downloaded
NAME=timm/MODEL.TAG  other published weights of the study's backbone
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from study.config.meant import close

BUILT_IN: dict[str, str | None] = {
    "scratch": None,
    "pretext": "pretext",
    "imagenet": "imagenet",
    "coco": "coco",
}


@dataclass(frozen=True)
class Arm:
    """One initialisation: `init` as RunConfig takes it."""

    name: str
    init: str | None

    @property
    def identity(self) -> str:
        """What makes two arms the same: a weights file counts by its content, not its place."""
        if self.name in BUILT_IN or self.init is None:
            return self.name
        if is_url(self.init) or is_hub(self.init):
            return self.init
        with Path(self.init).open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()[:16]


def parse(text: str) -> Arm:
    """The arm meant by `text`.

    Raises:
        ValueError: neither a built-in name nor an existing file, or a name unfit for a trial id.
    """
    if text in BUILT_IN:
        return Arm(text, BUILT_IN[text])
    name, _, file = text.partition("=") if re.match(r"[\w.]+=", text) else ("", "", text)
    if is_url(file) or is_hub(file):
        return Arm(_fit(name, file), file)
    path = Path(file).expanduser()
    if not path.is_file():
        meant = close(text, BUILT_IN)
        asked = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ValueError(
            f"arms: {text!r} is neither one of {', '.join(BUILT_IN)} nor a weights file; give the"
            f" path of an existing file, or name=path, name=URL or name=timm/MODEL.TAG{asked}"
        )
    return Arm(_fit(name or path.stem, path), str(path.resolve()))


def is_url(source: str) -> bool:
    return urlparse(source).scheme in ("http", "https")


def is_hub(source: str) -> bool:
    """Whether it names weights of timm's, and no file."""
    return source.startswith("timm/")


def _fit(name: str, source: Path | str) -> str:
    """The name, if it may be part of a trial's id."""
    if name in BUILT_IN or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.]*", name):
        raise ValueError(
            f"arms: {name!r} cannot name the weights file {source}: use letters, digits, _ and ."
            f" and none of {', '.join(BUILT_IN)}; give name=path"
        )
    return name
