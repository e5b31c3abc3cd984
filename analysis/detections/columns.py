"""The columns of the frames about stored detections; see `analysis.reading.columns`."""

from __future__ import annotations

from analysis.answers.columns import ANSWER
from analysis.reading.columns import PLACE, Columns, Frames

IMAGES: Columns = {name: ANSWER[name] for name in ("study", "size", "arm", "reference")} | {
    "runs_arm": ("int64", "confirm runs of the arm whose detections are stored"),
    "runs_reference": ("int64", "likewise of the reference"),
    "images": ("int64", "images that they were scored on, drawn anew in each resample"),
    "difference": ("float64", "AP, the arm minus the reference, on those images, points"),
    "low": ("float64", "lower end, were the same models scored on other images"),
    "high": ("float64", "upper end, likewise"),
    "sd": ("float64", "standard error that the choice of images gives the difference, points"),
    "low_seeds": ("float64", "lower end, were other seeds scored on the same images"),
    "high_seeds": ("float64", "upper end, likewise"),
    "sd_seeds": ("float64", "standard error that the choice of seeds gives it; missing: unknown"),
    "low_both": ("float64", "lower end, were seeds and images others"),
    "high_both": ("float64", "upper end, likewise"),
    "images_share": ("float64", "sd squared over the sum of both squared"),
    "resamples": ("int64", "how often the images were drawn"),
    "level": ("float64", "of all the intervals"),
}
ERRORS: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "error": ("str", "classification, localisation, both, duplicate, background, missed: TIDE's"),
    "cost": (
        "float64",
        "AP50 lost to it: gained were it alone put right, points, mean of runs",
    ),
    "number": ("float64", "such detections, or missed objects, in a run; of whatever score"),
    "AP50": ("float64", "AP at IoU 0.50, mean of the runs, points"),
    "runs": ("int64", "confirm runs whose detections are stored"),
}

FRAMES: Frames = {
    "image_bootstrap": ("how much the evaluation images decide, a row per size and arm", IMAGES),
    "errors": ("what each kind of mistake costs, one row per size, arm and kind", ERRORS),
}
