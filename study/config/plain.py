"""Configurations as plain JSON values, and back."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

import cattrs
from cattrs.v import format_exception

_converter = cattrs.Converter(forbid_extra_keys=True)

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """The configuration as plain JSON values."""
    return json.loads(json.dumps(_converter.unstructure(config)))


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """The configuration again.

    Raises:
        ValueError: an unknown or missing key or a bad value, each named on its own line.
    """
    try:
        return _converter.structure(values, cls)
    except Exception as error:
        lines = cattrs.transform_error(error, path=cls.__name__, format_exception=_explain)
        raise ValueError("\n".join(lines)) from error


def _explain(error: BaseException, expected: type | None) -> str:
    ours = type(error) is ValueError and "=" in str(error)  # written by _require
    return str(error) if ours else format_exception(error, expected)


def digest(value: Any) -> str:
    """Sixteen hex digits that identify a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
