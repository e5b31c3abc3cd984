"""What belongs to a study's question is said at the field.

The question stays the same in a run directory. A field of a configuration is part of it, unless
its default is given by `apart`: what differs from trial to trial, or says where and how a run is
carried out. An older run directory that lacks a field of the question is read with its default.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")


APART = MappingProxyType({"question": False})
"""The metadata of a field that is no part of a study's question."""


def apart(default: T) -> T:
    """A field with that default that is no part of a study's question."""
    return dataclasses.field(default=default, metadata=APART)


def asked(config: Any) -> Any:
    """The configuration as plain values, without the fields that are no part of the question."""
    if not dataclasses.is_dataclass(config):
        return config
    return {
        field.name: asked(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.metadata.get("question", True)
    }
