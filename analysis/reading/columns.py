"""The columns of the frames that hold what was recorded: name, dtype, and meaning with its unit.

Other packages have the columns of their frames in a file of this name. Frames are built from
these tables, `help(analysis)` prints them, and a test holds frames and tables equal. AP is always
in points 0-100, images are counted as trained on.
"""

from __future__ import annotations

from collections.abc import Iterable

from study.training.evaluation.metrics import COLUMNS

Columns = dict[str, tuple[str, str]]
"""Column name to (pandas dtype, meaning and unit), in the order of the frame."""
Frames = dict[str, tuple[str, Columns]]
"""Name of a frame to (what a row is, columns)."""

STATES = ("running", "waiting", "finished", "stopped", "diverged", "failed", "preempted")
WAITING = "waiting"  # set aside at a rung until others have come as far; no event says so

PLACE: Columns = {
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
SETTING: Columns = {
    "lr": ("float64", "base learning rate, at the study's batch size"),
    "weight_decay": ("float64", "of the weights; norm parameters and biases have none"),
}
SCORES: Columns = {name: ("float64", score.meaning) for name, score in COLUMNS.items()} | {
    f"{name}_augmented": (
        "float64",
        f"{name} with test-time augmentation; missing unless asked for",
    )
    for name, score in COLUMNS.items()
    if score.augmented
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
    PLACE
    | {
        "index": ("int64", "the trial's number within its arm, size and role"),
        "strategy": (
            "str",
            "what proposed it: a search, or strip; confirm: own best setting, cross: another's",
        ),
        "of": (
            "str",
            "trial that an audit continues, or whose setting a confirm run was given; else empty",
        ),
    }
    | SETTING
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
    PLACE
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
    PLACE
    | {"index": TRIALS["index"]}
    | SETTING
    | {
        "length": ("int64", "iterations T"),
        "factor": ("float64", "learning-rate drop factor"),
        "images_seen": ("int64", "images behind these weights: T x batch size"),
        "split": ("str", "scored on: tune or report"),
    }
    | SCORES
)
COSTS: Columns = (
    {name: PLACE[name] for name in ("study", "arm", "size")}
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
    {name: column for name, column in PLACE.items() if name != "role"}
    | SETTING
    | {
        "length": ("int64", "iterations T asked for"),
        "factor": ("float64", "learning-rate drop factor asked for"),
        "state": TRIALS["state"],
        "split": ("str", "scored on: report, unless the study says otherwise"),
    }
    | SCORES
)
INIT_REPORTS: Columns = {
    "study": PLACE["study"],
    "arm": PLACE["arm"],
    "group": ("str", "group of parameters, named by the model"),
    "loaded": ("int64", "parameters that start from the arm's weights"),
    "random": ("int64", "parameters that start at random"),
    "frozen": ("int64", "parameters that are never updated"),
    "classes": ("str", "of weights of a whole detector: classes whose rows were taken; or empty"),
    "trials": ("int64", "trials whose init report says exactly this"),
}
STRIPS: Columns = {
    "study": PLACE["study"],
    "size": PLACE["size"],
    "name": ("str", "hyper-parameter that is searched beyond the end of its range"),
    "low": ("float64", "lower end of the strip"),
    "high": ("float64", "upper end of the strip"),
    "trials": ("int64", "tune trials in it, of all arms"),
}

FRAMES: Frames = {
    "Results.trials": ("one row per trial", TRIALS),
    "Results.curves": ("one row per evaluation", CURVES),
    "Results.tails": ("one row per trial, length and factor", TAILS),
    "Results.costs": ("one row per arm, size and role", COSTS),
    "Results.confirmations": ("one row per confirm run", CONFIRMATIONS),
    "Results.init_reports": ("one row per arm, group of parameters, and finding", INIT_REPORTS),
    "Results.strips": ("one row per size and strip by which a range was extended", STRIPS),
}


def widened(columns: Columns, names: Iterable[str]) -> Columns:
    """With columns of further hyper-parameters beside every one of the weight decay.

    Learning rate and weight decay have their columns in every study; `names` may hold others.
    """
    found: Columns = {}
    others = [name for name in names if name not in SETTING]
    for column, (dtype, text) in columns.items():
        found[column] = dtype, text
        if column.startswith("weight_decay"):
            end = column.removeprefix("weight_decay")
            found |= {f"{name}{end}": (dtype, f"likewise of {name}") for name in others}
    return found


def describe(frames: Frames) -> str:
    """Frames and their columns as text."""
    lines: list[str] = []
    for name, (what, columns) in frames.items():
        lines += ["", f"{name}: {what}", ""]
        width = max(map(len, columns))
        lines += [f"    {column:{width}}  {text}" for column, (_, text) in columns.items()]
    return "\n".join(lines) + "\n"
