"""The columns of every frame: name, dtype, and what it means with its unit.

One table per frame. The frames are built from them, `help(analysis)` prints them, and a test
holds frames and tables equal. AP is always in points 0-100, images are counted as trained on.
"""

from __future__ import annotations

Columns = dict[str, tuple[str, str]]
"""Column name to (pandas dtype, meaning and unit), in the order of the frame."""

STATES = ("running", "finished", "stopped", "diverged", "failed", "preempted")

_PLACE: Columns = {
    "study": ("str", "the run directory, as given to `load`"),
    "trial_id": ("str", "folder under trials/; unique within its study"),
    "arm": ("str", "initialisation of the backbone"),
    "size": ("int64", "training images in the subset"),
    "seed": ("int64", "of initial weights, data order, augmentation and samplers"),
    "draw": ("int64", "which random draw of that many images"),
    "role": (
        "str",
        "tune: part of the search; audit: the rest of a stopped one; confirm: repeats a setting",
    ),
}
_SETTING: Columns = {
    "lr": ("float64", "base learning rate, at the study's batch size"),
    "weight_decay": ("float64", "of the weights; norm parameters and biases have none"),
}
_PLAIN: Columns = {
    "AP_box": ("float64", "box AP averaged over IoU 0.50:0.95, points 0-100"),
    "AP50_box": ("float64", "box AP at IoU 0.50, points"),
    "AP75_box": ("float64", "box AP at IoU 0.75, points"),
    "AP_mask": ("float64", "mask AP averaged over IoU 0.50:0.95, points; missing without masks"),
    "AP50_mask": ("float64", "mask AP at IoU 0.50, points"),
    "AP75_mask": ("float64", "mask AP at IoU 0.75, points"),
    "AP_keypoint": (
        "float64",
        "keypoint AP averaged over OKS 0.50:0.95, points; missing without keypoints",
    ),
    "AP50_keypoint": ("float64", "keypoint AP at OKS 0.50, points"),
    "AP75_keypoint": ("float64", "keypoint AP at OKS 0.75, points"),
    "mAP_voc07": (
        "float64",
        "PASCAL VOC's mAP at IoU 0.50 by 11 points, 0-100; missing unless asked for",
    ),
    "mAP_voc12": ("float64", "PASCAL VOC's mAP at IoU 0.50 by area, points; likewise"),
}
SCORES: Columns = _PLAIN | {
    f"{name}_augmented": (dtype, f"{name} with test-time augmentation; missing unless asked for")
    for name, (dtype, _) in _PLAIN.items()
    if not name.endswith("_keypoint")
}
"""What a record says of how good its weights are. Only the box AP is never missing."""
_LOSS: Columns = {
    "loss": ("float64", "sum of the losses, mean over the leg's iterations"),
    "loss_objectness": ("float64", "RPN, object or not"),
    "loss_rpn_box": ("float64", "RPN, box regression"),
    "loss_classifier": ("float64", "box head, class; missing in a cascade"),
    "loss_box": ("float64", "box head, box regression; missing in a cascade"),
    "loss_classifier_1": ("float64", "first stage of a cascade, class"),
    "loss_box_1": ("float64", "first stage of a cascade, box regression"),
    "loss_classifier_2": ("float64", "second stage, class"),
    "loss_box_2": ("float64", "second stage, box regression"),
    "loss_classifier_3": ("float64", "third stage, class"),
    "loss_box_3": ("float64", "third stage, box regression"),
    "loss_mask": ("float64", "mask head; missing without one"),
    "loss_keypoint": ("float64", "keypoint head; missing without one"),
}

TRIALS: Columns = (
    _PLACE
    | {
        "index": ("int64", "the trial's number within its arm, size and role"),
        "strategy": (
            "str",
            "what proposed it: grid, sobol, tpe, gp, strip; confirm or cross: own or other's best",
        ),
        "of": (
            "str",
            "trial that an audit continues, or whose setting a confirm run was given; else empty",
        ),
    }
    | _SETTING
    | {
        "length": ("Int64", "iterations T of its best record; missing before the first"),
        "factor": ("float64", "learning-rate drop factor of its best record"),
        "state": ("str", ", ".join(STATES)),
        "stopped_at": (
            "Int64",
            "rung (a length) at which it was told to end; missing if it was not",
        ),
    }
    | SCORES
    | {
        "split": ("str", "scored on the tuning split (tune) or the report split (report)"),
        "images_seen": ("Int64", "images that the weights of its best record were trained on"),
        "images": (
            "int64",
            "images spent so far: trunk, tails, work known to be repeated",
        ),
        "iterations": ("float64", "iterations spent so far: images / batch size"),
        "device_seconds": ("float64", "wall seconds x workers so far"),
        "eval_seconds": ("float64", "wall seconds of its evaluations, over all records"),
        "started": ("datetime64[us, UTC]", "first event"),
        "updated": ("datetime64[us, UTC]", "last event or record"),
        "error": ("str", "what the last event says went wrong; empty if nothing"),
    }
)
CURVES: Columns = (
    _PLACE
    | {
        "iteration": ("int64", "iterations behind these weights"),
        "images_seen": ("int64", "images behind these weights: iteration x batch size"),
        "weights": ("str", "tail; on the way trunk, or average: the trunk's moving average"),
        "length": ("Int64", "iterations T of the run that ends in this tail; missing on the way"),
        "factor": ("float64", "learning-rate drop factor of this tail; missing on the way"),
        "split": ("str", "scored on: tune or report"),
    }
    | SCORES
    | _LOSS
)
TAILS: Columns = (
    _PLACE
    | {"index": TRIALS["index"]}
    | _SETTING
    | {
        "length": ("int64", "iterations T"),
        "factor": ("float64", "learning-rate drop factor"),
        "images_seen": ("int64", "images behind these weights: T x batch size"),
        "split": ("str", "scored on: tune or report"),
    }
    | SCORES
)
COSTS: Columns = (
    {name: _PLACE[name] for name in ("study", "arm", "size")}
    | {"role": ("str", "as of its trials; confirm runs asked for as cross-tuning are cross")}
    | {"trials": ("int64", "trials begun, whatever became of them")}
    | {state: ("int64", f"trials that are {state}") for state in STATES}
    | {
        "images": ("int64", "training images spent, over all trials"),
        "iterations": ("float64", "training iterations spent, over all trials"),
        "device_seconds": ("float64", "wall seconds x workers, over all trials"),
        "eval_seconds": ("float64", "wall seconds of evaluations, over all trials"),
        "independent_images": ("int64", "images if every recorded tail were a run of its own"),
        "independent_iterations": ("int64", "iterations if every recorded tail were its own run"),
    }
)
CONFIRMATIONS: Columns = (
    {name: column for name, column in _PLACE.items() if name != "role"}
    | _SETTING
    | {
        "length": ("int64", "iterations T asked for"),
        "factor": ("float64", "learning-rate drop factor asked for"),
        "state": TRIALS["state"],
        "split": ("str", "scored on: report, unless the study says otherwise"),
    }
    | SCORES
)
INIT_REPORTS: Columns = {
    "study": _PLACE["study"],
    "arm": _PLACE["arm"],
    "group": ("str", "group of parameters, named by the model"),
    "loaded": ("int64", "parameters that start from the arm's weights"),
    "random": ("int64", "parameters that start at random"),
    "frozen": ("int64", "parameters that are never updated"),
    "trials": ("int64", "trials whose init report says exactly this"),
}
STRIPS: Columns = {
    "study": _PLACE["study"],
    "size": _PLACE["size"],
    "name": ("str", "what is searched beyond the end of its range: lr or weight_decay"),
    "low": ("float64", "lower end of the strip"),
    "high": ("float64", "upper end of the strip"),
    "trials": ("int64", "tune trials in it, of all arms"),
}

BEST: Columns = (
    {name: _PLACE[name] for name in ("study", "arm", "size", "trial_id")}
    | {"index": TRIALS["index"]}
    | _SETTING
    | {
        "length": ("int64", "iterations T"),
        "factor": ("float64", "learning-rate drop factor"),
        "AP_box": ("float64", "on the tuning split: the best of many, so optimistic"),
        "AP_mask": ("float64", "on the tuning split, of the same record"),
        "images_seen": ("int64", "images that one run at this setting trains on"),
        "trials": ("int64", "tune trials with a record, from which it was chosen"),
        "lr_edge": ("str", "low or high: in the outer tenth of range and strips; else empty"),
        "weight_decay_edge": ("str", "low, high or empty"),
        "length_edge": ("str", "low or high: the shortest or longest tried; else empty"),
    }
)


def _scores(side: str, whose: str) -> Columns:
    interval = {"": "mean over seeds", "_low": "interval's lower end", "_high": "upper end"}
    return {
        f"AP_{kind}_{side}{end}": ("float64", f"{kind} AP of {whose}, {meaning}, points")
        for kind in ("box", "mask")
        for end, meaning in interval.items()
    }


def _side(side: str, whose: str) -> Columns:
    return {
        f"seeds_{side}": ("int64", f"runs of {whose} that were scored"),
        **_scores(side, whose),
        f"lr_{side}": ("float64", f"chosen learning rate of {whose}"),
        f"weight_decay_{side}": ("float64", f"chosen weight decay of {whose}"),
        f"length_{side}": ("Int64", f"chosen iterations T of {whose}"),
        f"factor_{side}": ("float64", f"chosen learning-rate drop factor of {whose}"),
        f"images_{side}": ("int64", f"images spent on {whose} at this size, every trial counted"),
        f"device_seconds_{side}": ("float64", f"wall seconds x workers spent on {whose}"),
    }


ANSWER: Columns = (
    {
        "study": _PLACE["study"],
        "size": _PLACE["size"],
        "reference": ("str", "the arm compared with: scratch if there, else the first"),
        "arm": ("str", "the arm compared; missing in a study of one arm"),
        "split": ("str", "report, or tune while not both arms have confirmation runs"),
    }
    | _side("reference", "the reference arm")
    | _side("arm", "the arm compared")
    | _scores("difference", "the arm minus the reference")
    | {
        f"AP_{kind}_{name}": (dtype, text)
        for kind in ("box", "mask")
        for name, dtype, text in (
            ("probability", "float64", f"that the arm's {kind} AP is the higher one"),
            ("equal", "bool", f"whether {kind} AP is shown to differ by less than the margin"),
        )
    }
    | {
        "margin": ("float64", "AP below which a difference counts as none"),
        "paired": ("bool", "whether the difference was taken seed by seed"),
        "level": ("float64", "of all the intervals"),
    }
)
CROSSOVER: Columns = {name: ANSWER[name] for name in ("study", "reference", "arm")} | {
    "sizes": ("int64", "training-set sizes at which the difference has an interval"),
    "crossover": (
        "float64",
        "images from which the arm's lead is below the margin; 0: at all sizes; inf: at none;"
        " missing: not known",
    ),
    "crossover_low": ("float64", "interval's lower end; 0: at or below the smallest size"),
    "crossover_high": ("float64", "upper end; inf: beyond the largest size"),
    "margin": ANSWER["margin"],
    "level": ("float64", "of the interval"),
}
CATCH_UP: Columns = {name: ANSWER[name] for name in ("study", "size", "reference", "arm")} | {
    "AP_box_reference": ("float64", "the reference's best, tuning split, points"),
    "AP_box_arm": ("float64", "the arm's best, which is to be reached"),
    "margin": ("float64", "AP by which less counts as reached"),
    "length_reference": ("Int64", "shortest T at which the reference reaches it; missing: none"),
    "length_arm": ("Int64", "shortest T at which the arm itself does"),
    "images_reference": ("Int64", "images that the reference has then seen"),
    "images_arm": ("Int64", "images that the arm has then seen"),
    "longest": ("int64", "longest T tried by the reference"),
}
TUNING: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "number of trials n"),
    "AP_box": ("float64", "expected best box AP of n trials, tuning split, points"),
    "AP_box_low": ("float64", "band's lower end, for all n at once; missing: no band"),
    "AP_box_high": ("float64", "upper end"),
    "images": ("float64", "training images that n trials cost on average"),
    "no_band": ("str", "why there is no band; empty if there is"),
    "level": ("float64", "of the band"),
}
VARIATION: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "runs": ("int64", "confirm runs of the chosen setting"),
    "sd_runs": ("float64", "standard deviation of their box AP: seeds and draws"),
    "trials": ("int64", "points of the search that have a score"),
    "sd_tuning": (
        "float64",
        "of the chosen setting's box AP, over searches of other points; a bootstrap",
    ),
    "pairs": ("int64", "confirm runs that the reference has with the same seed and draw"),
    "sd_difference_runs": ("float64", "of their difference in box AP; missing: the reference"),
    "sd_difference_tuning": ("float64", "of the chosen settings' difference, over searches"),
}
IMPORTANCE: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "tuning trials fitted"),
    "records": ("int64", "scores fitted: a trial has one at each length it came to"),
    "lr": ("float64", "share of the surface's variance over the space by the learning rate, 0-1"),
    "weight_decay": ("float64", "by weight decay"),
    "interaction": ("float64", "by the two together, beyond each alone"),
    "length": ("float64", "by length"),
    "sd": ("float64", "standard deviation of the surface over the space, AP"),
    "r2": ("float64", "share of the variance of trials left out of the fit that it predicts"),
    "withheld": ("str", "why there are no shares; empty if there are"),
}
COMPARISON: Columns = {
    "size": ("int64", "training images"),
    "arm": ("str", "initialisation"),
    "study": ("str", "run directory of the one"),
    "other": ("str", "of the other"),
    "paired": ("bool", "whether both ran the same seeds on the same draws"),
    "runs": ("int64", "confirm runs in the one"),
    "runs_other": ("int64", "in the other"),
    "AP_box": ("float64", "box AP in the one, mean over its runs, points"),
    "AP_box_other": ("float64", "in the other"),
    "AP_box_difference": ("float64", "other minus one"),
    "AP_box_difference_low": ("float64", "interval's lower end"),
    "AP_box_difference_high": ("float64", "upper end"),
    "level": ("float64", "of the interval"),
}
STOPPING: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "tune trials begun"),
    "stopped": ("int64", "of those, stopped at a rung"),
    "audited": ("int64", "of those, continued all the same, and ended"),
    "false_stops": ("int64", "of those, ended with a higher AP than the chosen one"),
    "gap": ("float64", "highest AP of a continued trial minus the chosen one's, tuning split"),
    "regret": ("float64", "AP that stopping lost, as far as was looked: gap if above 0, else 0"),
    "rank_correlation": (
        "float64",
        "Kendall's tau of the first rung's number and the longest length's AP, weighted",
    ),
    "ranked": ("int64", "trials that have both, continued ones included"),
    "saved_images": ("int64", "training images that the stopped trials would still have cost"),
    "audit_images": ("int64", "training images spent on continuing some of them"),
}


def _crossed(kind: str) -> Columns:
    return {
        f"AP_{kind}_own": ("float64", f"{kind} AP of the arm with its own setting, those seeds"),
        f"AP_{kind}_cross": ("float64", f"{kind} AP of the arm with the other's setting"),
        f"AP_{kind}_difference": ("float64", "the latter minus the former, points"),
        f"AP_{kind}_difference_low": ("float64", "interval's lower end"),
        f"AP_{kind}_difference_high": ("float64", "upper end"),
        f"AP_{kind}_gap_own": ("float64", "setting_of minus arm, each with its own setting"),
        f"AP_{kind}_gap_shared": ("float64", "setting_of minus arm, both with that of setting_of"),
    }


CROSSED: Columns = (
    {name: _PLACE[name] for name in ("study", "size", "arm")}
    | {"setting_of": ("str", "the other arm, whose best setting it was given")}
    | {name: (dtype, f"{text}; of that setting") for name, (dtype, text) in _SETTING.items()}
    | {
        "length": ("int64", "iterations T of that setting"),
        "factor": ("float64", "learning-rate drop factor of that setting"),
        "same": ("bool", "whether it is the arm's own setting too, so that nothing differs"),
        "n": ("int64", "seeds that were run and scored with both settings"),
    }
    | _crossed("box")
    | _crossed("mask")
    | {"level": ("float64", "of all the intervals")}
)
SEEN: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "currency": ("str", "what is counted: images, instances or pixels"),
    "length": ("int64", "iterations T of the arm's chosen setting"),
    "pretraining": ("float64", "seen in the arm's pre-training; NaN: not known"),
    "training": ("float64", "seen in one run of the chosen setting; NaN: not known"),
    "total": ("float64", "the sum of the two"),
    "reference": ("str", "the arm compared with: scratch if there, else the first"),
    "ratio": ("float64", "total / the reference's total"),
    "break_even": ("float64", "iterations after which the reference has seen as much in all"),
}
IMAGES: Columns = {name: ANSWER[name] for name in ("study", "size", "arm", "reference")} | {
    "runs_arm": ("int64", "confirm runs of the arm that kept their detections"),
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
ERRORS: Columns = {name: _PLACE[name] for name in ("study", "size", "arm")} | {
    "error": ("str", "classification, localisation, both, duplicate, background, missed: TIDE's"),
    "cost": (
        "float64",
        "AP50 lost to it: gained were it alone put right, points, mean of runs",
    ),
    "number": ("float64", "such detections, or missed objects, in a run; of whatever score"),
    "AP50": ("float64", "AP at IoU 0.50, mean of the runs, points"),
    "runs": ("int64", "confirm runs that kept their detections"),
}
FLAGS: Columns = {
    "study": _PLACE["study"],
    "size": ("Int64", "training images; missing: the whole study"),
    "arm": ("str", "missing: all of them"),
    "kind": ("str", "unfinished, unconfirmed, uneven, edge, zero, diverged, failed, stopping"),
    "message": ("str", "the flag in words"),
}

FRAMES: dict[str, tuple[str, Columns]] = {
    "Results.trials": ("one row per trial", TRIALS),
    "Results.curves": ("one row per evaluation", CURVES),
    "Results.tails": ("one row per trial, length and factor", TAILS),
    "Results.costs": ("one row per arm, size and role", COSTS),
    "Results.confirmations": ("one row per confirmation run", CONFIRMATIONS),
    "Results.init_reports": ("one row per arm, group of parameters, and finding", INIT_REPORTS),
    "Results.strips": ("one row per size and strip by which a range was extended", STRIPS),
    "best": ("the chosen setting, one row per arm and size", BEST),
    "answer": ("one row per size and arm compared with the reference", ANSWER),
    "crossover": ("from which size on an arm's lead is gone, one row per arm", CROSSOVER),
    "catch_up": ("after how long the reference reaches an arm, a row per size", CATCH_UP),
    "tuning_curve": ("what more trials would have bought, one row per number of them", TUNING),
    "variation": ("how much comes from seeds and from tuning, a row per size and arm", VARIATION),
    "compare": ("two studies, one row per pair of them, size and arm", COMPARISON),
    "importance": ("which hyper-parameter matters, one row per size and arm", IMPORTANCE),
    "stop_audit": ("what stopping saved and lost, one row per arm and size", STOPPING),
    "cross_tuning": ("one row per size, arm, and other arm whose setting it was given", CROSSED),
    "seen": ("what was seen in all, one row per size, arm and currency", SEEN),
    "flags": ("what to know before believing the answer", FLAGS),
    "image_bootstrap": ("how much the evaluation images decide, a row per size and arm", IMAGES),
    "errors": ("what each kind of mistake costs, one row per size, arm and kind", ERRORS),
}


def describe(frames: dict[str, tuple[str, Columns]] = FRAMES) -> str:
    """All frames and their columns as text."""
    lines: list[str] = []
    for name, (what, columns) in frames.items():
        lines += ["", f"{name}: {what}", ""]
        width = max(map(len, columns))
        lines += [f"    {column:{width}}  {text}" for column, (_, text) in columns.items()]
    return "\n".join(lines) + "\n"
