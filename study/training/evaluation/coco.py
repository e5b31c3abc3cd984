"""COCO average precision in points 0-100, of boxes, masks and keypoints.

hotcoco computes it, with pycocotools' numbers to the last bit and far less time; pycocotools stays
as the reference that tests compare with.

Keypoints are compared by COCO's object keypoint similarity (OKS), whose width depends on the kind
of keypoint. COCO measured it for the 17 of its persons, and any 17 are taken to be those. Other
numbers have no such table, and each gets `OTHER_SIGMA`: scores are then comparable with each other
and with nobody else's.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import hotcoco
import numpy as np
import pycocotools.coco
import pycocotools.cocoeval

from study.training.evaluation.metric import Column, Detection, Kind, Metric, Scores

STATISTICS = {"AP": 0, "AP50": 1, "AP75": 2}  # position in COCO's statistics, of all three kinds
IOU: dict[Kind, Literal["bbox", "segm", "keypoints"]] = {
    "box": "bbox",
    "mask": "segm",
    "keypoint": "keypoints",
}
PERSON_KEYPOINTS = 17
OTHER_SIGMA = 0.1  # of the object's size; COCO's own lie between 0.025 (eyes) and 0.107 (hips)


def average_precision(
    truth: dict[str, Any],
    detections: list[Detection],
    kinds: Sequence[Kind] = ("box", "mask"),
    backend: Literal["hotcoco", "pycocotools"] = "hotcoco",
) -> Scores:
    """AP, AP50 and AP75 of each kind by name (`AP_box`, …), points 0-100.

    None where there is no ground truth to compare with. A box without a mask counts as one.

    Args:
        truth: a COCO data set (`Index.coco`); for keypoints each annotation has `keypoints` and
            `num_keypoints`, those labelled, and objects with none are ignored.
        detections: COCO results; may be empty, which is AP 0. For keypoints each has them.
        kinds: what the detections have.
        backend: who computes it; both give the same numbers.
    """
    if not detections:
        return {f"{metric}_{kind}": 0.0 for kind in kinds for metric in STATISTICS}
    coco, coco_eval = _classes(backend)
    result: Scores = {}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():  # both print
        warnings.filterwarnings("ignore", message=".*kpt_oks_sigmas differ", category=UserWarning)
        ground_truth = coco()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        found = ground_truth.loadRes(detections)
        for kind in kinds:
            evaluation = coco_eval(ground_truth, found, IOU[kind])
            if kind == "keypoint":
                number = len(detections[0]["keypoints"]) // 3
                if number != PERSON_KEYPOINTS:
                    evaluation.params.kpt_oks_sigmas = np.full(number, OTHER_SIGMA)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            for metric, position in STATISTICS.items():
                value = float(evaluation.stats[position])  # -1: no ground truth
                result[f"{metric}_{kind}"] = 100 * value if value >= 0 else None
    return result


def _classes(backend: str) -> tuple[Any, Any]:
    """The classes COCO and COCOeval, which both packages call by the same names."""
    if backend == "hotcoco":
        return hotcoco.COCO, hotcoco.COCOeval
    return pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval


COCO = Metric(
    "coco",
    {
        "AP_box": Column("box AP averaged over IoU 0.50:0.95, points 0-100", "box AP"),
        "AP50_box": Column("box AP at IoU 0.50, points"),
        "AP75_box": Column("box AP at IoU 0.75, points"),
        "AP_mask": Column(
            "mask AP averaged over IoU 0.50:0.95, points; missing without masks", "mask AP"
        ),
        "AP50_mask": Column("mask AP at IoU 0.50, points"),
        "AP75_mask": Column("mask AP at IoU 0.75, points"),
        "AP_keypoint": Column(
            "keypoint AP averaged over OKS 0.50:0.95, points; missing without keypoints",
            "keypoint AP",
            augmented=False,
        ),
        "AP50_keypoint": Column("keypoint AP at OKS 0.50, points", augmented=False),
        "AP75_keypoint": Column("keypoint AP at OKS 0.75, points", augmented=False),
    },
    average_precision,
)
