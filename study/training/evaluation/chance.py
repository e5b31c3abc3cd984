"""The chance level: what a detector scores that looks at no image.

It finds the same boxes in every image, those that fit most objects of the training images. Where
objects lie alike in all images, one in the middle of each photo say, that is far from nothing, and
a detector that scores no more has learnt nothing from images. It depends on the data alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from study.data.index import Index
from study.data.splits import Splits
from study.training.evaluation.coco import average_precision
from study.training.evaluation.metric import Detection

IMAGES = 400  # of a split that are looked at, drawn by `SEED`: more change little and cost time
CANDIDATES = 200  # boxes of a class that are tried
OBJECTS = 4_000  # of a class that they are tried on
BOXES = 100  # guessed for each image; COCO's metric looks at no more
LEAST = 1e-3  # objects found per image, below which no further box is added
OVERLAPS = np.linspace(0.5, 0.95, 10)  # intersection over union
SEED = 0

Guess = tuple[float, int, np.ndarray]
"""A box that is guessed for every image: score, label from 0, xywh as shares of the image."""


def chance(splits: Splits) -> dict[str, float]:
    """Box AP (points 0-100) of the best constant guess, by split: `tune`, `report`.

    A split without objects is left out.
    """
    guesses = constant(splits.train, splits.pool)
    found: dict[str, float] = {}
    for split in ("tune", "report"):
        value = _scored(guesses, *splits.images(split))
        if value is not None:
            found[split] = round(value, 3)
    return found


def constant(index: Index, image_ids: np.ndarray) -> list[Guess]:
    """The boxes to guess for every image, best first, after these images.

    For each class one after the other, each where it finds most of what those before it do not.
    Its score is how many objects it finds per image, in the mean over COCO's overlaps.
    """
    at = np.searchsorted(index.image_id, _some(image_ids))
    rows = np.concatenate([np.arange(a, b) for a, b in zip(*_ends(index, at), strict=True)])
    owner = np.repeat(at, index.first[at + 1] - index.first[at])
    plain = ~index.crowd[rows]
    rows, owner = rows[plain], owner[plain]
    sides = np.stack([index.width[owner], index.height[owner]] * 2, axis=1)
    boxes, labels = index.bbox[rows] / sides, index.label[rows]
    found = [
        (score, int(label), box)
        for label in np.unique(labels)
        for score, box in _greedy(boxes[labels == label], len(at))
    ]
    return sorted(found, key=lambda guess: -guess[0])[:BOXES]


def _greedy(boxes: np.ndarray, images: int) -> Iterator[tuple[float, np.ndarray]]:
    """Score and box, best first. `boxes`: float64 [n, 4], all objects of a class."""
    rng = np.random.default_rng(SEED)
    tried = rng.permutation(len(boxes))
    candidates, objects = boxes[tried[:CANDIDATES]], boxes[tried[:OBJECTS]]
    hits = _hits(candidates, objects)
    left = np.ones(len(objects))  # share of each object that nothing has found yet
    for _ in range(BOXES):
        gains = hits @ left * (len(boxes) / len(objects) / images)
        best = int(gains.argmax())
        if gains[best] < LEAST:
            return
        yield float(gains[best]), candidates[best]
        left *= 1 - hits[best]


def _hits(boxes: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """Share of COCO's overlaps, 0.50:0.95, that [n] boxes reach with [m] objects: [n, m]."""
    low = np.maximum(boxes[:, None, :2], objects[:, :2])
    high = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], objects[:, :2] + objects[:, 2:])
    both = (high - low).clip(0).prod(axis=2)
    areas = boxes[:, 2:].prod(axis=1)[:, None] + objects[:, 2:].prod(axis=1)
    return np.mean([both >= overlap * (areas - both) for overlap in OVERLAPS], axis=0)


def _scored(guesses: list[Guess], index: Index, image_ids: np.ndarray) -> float | None:
    """Their box AP on some images; None where these have no object."""
    ids = _some(image_ids)
    truth = index.coco(ids)
    found: list[Detection] = [
        {
            "image_id": image["id"],
            "category_id": int(index.category_id[label]),
            "score": score,
            "bbox": (box * ([image["width"], image["height"]] * 2)).tolist(),
        }
        for image in truth["images"]
        for score, label, box in guesses
    ]
    return average_precision(truth, found, ["box"])["AP_box"]


def _some(image_ids: np.ndarray) -> np.ndarray:
    """At most `IMAGES` of them, ascending; the same ones every time."""
    drawn = np.random.default_rng(SEED).permutation(len(image_ids))[:IMAGES]
    return np.sort(image_ids[drawn])


def _ends(index: Index, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return index.first[at], index.first[at + 1]
