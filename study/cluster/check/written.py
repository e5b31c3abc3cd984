"""A cluster file from the disk: what of it can be YAML at all, and within which limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MOST_VALUES = 20_000
MOST_BYTES = 1_000_000


def read(path: Path) -> tuple[yaml.MappingNode, dict[Any, Any]]:
    """The file's nodes, which know their lines, and its values.

    Raises:
        ValueError: it cannot be read, is no YAML, no mapping, or larger than a file by hand.
    """
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise ValueError("a mapping of keys to values is expected, like `max_workers: 4`")
        if _values(root, {}, set()) > MOST_VALUES:
            raise ValueError(
                f"more than {MOST_VALUES:,} values, those of an alias (*name) counted each time;"
                " write out what is meant"
            )
        return root, yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"{path}{_marked(error)}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: lists or mappings too deep inside one another") from error
    except (ValueError, OverflowError, yaml.YAMLError) as error:  # dates, numbers without end
        raise ValueError(f"{path}: {' '.join(str(error).split())[:300]}") from error


def _text(path: Path) -> str:
    """The file as text.

    Raises:
        ValueError: it cannot be read, is too large, or no UTF-8; says where.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    if content is None:
        raise ValueError(f"{path}: more than {MOST_BYTES:,} bytes; is it a file for `ray up`?")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{line}: no UTF-8 text; save the file as UTF-8") from error


def _marked(error: yaml.MarkedYAMLError) -> str:
    """Line and fault, as YAML names them."""
    mark = error.problem_mark or error.context_mark
    what = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    tab = "; indent with blanks, not with tabs" if "\\t" in what else ""
    return f":{mark.line + 1}: {what}{tab}" if mark else f": {what}"


def _values(node: yaml.Node, counted: dict[int, int], inside: set[int]) -> int:
    """Values in a node, those behind aliases counted as often as they are meant.

    Raises:
        ValueError: an alias inside of what it names.
    """
    if id(node) in inside:
        line = node.start_mark.line + 1
        raise ValueError(f"line {line}: an alias (*name) stands inside of what it names")
    if id(node) not in counted:
        inside.add(id(node))
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = list(node.value)
        elif isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        counted[id(node)] = 1 + sum(_values(child, counted, inside) for child in children)
        inside.discard(id(node))
    return counted[id(node)]
