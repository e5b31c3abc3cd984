"""XML files of annotations, or where and why they are none; fields that must be there once."""

from __future__ import annotations

import contextlib
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from study.config.printable import brief, shown
from study.data.given import contents


def read(path: Path) -> ElementTree.Element:
    """The root of an XML file. Entities of other files are not read, and expat ends bombs.

    Raises:
        ValueError: it is not there, too large, or not XML; names the line.
    """
    raw = contents(path)
    if not raw.strip():
        raise ValueError(f"{path}: cannot be read as XML: it is empty")
    try:
        return ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        line, column = error.position
        said = expat.ErrorString(error.code)
        raise ValueError(
            f"{path}: line {line}: cannot be read as XML: {said} (column {column + 1})"
        ) from error
    except (LookupError, RecursionError, ValueError) as error:  # of an encoding, or a number
        raise ValueError(f"{path}: cannot be read as XML: {error}") from error


def require_root(path: Path, root: ElementTree.Element, tag: str) -> None:
    """Raises ValueError unless a file's root is called so, in no namespace."""
    if root.tag == tag:
        return
    space, _, name = root.tag.rpartition("}")
    if name == tag:
        raise ValueError(
            f"{path}: <{tag}> has the namespace {brief(space.lstrip('{'))}, in which nothing is"
            " found: leave out xmlns"
        )
    raise ValueError(
        f"{path}: is of <{shown(name)}>: must be of <{tag}>; move the file away if it is of"
        " something else"
    )


def one(element: ElementTree.Element, field: str) -> ElementTree.Element | None:
    """The only child of that name, or None.

    Raises:
        ValueError: there are more; the message begins with the field.
    """
    found = element.findall(field)
    if len(found) > 1:
        raise ValueError(f"{field}: is there {len(found)} times: must be there once")
    return found[0] if found else None


def text(element: ElementTree.Element, field: str, default: str = "") -> str:
    """The text of the only child of that name, without blanks around it. Raises as `one`."""
    found = one(element, field)
    return default if found is None else (found.text or "").strip()


def line_of(path: Path, tag: str, number: int) -> int | None:
    """The line on which the `number`-th element called `tag` below the root begins, from 1."""
    parser, found, depth = expat.ParserCreate(), [], 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1 and name == tag:
            found.append(parser.CurrentLineNumber)
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    # it was read before, and said if it could not be
    with contextlib.suppress(expat.ExpatError, LookupError, ValueError):
        parser.Parse(contents(path), True)
    return found[number - 1] if number <= len(found) else None
