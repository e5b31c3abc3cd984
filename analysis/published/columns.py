"""The columns of the frames about the paper, see `analysis.reading.columns`."""

from __future__ import annotations

from analysis.reading.columns import Columns, Frames

_SYSTEM: Columns = {
    "system": ("str", "detector, its augmentation and stages; the network is in the next column"),
    "data": ("str", "coco: val2017 unless noted; voc: val2012"),
    "backbone": ("str", "resnet50, …, as in the configuration; empty: not stated"),
    "norm": ("str", "group, sync_batch, frozen_batch or none; empty: not stated"),
    "arm": ("str", "scratch or imagenet; empty: not stated"),
    "size": ("Int64", "training images; missing: not stated"),
    "length": ("Int64", "iterations of 16 images; missing: the best one, or not stated"),
    "setting_of": ("str", "arm for which the values were tuned; empty: for none, or not stated"),
}
_HOW: Columns = {
    "standing": (
        "str",
        "V: read in the paper; C: in code; 2: reported by another document; D: derived",
    ),
    "source": ("str", "table, figure or section"),
}

PAPER: Columns = (
    {"source": _HOW["source"]}
    | _SYSTEM
    | {
        "metric": (
            "str",
            "column of a record; AP_gain and share_of_pretrained: as the note says",
        ),
        "value": ("float64", "points 0-100; a gain in points, a share in per cent"),
        "standing": _HOW["standing"],
        "note": ("str", "what the paper says with it, or leaves open; empty if nothing"),
    }
)
"""Rows come from the recipes, which hold what is run, and from sentences of the paper."""

AGAINST: Columns = {
    "study": ("str", "the run directory, as given to `load`"),
    "size": ("int64", "training images"),
    "arm": ("str", "scratch or imagenet"),
    "setting_of": ("str", "arm for which our values were tuned"),
    "metric": ("str", "column of our records"),
    "runs": ("int64", "of ours"),
    "split": ("str", "report; or tune: the best of many trials with one seed, optimistic"),
    "length": ("Int64", "our iterations T"),
    "ours": ("float64", "mean over runs, points"),
    "ours_low": ("float64", "interval's lower end"),
    "ours_high": ("float64", "upper end"),
    "paper": ("float64", "the paper's one run, points"),
    "paper_system": ("str", "its detector and augmentation"),
    "paper_size": ("Int64", "its training images"),
    "paper_length": ("Int64", "its iterations; missing: the best, or not stated"),
    "paper_setting_of": ("str", "arm for which its values were tuned; empty: none or not stated"),
    **_HOW,
    "difference": ("float64", "ours minus the paper's, points"),
    "difference_low": ("float64", "interval's lower end, as if its one run scattered as ours do"),
    "difference_high": ("float64", "upper end"),
    "level": ("float64", "of both intervals"),
    "note": ("str", "what else differs, and what the paper says; empty if nothing"),
}
RUNS: Columns = (
    {
        "run": ("str", "the run directory"),
        "recipe": ("str", "by which it was run; empty: none"),
    }
    | _SYSTEM
    | {
        "seed": ("int64", "of initial weights, data order, augmentation and samplers"),
        "draw": ("int64", "which random draw of that many images"),
        "metric": ("str", "column of the record: a score, or loss"),
        "value": ("float64", "ours; points 0-100, or the loss"),
        "paper": ("float64", "published beside it; missing: nothing is"),
        **_HOW,
        "difference": ("float64", "ours minus the published one"),
    }
)
HYPOTHESES: Columns = {
    "id": ("str", "H1 to H15"),
    "claim": ("str", "what the paper says"),
    "verdict": ("str", "supported, contradicted, or not tested here"),
    "evidence": ("str", "numbers behind the verdict, or why there is none"),
}

FRAMES: Frames = {
    "paper": ("the paper's own numbers, a row each; needs no study", PAPER),
    "against_paper": ("a study's numbers beside the paper's", AGAINST),
    "load_runs": ("runs of recipes: a row per record and metric, published ones beside", RUNS),
    "hypotheses": (
        "the paper's claims, and what the numbers say of them",
        HYPOTHESES,
    ),
}
