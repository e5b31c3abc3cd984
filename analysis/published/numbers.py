"""The paper's own numbers as a frame: what its tables, captions and text print, and no more.

"Rethinking ImageNet Pre-training" (He, Girshick, Dollár, ICCV 2019; arXiv 1811.08883). Most are
in the recipes already, beside the run that repeats them; here are those of sentences too. Values
that are only curves or bars are absent. One run per number was published, without error bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pandas as pd

from analysis.published.columns import PAPER
from analysis.reading.frames import frame
from study import recipes
from study.config import RunConfig
from study.recipes import Recipe

AUGMENTED = "train aug"  # in `system`: images of several scales in training
_DEFAULT = (0.02, (0.1,))  # rate and drop factor of full COCO; others were tuned
_OF_THE_PAPER = "V2D"  # [C] stands in others' repositories

_VOC = "the paper speaks of 15k images, which no union of VOC's splits has; presumably AP50"
_NOTES = {
    "fig7/35k-tuned-pretrain": "best at 6x; the values were found by a grid search for this arm",
    "fig7/35k-tuned-scratch": "with the values tuned for the pre-trained arm",
    "fig8/10k-pretrain": "slight decline after",
    "fig8/10k-scratch": "with the values tuned for the pre-trained arm",
    "fig8/3p5k-scratch": "“similar experiments”",
    "fig8/3p5k-pretrain": "peak, of “similar experiments”",
    "fig8/1k-scratch": "3.5 in the text, 3.4 in Fig. 8's caption; the training losses meet",
    "voc/r101-scratch": f"no catch-up with longer training; {_VOC}",
    "voc/r101-pretrain": _VOC,
    "vgg/c5-scratch": "best length; longer training lowers AP",
    "vgg/c5-pretrain": "best length; longer training lowers AP",
    "table3/x152-cascade-pretrain-tta": "the same network as Table 3's, pre-trained",
}


def paper() -> pd.DataFrame:
    """Every number of the paper's results, as `columns.PAPER`.

    Settings are not in it: those are the recipes'. A number that two recipes repeat is one row.
    """
    return _paper().copy()


@cache
def _paper() -> pd.DataFrame:
    table = frame([*_of_recipes(), *_of_sentences()], PAPER)
    key = [name for name in PAPER if name != "note"]
    return table.drop_duplicates(key, ignore_index=True)


def described(run: RunConfig, metric: str = "") -> dict[str, Any]:
    """The columns `system` to `size` of a run, of which `metric` is a score."""
    model = run.model
    kind = "Keypoint" if model.keypoints else "Mask" if model.masks else "Faster"
    parts = [f"{kind} R-CNN{' FPN' if model.pyramid else ''}"]
    parts += [AUGMENTED] if model.train_short_px else []
    parts += ["cascade"] if model.cascade else []
    parts += ["test aug"] if metric.endswith("_augmented") else []
    parts += ["frozen random stem"] if run.frozen_random else []
    return {
        "system": " + ".join(parts),
        "data": run.data.name,
        "backbone": model.body.name,
        "norm": model.body.norm,
        "arm": run.arm,
        "size": run.size,
    }


def tuned_for(recipe: Recipe) -> str:
    """The arm for which a recipe's values were tuned; empty: none, they are full COCO's.

    The paper tuned for the pre-trained arm and gave scratch the same (Sec. 5.2).
    """
    tuned = (recipe.run.optim.lr, recipe.run.schedule.factors) != _DEFAULT
    return "imagenet" if tuned else ""


def _of_recipes() -> Iterator[dict[str, Any]]:
    for recipe in recipes.all().values():
        for number in recipe.paper:
            if number.standing not in _OF_THE_PAPER:
                continue
            yield described(recipe.run, number.metric) | {
                "source": number.source,
                "length": number.length,
                "setting_of": tuned_for(recipe),
                "metric": number.metric,
                "value": number.value,
                "standing": number.standing,
                "note": _NOTES.get(recipe.name, ""),
            }


def _of_sentences() -> Iterator[dict[str, Any]]:
    """What no recipe can be compared with: results quoted, and one of a tuning not published."""
    blank = dict.fromkeys(("system", "backbone", "norm", "arm", "setting_of"), "")
    blank |= {"data": "coco", "size": None, "length": None, "standing": "V", "source": "text"}
    own = described(recipes.find("fig8/1k-scratch").run) | {"setting_of": "scratch"}
    yield (
        blank
        | own
        | {
            "source": "Sec. 5.2, text",
            "metric": "AP_box",
            "value": 5.4,
            "note": "tuned for itself: the only size at which scratch had its own grid search",
        }
    )
    for metric, value in (("AP_box", 51.3), ("AP_mask", 43.6)):
        note = "on test-challenge, not on val2017"
        entry = {"system": "entry to the COCO 2018 challenge", "arm": "scratch", "note": note}
        yield blank | entry | {"metric": metric, "value": value}
    for system, arm, metric, value, note in (
        ("winner of the COCO 2017 challenge", "", "AP_box", 50.5, "quoted"),
        ("DSOD", "scratch", "AP_box", 29.3, "quoted, an older result from scratch"),
        ("CornerNet", "scratch", "AP_box", 42.1, "quoted, multi-scale"),
        (
            *("weakly supervised pre-training on Instagram", "", "AP_gain", 1.5),
            "quoted, “about”; its images are 3000 times ImageNet's",
        ),
        (
            *("Agrawal et al. 2014", "scratch", "share_of_pretrained", 90.0),
            "quoted, “about”; per cent of the accuracy with pre-training",
        ),
    ):
        yield blank | {
            "system": system,
            "data": "" if metric == "share_of_pretrained" else "coco",
            "arm": arm,
            "metric": metric,
            "value": value,
            "note": note,
        }
