"""What a data format is: a name, what it looks for, and a function that recognises it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from study.data.source import Source

TRAIN, VAL, TUNE = ("train",), ("val", "valid", "validation"), ("tune",)
"""What the splits are called in folders and files."""


@dataclass(frozen=True)
class DataSet:
    """A data set as its format found it; the splits list the same classes."""

    train: Source
    val: Source | None = None  # to report on; None: images held out of `train`
    tune: Source | None = None  # None: the same


@dataclass(frozen=True)
class Format:
    """One way in which annotations are written down.

    `recognise` looks at names alone, and is quick. It gives None for what another format may be,
    and raises ValueError for what is of this format but cannot be used.
    """

    name: str
    wants: str  # what it looks for, for a folder that none recognises
    recognise: Callable[[Path], DataSet | None]
