"""A table as people read it: in the report and on the terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column as shown."""

    title: str
    number: bool = True  # set to the right
    arm: bool = False  # shown with the arm's mark
    wrap: bool = False
    pair: bool = False  # the names of two arms, which may be long


@dataclass(frozen=True)
class Table:
    """A table as shown: strings, in the order of the columns."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    tall: bool = False  # may need its own scroll bar


IMAGES, ARM = Column("images"), Column("arm", number=False, arm=True)
PAIR = Column("pair", number=False, pair=True)
