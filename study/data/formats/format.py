"""What a data format is: a name, what it looks for, and a function that recognises it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from study.data.source import Source

TRAIN, VAL, TUNE, TEST = ("train",), ("val", "valid", "validation"), ("tune",), ("test",)
"""What the splits are called in folders and files."""


@dataclass(frozen=True)
class DataSet:
    """A data set as its format found it; the splits list the same classes."""

    train: Source
    val: Source | None = None  # to report on; None: images held out of `train`
    tune: Source | None = None  # None: the same
    every_class: bool = False  # also those that no object has: results are compared by the list


def assigned(splits: Mapping[str, Source]) -> DataSet:
    """What splits that are called so (the first of each of the words above) are used for.

    A test split is reported on. A val split beside it is then tuned on, as it is meant for.
    """
    val, tune, test = (splits.get(words[0]) for words in (VAL, TUNE, TEST))
    if test is not None and (val is None or tune is None):
        return DataSet(splits["train"], test, tune or val)
    return DataSet(splits["train"], val, tune)


@dataclass(frozen=True)
class Format:
    """One way in which annotations are written down.

    `recognise` looks at names alone, and is quick. It gives None for what another format may be,
    and raises ValueError for what is of this format but cannot be used.
    """

    name: str
    wants: str  # what it looks for, for a folder that none recognises
    recognise: Callable[[Path], DataSet | None]
