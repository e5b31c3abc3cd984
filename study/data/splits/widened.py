"""Training on more than the pool: a detector that is to be used needs no tuning split any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from study.data.splits.joined import joined

if TYPE_CHECKING:
    from study.data.splits import Splits


def widened(splits: Splits, train_on: Literal["train+tune", "all"]) -> Splits:
    """The splits with the images to tune on in the pool too, and with "all" those to report on.

    Where these lie in other files than the training images, `train` lists the images of all of
    them, with ids of its own.
    """
    parts = [
        (splits.train, splits.pool),
        (splits.tune, splits.tune_ids),
        (splits.val, splits.val_ids),
    ][: 3 if train_on == "all" else 2]
    indexes = list({id(index): index for index, _ in parts}.values())
    if len(indexes) == 1:
        return replace(splits, pool=np.unique(np.concatenate([ids for _, ids in parts])))
    before = np.cumsum([0, *(len(index.image_id) for index in indexes)])
    begin = {id(index): start for index, start in zip(indexes, before[:-1], strict=True)}
    places = [np.searchsorted(index.image_id, ids) + begin[id(index)] for index, ids in parts]
    return replace(splits, train=joined(indexes), pool=np.unique(np.concatenate(places)))
