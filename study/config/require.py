"""What a value must satisfy, said where it is born."""

from __future__ import annotations


def require(ok: bool, name: str, value: object, rule: str) -> None:
    """Raise ValueError with the name, the value and the rule unless `ok`."""
    if not ok:
        raise ValueError(f"{name} = {value!r}: {rule}")
