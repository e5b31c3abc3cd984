"""PASCAL VOC's mean average precision at an overlap of one half, as its devkit computes it.

The devkit's `VOCevaldet`: detections of a class are taken over all images by score, highest
first, equal ones in the order given. Each looks for the object of its class in its image that it
overlaps most, found before or not. From an overlap of 0.5 on it is a hit if it is the first to
find that object, and a false alarm if it is not; below, it is a false alarm. Where the object is
`difficult` it is neither, and such objects need not be found. In our ground truth they are crowd
regions (`study.data.formats.voc_objects`).

Overlaps need no extra pixel. The devkit's corners are the first and the last pixel of a box, so
that its sides are `last - first + 1`. Ours are edges, in which the first pixel starts at
`first - 1` and the last ends at `last`: the same sides, and the same overlap.

Two areas under the curve of precision against recall: VOC 2007's mean of the best precision at 11
levels of recall (Everingham et al. 2010, "The PASCAL Visual Object Classes (VOC) Challenge"), and
from VOC 2010 on the whole area under the best precision at that recall or more (Everingham et al.
2015, "The PASCAL Visual Object Classes Challenge: A Retrospective").

Detections that the model itself leaves out (beyond `model.detections`, below
`model.score_threshold`) are not seen here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from study.training.evaluation.metric import Column, Detection, Metric, Scores

MIN_OVERLAP = 0.5
Row = Mapping[str, Any]


def mean_average_precision(truth: dict[str, Any], detections: list[Detection]) -> Scores:
    """`mAP_voc07` and `mAP_voc12`, points 0-100: means over the classes that are there to find.

    Classes without an object that counts are left out; None if that leaves none.

    Args:
        truth: a COCO data set (`Index.coco`); `iscrowd` means difficult.
        detections: COCO results; may be empty, which is 0.
    """
    found: dict[int, list[Detection]] = defaultdict(list)
    for row in detections:
        found[row["category_id"]].append(row)
    objects: dict[int, list[Row]] = defaultdict(list)
    for row in truth["annotations"]:
        objects[row["category_id"]].append(row)
    by_points, by_area = [], []
    for category, own in objects.items():
        wanted = sum(not row["iscrowd"] for row in own)
        if wanted:
            hits = judged(found[category], own)
            by_points.append(points_07(hits, wanted))
            by_area.append(area_12(hits, wanted))
    if not by_points:
        return {"mAP_voc07": None, "mAP_voc12": None}
    return {
        "mAP_voc07": 100 * float(np.mean(by_points)),
        "mAP_voc12": 100 * float(np.mean(by_area)),
    }


def judged(detections: list[Detection], objects: Iterable[Row]) -> np.ndarray:
    """bool [n]: whether each detection of a class is a hit, from the highest score to the lowest.

    Those of difficult objects, which count neither way, are not among the n.
    """
    there: dict[int, list[Row]] = defaultdict(list)
    for row in objects:
        there[row["image_id"]].append(row)
    boxes = {image: np.array([row["bbox"] for row in own]) for image, own in there.items()}
    taken: set[tuple[int, int]] = set()
    hits: list[bool] = []
    for at in np.argsort([-row["score"] for row in detections], kind="stable"):
        row = detections[at]
        image = row["image_id"]
        if image not in boxes:
            hits.append(False)
            continue
        overlaps = _overlaps(row["bbox"], boxes[image])
        best = int(overlaps.argmax())
        if overlaps[best] < MIN_OVERLAP:
            hits.append(False)
        elif not there[image][best]["iscrowd"]:
            hits.append((image, best) not in taken)
            taken.add((image, best))
    return np.array(hits, bool)


def _overlaps(box: list[float], others: np.ndarray) -> np.ndarray:
    """Intersection over union [n] of one box and others [n, 4], xywh px."""
    left, top, width, height = box
    x, y, w, h = others.T
    across = (np.minimum(left + width, x + w) - np.maximum(left, x)).clip(min=0)
    down = (np.minimum(top + height, y + h) - np.maximum(top, y)).clip(min=0)
    shared = across * down
    return shared / (width * height + w * h - shared)


def points_07(hits: np.ndarray, wanted: int) -> float:
    """The mean over recall 0, 0.1, …, 1 of the best precision at that recall or more, in [0, 1].

    hits: bool [n] by falling score; wanted: how many objects there are to find, at least 1. A
    recall is compared as a whole number, so that 3 of 10 reach 0.3 whatever the rounding.
    """
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    best = [precision[10 * found >= level * wanted].max(initial=0) for level in range(11)]
    return float(np.mean(best))


def area_12(hits: np.ndarray, wanted: int) -> float:
    """The area under the best precision at each recall or more, in [0, 1]; arguments as above."""
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[hits].sum() / wanted)  # each hit adds 1 / wanted to the recall


VOC = Metric(
    "voc",
    {
        "mAP_voc07": Column(
            "PASCAL VOC's mAP at IoU 0.50 by 11 points, 0-100; missing unless asked for",
            "VOC07 mAP",
        ),
        "mAP_voc12": Column("PASCAL VOC's mAP at IoU 0.50 by area, points; likewise", "VOC12 mAP"),
    },
    lambda truth, detections, kinds: mean_average_precision(truth, detections),
)
