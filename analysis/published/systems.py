"""The systems that a study, the runs of recipes, or the paper's numbers make up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.answers import learnt, settings, stats
from analysis.answers.seen import COCO_1X, Seen
from analysis.answers.seen import paper as fig2
from analysis.answers.seen import seen as account_of
from analysis.published.observed import Run, System
from analysis.reading.columns import SCORES
from analysis.reading.frames import groups, rows, scored, where
from analysis.reading.load import Results
from analysis.tuning import cross_tuning
from study.config import ModelConfig, from_dict
from study.planning.trials.best import rank


def systems(
    of: Results | pd.DataFrame,
    pretraining: Mapping[str, Seen] | None = None,
    level: float = stats.LEVEL,
) -> list[System]:
    """The systems of studies, or of the rows of `paper` or `load_runs`."""
    if isinstance(of, pd.DataFrame):
        return list(_of_rows(of, level))
    return list(_of_studies(of, pretraining, level))


def _of_studies(
    results: Results, pretraining: Mapping[str, Seen] | None, level: float
) -> Iterator[System]:
    chosen, account = settings.best(results), account_of(results, pretraining)
    stages = learnt.learnt(results)
    for study, manifest in results.manifests.items():
        fixed = manifest["question"].get("fixed")
        if not fixed:
            continue
        model = from_dict(ModelConfig, fixed["model"])
        yield System(
            name="" if len(results.manifests) == 1 else study,
            kind="study",
            data=fixed["data"]["name"],
            backbone=model.body.name,
            norm=model.body.norm,
            runs=[*_finals(results, chosen, stages, study), *_ladders(results, stages, study)],
            single=False,
            break_even=_break_even(where(account, study=study)),
            level=level,
        )


def _finals(
    results: Results, chosen: pd.DataFrame, stages: pd.DataFrame, study: str
) -> Iterator[Run]:
    """Confirmation runs, with an arm's own setting and with those of others.

    Without those of an arm and size that has yet to learn: of these no claim is judged.
    """
    curves = where(results.curves, study=study, role="confirm", weights="tail")
    losses = {(row["trial_id"], row["length"]): row["loss"] for row in rows(curves)}
    for arm in results.arms(study):
        for other in results.arms(study):
            given = cross_tuning.as_given(chosen, study, arm, other)
            runs = settings.with_setting(results.confirmations, given, results.setting)
            for row in rows(learnt.spoken(runs, stages, "arm")):
                loss = losses.get((row["trial_id"], row["length"]), math.nan)
                yield _run(row, other, {"loss": loss}, final=True)


def _ladders(results: Results, stages: pd.DataFrame, study: str) -> Iterator[Run]:
    """Each arm's best tuning trial at each length; the best of many has no seed to pair by."""
    tuned = learnt.spoken(scored(where(results.tails, study=study, role="tune")), stages, "arm")
    for (arm, _, _), group in groups(tuned, "arm", "size", "length"):
        top = min(rows(group), key=lambda row: rank(row["AP_box"], row["length"], row["index"]))
        yield _run(top | {"seed": 0, "draw": 0}, arm, {}, ladder=True)


def _run(
    row: Mapping[str, Any],
    setting_of: str,
    more: Mapping[str, float],
    ladder: bool = False,
    final: bool = False,
) -> Run:
    place = (row["arm"], row["size"], row["length"], setting_of, row["seed"], row["draw"])
    scores: dict[str, float] = {name: row[name] for name in SCORES}
    return Run(*place, ladder, final, {**scores, **more})


def _break_even(account: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By arm and currency, at the largest size."""
    found: dict[str, dict[str, float]] = {}
    for row in rows(account.sort_values(by="size", kind="stable")):
        found.setdefault(row["arm"], {})[row["currency"]] = row["break_even"]
    return found


def _of_rows(table: pd.DataFrame, level: float) -> Iterator[System]:
    """Of the paper or of recipes' runs; a result whose training images are not known is none."""
    told = table.loc[table["size"].notna().to_numpy()]
    imagenet = rows(where(fig2(), arm="imagenet"))
    even = {"imagenet": {row["currency"]: row["break_even"] * COCO_1X for row in imagenet}}
    for (kind, data, backbone, norm), group in groups(told, "system", "data", "backbone", "norm"):
        yield System(
            name=_name(kind, data, backbone, norm),
            kind=kind,
            data=data,
            backbone=backbone,
            norm=norm,
            runs=_pivoted(group),
            single=data in ("coco", "voc"),
            break_even=even if data == "coco" else {},
            level=level,
        )


def _pivoted(group: pd.DataFrame) -> list[Run]:
    """The metrics of a run and length side by side; of two sources the first counts."""
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in rows(group):
        length = None if pd.isna(row["length"]) else row["length"]
        seed, draw = (row.get(name, 0) for name in ("seed", "draw"))
        place = (row["arm"], row["size"], length, row["setting_of"], seed, draw)
        found.setdefault(place, {}).setdefault(row["metric"], row["value"])
    return [
        Run(*place, ladder=place[2] is not None, final=True, scores=scores)
        for place, scores in found.items()
    ]


_SHORT = {
    **{"resnet50": "R50", "resnet101": "R101", "vgg16": "VGG-16"},
    **{"resnext101_32x8d": "X101", "resnext152_32x8d": "X152"},
    **{"group": "GN", "sync_batch": "SyncBN", "frozen_batch": "frozen BN", "none": "without norm"},
}


def _name(kind: str, data: str, backbone: str, norm: str) -> str:
    plain = kind.removeprefix("Mask R-CNN FPN").removeprefix(" + ")
    parts = [_SHORT.get(backbone, backbone), _SHORT.get(norm, norm)]
    parts += ["on VOC"] if data == "voc" else []
    return " ".join(parts) + (f" ({plain})" if plain else "")
