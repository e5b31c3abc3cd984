"""A cluster file as it was written: its values, and the line that each stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from study.cluster.check import written

Place = tuple[str | int, ...]
"""The way to a value: keys of mappings, indices of lists."""

SETUP = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
)
START = ("head_start_ray_commands", "worker_start_ray_commands")
WIDTH = 60  # of a value in a fault


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, on one line: where, what is there, what should be."""

    line: int
    key: str
    value: str  # as it would be typed; empty: there is none
    rule: str

    def __str__(self) -> str:
        what = " = ".join(part for part in (self.key, self.value) if part)
        return f"{self.line}: {what}: {self.rule}"


class Document:
    """A parsed cluster file.

    Raises:
        ValueError: it cannot be read, is no YAML, or no mapping.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root, self.config = written.read(path)

    def get(self, *place: str | int) -> Any:
        """The value there; None where there is none."""
        value = self.config
        for key in place:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def fault(self, place: Sequence[str | int], rule: str) -> Fault:
        """What is wrong with the value there; of one that is missing, the line above it."""
        value = self.get(*place)
        text = "" if value is None else repr(value)
        if len(text) > WIDTH:
            text = text[: WIDTH - 1] + "…"
        return Fault(self._line(place), named(place), text, rule)

    def commands(self, *names: str) -> Iterator[tuple[Place, str]]:
        """The shell commands under these keys, of the file and of its node types."""
        types = self.get("available_node_types")
        inside = [("available_node_types", name) for name in types] if is_map(types) else []
        for place in [(), *inside]:
            for name in names:
                found = self.get(*place, name)
                for index, command in enumerate(found if isinstance(found, list) else []):
                    if isinstance(command, str):
                        yield (*place, name, index), command

    def node_configs(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """What the provider is asked for, of each node type that has one."""
        types = self.get("available_node_types")
        for name in types if is_map(types) else ():
            place = ("available_node_types", name, "node_config")
            if is_map(found := self.get(*place)):
                yield place, found

    def twice(self) -> Iterator[Fault]:
        """Keys that a mapping has twice: YAML keeps the last one without a word."""
        todo: list[tuple[Place, Any]] = [((), self._root)]
        while todo:
            place, node = todo.pop()
            if isinstance(node, yaml.SequenceNode):
                todo += [((*place, index), item) for index, item in enumerate(node.value)]
            elif isinstance(node, yaml.MappingNode):
                seen = set()
                for key, value in node.value:
                    name = str(key.value)
                    if name in seen:
                        line = key.start_mark.line + 1
                        yield Fault(line, named((*place, name)), "", "is there twice")
                    seen.add(name)
                    todo.append(((*place, name), value))

    def _line(self, place: Sequence[str | int]) -> int:
        node: Any = self._root
        line = 1
        for key in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                node = node.value[key] if key < len(node.value) else None
                line = node.start_mark.line + 1 if node else line
            elif isinstance(node, yaml.MappingNode):
                found = [pair for pair in node.value if pair[0].value == str(key)]
                node = found[-1][1] if found else None
                line = found[-1][0].start_mark.line + 1 if found else line
        return line


def named(place: Sequence[str | int]) -> str:
    """A place as one would write it: `available_node_types.head.resources.CPU`, `a[1]`."""
    text = ""
    for key in place:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def is_map(value: object) -> bool:
    return isinstance(value, dict)
