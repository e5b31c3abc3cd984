"""A run's detections matched with the truth once, and AP of any weighting of the images after.

COCO's AP depends on an image through its own matches and through where its detections stand in
the ranking of all. Matching is the slow part and knows one image at a time; so it is done once,
by hotcoco, and an AP in which image i counts w_i times needs sums only. Whole weights are copies
of images: the same AP, to rounding, as of a data set that holds each image so often.

What makes it fast: precision is at its best for a recall where a detection has just hit, so that
the curve is needed at the hits alone, and each hit answers for the levels of recall between the
one before it and its own.
"""

from __future__ import annotations

import contextlib
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import hotcoco
import numpy as np

Kind = Literal["box", "mask"]

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU: COCO's
RECALLS = np.linspace(0, 1, 101)  # at which precision is read: COCO's
LIMIT = 100  # detections of a class in an image that count: COCO's
ELEMENTS = 4_000_000  # of the largest array held


@dataclass(frozen=True)
class Ranking:
    """One class: its N detections by falling score, and its objects; T thresholds, I images."""

    image: np.ndarray  # int [N] which image each detection is of
    score: np.ndarray  # float [N]
    hit: np.ndarray  # bool [T, N] whether it finds an object that nothing before it has found
    counts: np.ndarray  # bool [T, N] False: neither hit nor false alarm, as in a crowd region
    row: np.ndarray  # int [N] its place in the detections that were given
    objects: np.ndarray  # float [I] how many there are to find

    def ap(self, weights: np.ndarray) -> np.ndarray:
        """AP in [0, 1] for each of R weightings, float [R, I]; NaN where there are no objects."""
        wanted = weights @ self.objects
        found = np.full(len(weights), np.nan)
        there = np.flatnonzero(wanted > 0)
        step = max(1, ELEMENTS // max(1, len(self.image)))
        for start in range(0, len(there), step):
            chunk = there[start : start + step]
            found[chunk] = self._ap(weights[chunk], wanted[chunk])
        return found

    def _ap(self, weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        weight = weights[:, self.image]  # [R, N]
        every = self.counts.all()
        ranked = weight.cumsum(axis=1) if every else None
        total = np.zeros(len(weights))
        for hit, counts in zip(self.hit, self.counts, strict=True):
            at = np.flatnonzero(hit & counts)
            before = ranked if ranked is not None else (weight * counts).cumsum(axis=1)
            hits = weight[:, at].cumsum(axis=1)  # [R, H]
            precision = hits / (before[:, at] + np.spacing(1))
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            reached = np.searchsorted(RECALLS, hits / wanted[:, None], side="right")
            total += (best * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
        return total / len(self.hit)


@dataclass(frozen=True)
class Matches:
    """A run's detections on I images, matched."""

    image_id: np.ndarray  # int [I], ascending
    classes: tuple[Ranking, ...]

    def ap(self, weights: np.ndarray | None = None) -> np.ndarray:
        """COCO's AP, points 0-100, for each of R weightings of the images.

        Args:
            weights: [R, I], 0 or more; not given: every image once.

        Returns:
            float [R]; NaN where the images have no object.
        """
        if weights is None:
            weights = np.ones((1, len(self.image_id)))
        return _mean([ranking.ap(np.asarray(weights, float)) for ranking in self.classes])

    def tops(self) -> Tops:
        """Of each image its n highest scores, n being the number of its objects."""
        parts = [
            (one.image, one.score, one.hit & one.counts, one.counts[0], one.row)
            for one in self.classes
        ]
        image, score, hit, counts, row = (
            np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True)
        )
        wanted = np.sum([one.objects for one in self.classes], axis=0)
        order = np.lexsort((row, -score, image))
        order = order[counts[order]]  # without what lies in crowd regions
        image = image[order]
        rank = np.arange(len(image)) - np.searchsorted(image, image)
        own = order[rank < wanted[image]]
        return Tops(
            image=image[rank < wanted[image]], row=row[own], hit=hit[:, own], objects=wanted
        )


@dataclass(frozen=True)
class Tops:
    """The M detections of a run that a perfect detector would have had: one for each object."""

    image: np.ndarray  # int [M] ascending; within an image by falling score
    row: np.ndarray  # int [M] place in the detections that were given
    hit: np.ndarray  # bool [T, M] whether it finds an object of its class
    objects: np.ndarray  # float [I]

    def share(self) -> np.ndarray:
        """Per cent of each image's objects that they hit, mean over the thresholds.

        As many detections are looked at as there are objects, so that this is precision, recall
        and F1 at once.

        Returns:
            float [I], 0-100; NaN for an image without objects.
        """
        hits = np.bincount(self.image, self.hit.mean(axis=0), len(self.objects))
        nothing = np.full(len(hits), np.nan)
        return 100 * np.divide(hits, self.objects, out=nothing, where=self.objects > 0)


def ground_truth(truth: dict[str, Any]) -> hotcoco.COCO:
    """A COCO data set as hotcoco has it."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        coco = hotcoco.COCO()
        coco.dataset = truth
        coco.createIndex()
    return coco


def evaluated(
    truth: hotcoco.COCO, detections: Sequence[dict[str, Any]], kind: Kind = "box"
) -> hotcoco.COCOeval:
    """The detections compared with the truth, objects of every area at once."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = truth.loadRes(list(detections))
        evaluation = hotcoco.COCOeval(truth, found, {"box": "bbox", "mask": "segm"}[kind])
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [LIMIT]
        evaluation.params.iouThrs = THRESHOLDS.tolist()
        evaluation.evaluate()
    return evaluation


def matches(evaluation: hotcoco.COCOeval) -> Matches:
    """What `evaluated` found, class by class."""
    image_id = np.array(sorted(evaluation.params.imgIds), np.int64)
    place = {int(image): at for at, image in enumerate(image_id)}
    cells: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for cell in evaluation.evalImgs:
        if cell is not None:
            cells[cell["category_id"]].append(cell)
    return Matches(
        image_id,
        tuple(
            _ranking(sorted(cells[category], key=lambda cell: cell["image_id"]), place)
            for category in sorted(evaluation.params.catIds)
        ),
    )


def _ranking(cells: list[dict[str, Any]], place: dict[int, int]) -> Ranking:
    """A class's detections in COCO's order: by score, equal ones by image and within it."""
    objects = np.zeros(len(place))
    for cell in cells:
        objects[place[cell["image_id"]]] = np.count_nonzero(~np.array(cell["gtIgnore"], bool))
    images = [np.full(len(cell["dtIds"]), place[cell["image_id"]]) for cell in cells]
    score = np.concatenate([np.zeros(0), *(np.array(cell["dtScores"], float) for cell in cells)])
    order = np.argsort(-score, kind="stable")
    nothing = np.zeros((len(THRESHOLDS), 0), bool)

    def stacked(name: str) -> np.ndarray:
        parts = [np.array(c[name], bool).reshape(len(THRESHOLDS), -1) for c in cells]
        return np.concatenate([nothing, *parts], axis=1)[:, order]

    rows = [np.array(cell["dtIds"], np.int64) - 1 for cell in cells]  # ids count from 1
    return Ranking(
        image=np.concatenate([np.zeros(0, np.int64), *images])[order],
        score=score[order],
        hit=stacked("dtMatched"),
        counts=~stacked("dtIgnore"),
        row=np.concatenate([np.zeros(0, np.int64), *rows])[order],
        objects=objects,
    )


def _mean(aps: list[np.ndarray]) -> np.ndarray:
    """Mean over the classes that have one, points 0-100; NaN where none has."""
    table = np.array(aps)
    there = ~np.isnan(table)
    number = there.sum(axis=0)
    total = np.where(there, table, 0.0).sum(axis=0)
    return 100 * np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)
