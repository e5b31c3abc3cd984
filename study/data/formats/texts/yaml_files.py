"""YAML files, or where and why they are none: plain values, each name once, no references."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from study.config.printable import brief

DEEPEST = 100  # lists in lists; the time that PyYAML takes grows with the square
MOST_BYTES = 2**20  # of 20,000 classes there are half as many


def read(path: Path, raw: bytes) -> Any:
    """What a YAML file says, of which the bytes are given.

    References (`*name`) are refused: a few lines of them can stand for more than memory holds.

    Raises:
        ValueError: it is too large, not YAML, has a name twice, or references; names the line.
    """
    if len(raw) > MOST_BYTES:
        raise ValueError(f"{path}: has {len(raw):,} bytes: must have at most {MOST_BYTES:,}")
    if _depth(raw) > DEEPEST:
        raise ValueError(f"{path}: cannot be read as YAML: it is nested too deep")
    try:
        loader = yaml.SafeLoader(raw)
        node = loader.get_single_node()
        _require_plain(path, node, set())
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        said = error.problem or error.context
        raise ValueError(f"{path}: {line}cannot be read as YAML: {said}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: cannot be read as YAML: it is nested too deep") from error
    except yaml.YAMLError as error:  # letters that it cannot have
        said = " ".join(str(error).split())
        raise ValueError(f"{path}: cannot be read as YAML: {said}") from error
    except _NotPlain:
        raise
    except (ValueError, OverflowError) as error:  # a date that is none, say
        raise ValueError(f"{path}: cannot be read as YAML: {error}") from error


def _depth(raw: bytes) -> int:
    """How many brackets are open at most, or a little more: those in texts count too."""
    depth = most = 0
    for found in re.finditer(rb"[\[\]{}]", raw):
        depth += 1 if found[0] in b"[{" else -1
        most = max(most, depth)
    return most


class _NotPlain(ValueError):
    pass


def _require_plain(path: Path, node: yaml.Node | None, seen: set[int]) -> None:
    if node is None:
        return
    line = f"{path}: line {node.start_mark.line + 1}"
    if id(node) in seen:
        raise _NotPlain(f"{line}: is referred to with *: write what it is in both places")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _require_plain(path, item, seen)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                at = f"{path}: line {key.start_mark.line + 1}"
                if key.value in names:
                    raise _NotPlain(f"{at}: {brief(key.value)} is there twice: must be there once")
                names.add(key.value)
            _require_plain(path, key, seen)
            _require_plain(path, value, seen)
