"""Training on more than the pool: a detector that is to be used needs no tuning split any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from study.data.formats.format import DataSet
from study.data.index import Index
from study.data.splits.classes import without
from study.data.splits.joined import Joined

if TYPE_CHECKING:
    from study.data.splits import Splits


def widened(splits: Splits, found: DataSet, train_on: Literal["train+tune", "all"]) -> Splits:
    """The splits with the images to tune on in the pool too, and with "all" those to report on.

    Where these lie in other files than the training images, `train` lists the images of all of
    them, with ids of its own. `found` are the sources of `splits`.
    """
    parts = [
        (found.train, splits.pool),
        (found.tune or found.train, splits.tune_ids),
        (found.val or found.train, splits.val_ids),
    ][: 3 if train_on == "all" else 2]
    sources = list({id(source): source for source, _ in parts}.values())
    if len(sources) == 1:
        return replace(splits, pool=np.unique(np.concatenate([ids for _, ids in parts])))
    joined = Joined(tuple(sources))
    ids = [joined.renumbered(ids, sources.index(source)) for source, ids in parts]
    whole = Index.open(joined)
    spare = np.setdiff1d(whole.category_id, splits.train.category_id)
    return replace(splits, train=without(whole, spare), pool=np.unique(np.concatenate(ids)))
