"""The columns of the frames about the search; see `analysis.reading.columns`."""

from __future__ import annotations

from analysis.reading.columns import PLACE, SETTING, Columns, Frames

TUNING: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "number of trials n"),
    "AP_box": ("float64", "expected best box AP of n trials, tuning split, points"),
    "AP_box_low": ("float64", "band's lower end, for all n at once; missing: no band"),
    "AP_box_high": ("float64", "upper end"),
    "images": ("float64", "training images that n trials cost on average"),
    "no_band": ("str", "why there is no band; empty if there is"),
    "strips": ("int64", "trials beyond the ranges, which the curve does not count"),
    "AP_box_strips": ("float64", "the best box AP of those, tuning split; missing: none"),
    "level": ("float64", "of the band"),
}
VARIATION: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
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
IMPORTANCE: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "tuning trials fitted"),
    "records": ("int64", "scores fitted: a trial has one at each length it came to"),
    "lr": ("float64", "share of the surface's variance over the space by the learning rate, 0-1"),
    "weight_decay": ("float64", "by weight decay; missing: not searched"),
    "interaction": ("float64", "by two of those together, beyond each alone"),
    "length": ("float64", "by length"),
    "sd": ("float64", "standard deviation of the surface over the space, AP"),
    "r2": ("float64", "share of the variance of trials left out of the fit that it predicts"),
    "withheld": ("str", "why there are no shares; empty if there are"),
}
STOPPING: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "trials": ("int64", "tune trials begun"),
    "stopped": ("int64", "of those, stopped at a rung"),
    "audited": ("int64", "of those, continued all the same, and ended"),
    "false_stops": ("int64", "of those, ended with a higher AP than the chosen one"),
    "gap": ("float64", "highest AP of a continued trial minus the chosen one's, tuning split"),
    "grown": (
        "bool",
        "whether the chosen one was trained longer than those: the best up to their length stands"
        " for it then",
    ),
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
    {name: PLACE[name] for name in ("study", "size", "arm")}
    | {"setting_of": ("str", "the other arm, whose best setting it was given")}
    | {name: (dtype, f"{text}; of that setting") for name, (dtype, text) in SETTING.items()}
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

FRAMES: Frames = {
    "tuning_curve": ("what more trials would have bought, one row per number of them", TUNING),
    "variation": ("how much comes from seeds and from tuning, a row per size and arm", VARIATION),
    "importance": ("which hyper-parameter matters, one row per size and arm", IMPORTANCE),
    "stop_audit": ("what stopping saved and lost, one row per arm and size", STOPPING),
    "cross_tuning": ("one row per size, arm, and other arm whose setting it was given", CROSSED),
}
