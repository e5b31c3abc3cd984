"""The columns of the frames about the answer; see `analysis.reading.columns`."""

from __future__ import annotations

from analysis.reading.columns import PLACE, SETTING, TRIALS, Columns, Frames

BEST: Columns = (
    {name: PLACE[name] for name in ("study", "arm", "size", "trial_id")}
    | {"index": TRIALS["index"]}
    | SETTING
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
    limits = "" if side == "difference" else ", from 0 to 100"  # a difference may be negative
    interval = {"": "mean over seeds", "_low": "interval's lower end", "_high": "upper end"}
    interval = {end: text + limits * bool(end) for end, text in interval.items()}
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
        "study": PLACE["study"],
        "size": PLACE["size"],
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
        "stage_reference": ("str", "of the reference, as in `learnt`; missing without a score"),
        "stage_arm": ("str", "of the arm"),
        "unlearnt": ("str", "which of both have yet to learn, and what to do; empty if none"),
        "margin": ("float64", "AP below which a difference counts as none"),
        "paired": ("bool", "whether the difference was taken seed by seed"),
        "compared": (
            "int64",
            "pairs of arms at this size whose intervals hold together, this one included",
        ),
        "level": ("float64", "of all the intervals; of the differences at a size: together"),
    }
)
PAIRS: Columns = (
    {name: ANSWER[name] for name in ("study", "size")}
    | {"arm": ("str", "the later arm of the two"), "other": ("str", "the earlier one")}
    | _scores("difference", "the arm minus the other")
    | {name: ANSWER[name] for name in ("AP_box_equal", "AP_mask_equal")}
    | {name: ANSWER[name] for name in ("margin", "compared", "level")}
)
STARTS: Columns = (
    {name: PLACE[name] for name in ("study", "size", "arm")}
    | {
        "split": ("str", "report, or tune while it has no confirm run; empty without a score"),
        "seeds": ("int64", "confirm runs that were scored"),
        "AP_box": ("float64", "box AP on that split, mean over its runs, points"),
        "leader": ("str", "the confirmed arm that scores highest at this size; missing: none"),
        "behind": ("float64", "box AP by which it is behind the leader, both confirmed"),
        "behind_low": ("float64", "interval's lower end"),
        "behind_high": ("float64", "upper end"),
        "standing": (
            "str",
            "leader; behind it (shown); equal (shown to differ from it by less than the margin);"
            " open (neither is shown); unconfirmed; missing (no score)",
        ),
        "lacks": ("str", "why there is no score; empty if there is one"),
        "unlearnt": ("str", "which arms of the size have yet to learn; empty if none"),
        "recommended": ("bool", "whether it is the arm to start from, as far as is known"),
    }
    | {name: ANSWER[name] for name in ("margin", "compared", "level")}
)
CROSSOVER: Columns = {name: ANSWER[name] for name in ("study", "reference", "arm")} | {
    "sizes": ("int64", "sizes at which the difference has an interval and both arms learnt"),
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
_BEYOND = {"": "estimate", "_low": "interval's lower end", "_high": "upper end"}
WORTH: Columns = (
    {name: ANSWER[name] for name in ("study", "size", "reference", "arm")}
    | {
        "AP_box_arm": ("float64", "box AP of the arm, report split, which is to be reached"),
        "sizes": ("int64", "training-set sizes at which both arms have an interval"),
        "largest": ("Int64", "the largest of them; missing: nothing is known of this size"),
    }
    | {
        f"images{end}": (
            "float64",
            f"images with which the reference reaches it, {text}; 0: the smallest size or fewer;"
            " inf: more than the largest",
        )
        for end, text in _BEYOND.items()
    }
    | {
        f"more{end}": ("float64", f"that minus the size: what the arm is worth, {text}")
        for end, text in _BEYOND.items()
    }
    | {"level": ("float64", "of the interval; with several arms: together, as in the answer")}
)
CATCH_UP: Columns = {name: ANSWER[name] for name in ("study", "size", "reference", "arm")} | {
    "AP_box_reference": ("float64", "the reference's best, tuning split, points"),
    "AP_box_arm": ("float64", "the arm's best, which is to be reached"),
    "margin": ("float64", "AP by which less counts as reached"),
    "length_reference": ("Int64", "shortest T at which the reference reaches it; missing: none"),
    "length_reference_low": (
        "float64",
        "interval's lower end; 0: the shortest T or less; inf: more than the longest; missing: too"
        " few confirm runs",
    ),
    "length_reference_high": ("float64", "upper end; inf: more than the longest"),
    "length_arm": ("Int64", "shortest T at which the arm itself does"),
    "images_reference": ("Int64", "images that the reference has then seen"),
    "images_arm": ("Int64", "images that the arm has then seen"),
    "longest": ("int64", "longest T tried by the reference"),
    "trials_reference": ("int64", "scored tuning trials of the reference"),
    "trials_arm": ("int64", "of the arm"),
    "level": ("float64", "of the interval; with several arms: together, as in the answer"),
}
LADDER: Columns = {name: PLACE[name] for name in ("study", "size")} | {
    "given": ("int64", "longest T that was asked for, iterations"),
    "longest": ("int64", "longest T that was tried"),
    "most": ("int64", "longest T that may be tried"),
    "gaining": ("str", "arms to which the longest gave more AP than the margin, with commas"),
    "gain": ("float64", "the most that it gave to an arm over its shorter ones, points of box AP"),
    "end": (
        "str",
        "why it is the longest: settled (no arm gains), limit (no longer one is allowed), fixed"
        " (the study adds none), staged (nor can it: stages of a cascade join late), open (it may"
        " still)",
    ),
    "trials": ("int64", "scored tuning trials of the arm that has the fewest"),
}
LEARNT: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "stage": (
        "str",
        "nothing (it scores less than the floor); rising (AP grew at least in proportion to the"
        " length, up to the longest); learnt (neither)",
    ),
    "AP_box": ("float64", "its best on the tuning split, points"),
    "floor": ("float64", "what the same boxes on every image score there; at least 1"),
    "AP_box_report": ("float64", "mean of its confirm runs on the report split; missing: none"),
    "floor_report": ("float64", "what the same boxes on every image score there; at least 1"),
    "length": ("int64", "its longest T with a score, iterations"),
    "steepness": (
        "float64",
        "of its last step to a longer length: 1 where AP grew in proportion to T, 0 where it did"
        " not grow; missing: one length",
    ),
    "remedy": ("str", "what to do; empty if it has learnt, or more trials or lengths will follow"),
}
COMPARISON: Columns = {
    "size": ("int64", "training images"),
    "arm": ("str", "initialisation"),
    "study": ("str", "run directory of the one"),
    "other": ("str", "of the other"),
    "paired": ("bool", "whether both ran the same seeds on the same draws"),
    "runs": ("int64", "confirm runs in the one"),
    "runs_other": ("int64", "in the other"),
    "images": ("str", "that both are scored on, by what was recorded: same, other or unknown"),
    "weights": ("str", "that the arm begins with in both: same, other or unknown"),
    "AP_box": ("float64", "box AP in the one, mean over its runs, points"),
    "AP_box_other": ("float64", "in the other"),
    "AP_box_difference": ("float64", "other minus one"),
    "AP_box_difference_low": ("float64", "interval's lower end"),
    "AP_box_difference_high": ("float64", "upper end"),
    "level": ("float64", "of the interval"),
}
SEEN: Columns = {name: PLACE[name] for name in ("study", "size", "arm")} | {
    "currency": ("str", "what is counted: images, instances or pixels"),
    "length": ("int64", "iterations T of the arm's chosen setting"),
    "pretraining": ("float64", "seen in the arm's pre-training; NaN: not known"),
    "training": ("float64", "seen in one run of the chosen setting; NaN: not known"),
    "total": ("float64", "the sum of the two"),
    "reference": ("str", "the arm compared with: scratch if there, else the first"),
    "ratio": ("float64", "total / the reference's total"),
    "break_even": ("float64", "iterations after which the reference has seen as much in all"),
}

FRAMES: Frames = {
    "best": ("the chosen setting, one row per arm and size", BEST),
    "answer": ("one row per size and arm compared with the reference", ANSWER),
    "pairs": ("one row per size and two arms that are confirmed there", PAIRS),
    "starts": ("how every arm stands at a size, beside the one that leads there", STARTS),
    "crossover": ("from which size on an arm's lead is gone, one row per arm", CROSSOVER),
    "worth": ("how many more labelled images an arm is worth, a row per size", WORTH),
    "catch_up": ("after how long the reference reaches an arm, a row per size", CATCH_UP),
    "ladder": ("how far the lengths went, and why no further, a row per size", LADDER),
    "learnt": ("whether an arm has learnt and had the time to, a row per size and arm", LEARNT),
    "compare": ("two studies, one row per pair of them, size and arm", COMPARISON),
    "seen": ("what was seen in all, one row per size, arm and currency", SEEN),
}
