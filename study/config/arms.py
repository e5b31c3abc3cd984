"""Arms: the initialisations that a study compares, as they are written on a command line.

scratch          random weights
pretext          the backbone shipped with the project, pre-trained on classifying shapes
imagenet         published ImageNet weights
coco             torchvision's detector trained on COCO
PATH             a weights file; the arm is called like the file, without its ending
NAME=PATH        the same under another name
NAME=URL         a weights file to be downloaded; URL#sha256=… says what its digest must be
NAME=timm/MODEL.TAG  other published weights of the study's backbone
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from study.config.checks.addresses import hidden, is_url, require_address
from study.config.checks.meant import close
from study.config.printable import shown

BUILT_IN: dict[str, str | None] = {
    "scratch": None,
    "pretext": "pretext",
    "imagenet": "imagenet",
    "coco": "coco",
}
_ALL = ", ".join(BUILT_IN)
LONGEST = 64
"""Letters of a name, which folders of trials begin with."""


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
        ValueError: neither a built-in name nor a file that can be read, an address that is none or
            has a secret in it, or a name unfit for a trial id.
    """
    if text in BUILT_IN:
        return Arm(text, BUILT_IN[text])
    what = f"arms: {shown(hidden(text))!r}"
    name, source = _parts(text)
    if not source.strip():
        raise ValueError(f"{what}: names no weights; give NAME=FILE, NAME=URL or one of {_ALL}")
    if is_url(source) or is_hub(source):
        if name is None:
            raise ValueError(f"{what}: has no name; give it one: NAME={shown(hidden(source))}")
        if is_url(source):
            require_address(source)
        return Arm(_fit(name, source), source)
    if scheme := re.match(r"([A-Za-z][\w+.-]*)://", source):
        raise ValueError(
            f"{what}: weights at {scheme[1]}:// cannot be read, only at http:// and https://;"
            " copy the file to this machine, and give its path"
        )
    path = _file(source, what)
    return Arm(_fit(path.stem if name is None else name, path), str(path.resolve()))


def _parts(text: str) -> tuple[str | None, str]:
    """Name and source; None where none is given."""
    before, equals, after = text.partition("=")
    return (before, after) if equals and not re.search(r"[/\\:]", before) else (None, text)


def _file(source: str, what: str) -> Path:
    """A file that can be read.

    Raises:
        ValueError: there is none.
    """
    try:
        path = Path(source).expanduser()
        found = path.is_file()
        if found:
            path.open("rb").close()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # too long, no such user, not allowed, NUL
        reason = getattr(error, "strerror", None) or "no valid path"
        raise ValueError(
            f"{what}: cannot be read ({reason}); give the path of a weights file"
        ) from error
    if path.is_dir():
        raise ValueError(f"{what}: a folder; give the weights file in it")
    if not found:
        meant = close(source, BUILT_IN)
        asked = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ValueError(
            f"{what} is neither one of {_ALL} nor a weights file; give the path of an existing"
            f" file, or name=path, name=URL or name=timm/MODEL.TAG{asked}"
        )
    return path


def is_hub(source: str) -> bool:
    """Whether it names weights of timm's, and no file."""
    return source.startswith("timm/")


def _fit(name: str, source: Path | str) -> str:
    """The name, if it may be part of a trial's id."""
    fit = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.]*", name) and len(name) <= LONGEST
    if name in BUILT_IN or not fit:
        raise ValueError(
            f"arms: {shown(name)!r} cannot name the weights file {shown(str(source), 200)}: use"
            f" letters, digits, _ and . (at most {LONGEST}, the first no _ or .) and none of"
            f" {_ALL}; give name=path"
        )
    return name
