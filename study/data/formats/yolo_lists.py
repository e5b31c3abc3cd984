"""What YOLO's YAML files and lists of classes say: where the splits lie, and the classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.config.printable import brief
from study.data import class_names
from study.data.formats.beside import numbered_lines
from study.data.formats.format import TEST, TRAIN, TUNE, VAL
from study.data.formats.texts import yaml_files
from study.data.given import MOST_CLASSES, contents

OWN_NAMES = ("data", "dataset")  # of YAML files that are surely meant


def listed_names(file: Path) -> list[str]:
    """The names of a list, a line each. Raises ValueError for an empty line before others."""
    found = numbered_lines(file)
    if empty := sorted(set(range(1, max(found, default=0))) - set(found)):
        raise ValueError(f"{file}: line {empty[0]}: is empty: must have the name of a class")
    return list(found.values())


def described(path: Path) -> dict[str, Any] | None:
    """What a YAML file says of a data set; None if it is about something else.

    Raises:
        ValueError: it cannot be read, or its fields are not what they must be.
    """
    text = contents(path)
    plain = text.replace(b"\0", b"")  # in UTF-16 too
    own = path.stem.lower() in OWN_NAMES
    if b"train" not in plain or not (own or b"names" in plain):
        return None
    asked = yaml_files.read(path, text)
    if not isinstance(asked, dict) or not asked.get("train"):
        return None
    if "names" not in asked:
        if own:
            raise ValueError(f"{path}: names: is not there: must list the classes")
        return None
    if asked.get("kpt_shape") is not None:
        raise ValueError(
            f"{path}: kpt_shape = {brief(asked['kpt_shape'])}: keypoints are not read in YOLO's"
            " form: give them in COCO's format"
        )
    _require_places(path, asked)
    return asked


def _require_places(path: Path, asked: dict[str, Any]) -> None:
    """Raises ValueError unless the path and the splits are texts, or lists of them."""
    for key in ("path", *TRAIN, *VAL, *TUNE, *TEST):
        given = asked.get(key)
        every = given if isinstance(given, list) and key != "path" else [given]
        if given is not None and not all(isinstance(one, str) for one in every):
            what = "a folder" if key == "path" else "a folder, a list of images, or several"
            raise ValueError(f"{path}: {key} = {brief(given)}: must be the name of {what}")


def classes(path: Path, asked: dict[str, Any]) -> tuple[str, ...]:
    """The names in the order of their numbers, of a list or of a dictionary by number.

    Raises:
        ValueError: they are none, or not of as many numbers as there are names.
    """
    names = asked["names"]
    listed = dict(enumerate(names)) if isinstance(names, list) else names
    wanted = f"{path}: names: must be a list of names, or names by number from 0 on"
    if not isinstance(listed, dict) or not listed:
        raise ValueError(f"{wanted}, and is {brief(names)}")
    if len(listed) > MOST_CLASSES:
        raise ValueError(f"{path}: names: {len(listed):,}: must be at most {MOST_CLASSES:,}")
    if set(map(str, listed)) != set(map(str, range(len(listed)))):
        raise ValueError(f"{wanted}, and has the numbers {brief(list(listed))}")
    first: dict[str, Any] = {}
    for number, name in listed.items():
        if type(name) not in (str, int) or not str(name).strip():
            raise ValueError(
                f"{wanted}: {number} is {brief(name)}; put a name that YAML takes for something"
                ' else into quotes, "yes"'
            )
        if not class_names.is_name(str(name)):
            raise ValueError(f"{path}: names: {number} = {brief(name)}: {class_names.RULE}")
        other = first.setdefault(class_names.looks(str(name)), number)
        if other != number:
            but = class_names.but(str(name), str(listed[other]))
            raise ValueError(
                f"{path}: names: {number} = {brief(name)}: is that of {other} too{but}"
            )
    number = asked.get("nc")
    if number is not None and number != len(listed):
        raise ValueError(f"{path}: nc = {brief(number)}: must be {len(listed)}, as names has")
    by_number = {int(number): str(name) for number, name in listed.items()}
    return tuple(by_number[number] for number in range(len(by_number)))
