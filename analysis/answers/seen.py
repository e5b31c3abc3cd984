"""What a training has seen: images, labelled instances and pixels ("Rethinking", Fig. 2).

Pre-training is training too. The paper counts what both have seen, in three currencies, and finds
that training from scratch catches up when it has seen about as many pixels, not images:

    images    epochs × images of the data set = iterations × batch size
    instances images × labelled instances per image; an image to classify has one
    pixels    images × height × width of the network's input

`table` makes the account of any trainings, the paper's for instance (`paper`), and `seen` that of
a study. Both say where training from scratch breaks even: how long it is when it has seen as much.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import safetensors

from analysis.answers import columns, settings
from analysis.reading.frames import frame, rows, where
from analysis.reading.load import Results

Currency = Literal["images", "instances", "pixels"]
CURRENCIES: tuple[Currency, ...] = get_args(Currency)


@dataclass(frozen=True)
class Seen:
    """How much was seen, every repeat counted; NaN: not known."""

    images: float
    instances: float
    pixels: float

    def __add__(self, other: Seen) -> Seen:
        return Seen(*(getattr(self, name) + getattr(other, name) for name in CURRENCIES))


@dataclass(frozen=True)
class Account:
    """What was seen before and in a training."""

    pretraining: Seen
    training: Seen

    @property
    def total(self) -> Seen:
        return self.pretraining + self.training


NOTHING = Seen(0, 0, 0)
UNKNOWN = Seen(math.nan, math.nan, math.nan)


def training(images: float, instances_per_image: float, pixels_per_image: float) -> Seen:
    """Of a detector that was shown so many images: iterations × batch size."""
    return Seen(images, images * instances_per_image, images * pixels_per_image)


def pretraining(epochs: float, images: float, px: int = 224) -> Seen:
    """Of a classifier that was shown so many images so many times, as squares of so many px."""
    return training(epochs * images, 1, px * px)


IMAGENET_100_EPOCHS = pretraining(100, 1_280_000)
"""The paper's assumption about ImageNet's pre-training (Fig. 2, caption)."""
PRETEXT = pretraining(2500 * 64 / 16_000, 16_000, px=48)
"""Of the weights that come with the project: see study/training/pretraining/shapes.py."""

COCO_IMAGES = 118_287  # of train2017
COCO_BATCH = 16
COCO_1X = 90_000  # iterations


def coco(images: float) -> Seen:
    """Of COCO, with the paper's assumptions: 7 instances an image, 800 × 1333 px (Fig. 2)."""
    return training(images, 7, 800 * 1333)


TORCHVISION_COCO = pretraining(90, 1_281_167) + coco(26 * COCO_IMAGES)
"""Of torchvision's detectors by the recipes that its weights name (`references/` in its
repository): 26 epochs of COCO, begun with its ImageNet weights, 90 epochs by its script's default.
It leaves out the one image in a hundred that has no object; pixels are the paper's assumption."""
KNOWN = {"scratch": NOTHING, "pretext": PRETEXT, "coco": TORCHVISION_COCO}
"""By the names of arms that are the same weights everywhere."""


def seen_by(weights: Path | str) -> Seen:
    """What the pre-training of a weights file saw, if `study.prepare pretext` has written it.

    Raises:
        ValueError: no such file, or the file does not say.
    """
    path = Path(weights)
    if not path.is_file():
        raise ValueError(f"weights {path}: no such file")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            told = (file.metadata() or {}).get("pretraining")
    except safetensors.SafetensorError as error:
        raise ValueError(f"weights {path}: not a safetensors file: {error}") from error
    if told is None:
        raise ValueError(
            f"weights {path}: do not say what was seen; only those of `study.prepare pretext"
            " --images` do, for others use analysis.pretraining(epochs, images, px)"
        )
    counts = json.loads(told)  # which may name the method too
    return Seen(*(counts[name] for name in CURRENCIES))


def break_even(account: Account, reference: Seen, unit: Seen) -> dict[Currency, float]:
    """How long the reference must be trained to have seen as much, by currency.

    Args:
        account: of the training compared with.
        reference: what the reference has seen before its training; from scratch, nothing.
        unit: what the reference sees in one unit of length, an iteration or a 1x schedule.
    """
    total = account.total
    return {
        name: _ratio(getattr(total, name) - getattr(reference, name), getattr(unit, name))
        for name in CURRENCIES
    }


def table(
    accounts: Mapping[str, Account], unit: Seen | None = None, reference: str = "scratch"
) -> pd.DataFrame:
    """The account of some arms, as the columns `arm` to `break_even` of `columns.SEEN`.

    Args:
        accounts: by arm.
        unit: what the reference sees in one unit of length, in which `break_even` is given; by
            default its whole training.
        reference: the arm compared with, one of `accounts`.
    """
    base = accounts[reference]
    found: list[dict[str, Any]] = []
    for arm, account in accounts.items():
        even = break_even(account, base.pretraining, unit or base.training)
        for name in CURRENCIES:
            before, then = getattr(account.pretraining, name), getattr(account.training, name)
            ratio = _ratio(before + then, getattr(base.total, name))
            place = {"arm": arm, "currency": name, "reference": reference}
            seen = {"pretraining": before, "training": then, "total": before + then}
            found.append(place | seen | {"ratio": ratio, "break_even": even[name]})
    shown = {k: v for k, v in columns.SEEN.items() if k not in ("study", "size", "length")}
    return frame(found, shown)


def paper() -> pd.DataFrame:
    """The paper's Fig. 2: ImageNet and 24 epochs of COCO against 72 epochs from scratch.

    Break-even is in multiples of the 1x schedule, 90,000 iterations of 16 images.
    """
    scratch, tuned = coco(72 * COCO_IMAGES), coco(24 * COCO_IMAGES)
    accounts = {
        "scratch": Account(NOTHING, scratch),
        "imagenet": Account(IMAGENET_100_EPOCHS, tuned),
    }
    return table(accounts, coco(COCO_1X * COCO_BATCH))


def seen(results: Results, pretraining: Mapping[str, Seen] | None = None) -> pd.DataFrame:
    """What each arm has seen with its chosen setting, at each size, as `columns.SEEN`.

    Args:
        results: of one or more studies.
        pretraining: what the pre-training of an arm has seen, by the arm's name; known without it
            for scratch, pretext and coco, NaN for others.

    Raises:
        ValueError: an arm that no study has.
    """
    there = {arm for study in results.manifests for arm in results.arms(study)}
    if unknown := (pretraining or {}).keys() - there:
        raise ValueError(
            f"pretraining: {', '.join(sorted(unknown))}: no arm of these results; there are"
            f" {', '.join(sorted(there)) or 'none'}"
        )
    before = KNOWN | dict(pretraining or {})
    chosen, found = settings.best(results), []
    for study in results.manifests:
        means = results.manifests[study].get("per_image") or {}
        reference = next(iter(results.arms(study)), "")
        for size in results.sizes(study):
            runs = {row["arm"]: row for row in rows(where(chosen, study=study, size=size))}
            if reference not in runs:
                continue  # nothing to compare with yet
            mean = means.get(str(size), {})
            one = training(1, *(_known(mean.get(name)) for name in CURRENCIES[1:]))
            accounts = {
                arm: Account(before.get(arm, UNKNOWN), _times(one, row["images_seen"]))
                for arm, row in runs.items()
            }
            batch = runs[reference]["images_seen"] / runs[reference]["length"]
            found += [
                row | {"study": study, "size": size, "length": runs[row["arm"]]["length"]}
                for row in rows(table(accounts, _times(one, batch), reference))
            ]
    return frame(found, columns.SEEN)


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _times(one: Seen, count: float) -> Seen:
    return Seen(*(count * getattr(one, name) for name in CURRENCIES))


def _ratio(value: float, by: float) -> float:
    return value / by if by else math.nan
