"""Our numbers beside the paper's: those of a study, and those of runs of its recipes.

A study is compared where it asks what the paper asked: the same data set with about as many
images, network and norm. Small things still differ, and the notes of the search spaces say which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats as scipy_stats

from analysis.answers import settings, stats
from analysis.published.columns import AGAINST, RUNS
from analysis.published.numbers import AUGMENTED, described, paper, tuned_for
from analysis.reading.columns import SCORES
from analysis.reading.frames import frame, groups, rows, values, where
from analysis.reading.load import Results
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import between, images, number, points
from analysis.tuning import cross_tuning
from study import recipes
from study.commands.common import usable
from study.config import ModelConfig, RunConfig, from_dict
from study.planning.confirming import scatter
from study.recipes.recipe import IMAGES as BATCH
from study.storage.run_dir import TrialDir

NEAR = 0.1  # share by which a training set may be larger or smaller than the paper's

_NAMES = {"AP_box": "box AP", "AP50_box": "box AP50", "mAP_voc12": "VOC mAP"}


def against_paper(results: Results, level: float = stats.LEVEL) -> pd.DataFrame:
    """Each arm, size and metric that the paper measured too, as `columns.AGAINST`.

    An arm with its own setting stands beside the paper's number for an arm tuned for itself, and
    beside whatever there is where the paper has none; with another arm's setting, beside the
    paper's number made that way. No rows for a study of something else.

    The paper has one run of each. The difference's interval takes it to scatter as our runs do;
    without repeated runs there is no interval.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    chosen, found = settings.best(results), []
    published = paper()
    for study in results.manifests:
        near = _comparable(results.manifests[study], published)
        for arm in results.arms(study):
            if near.empty or where(near, arm=arm).empty:
                continue
            for other in results.arms(study):
                given = cross_tuning.as_given(chosen, study, arm, other)
                runs = settings.with_setting(results.confirmations, given, results.setting)
                tuned = where(chosen, study=study, arm=arm) if arm == other else None
                found += _rows(where(near, arm=arm), runs, tuned, study, other, level)
    table = frame(found, AGAINST)
    return table.sort_values(["study", "size"], kind="stable", ignore_index=True)


def load_runs(run_dirs: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """One run of `python -m study.train` or several, as `columns.RUNS`.

    A row has one length and metric.

    Each end of a length has its published numbers beside it, if the run is the recipe's in model,
    evaluation, arm, data and size; those without a length stand beside the run's best one.

    Raises:
        ValueError: a folder holds no run, or a study.
    """
    found: list[dict[str, Any]] = []
    for path in [run_dirs] if isinstance(run_dirs, (str, Path)) else run_dirs:
        trial = TrialDir(usable(path, writing=False))
        if not trial.store.exists("config.json"):
            raise ValueError(
                f"run directory {path}: holds no run (config.json is missing); give the --run-dir"
                " of a `python -m study.train`"
            )
        config = trial.config()
        records = trial.records()
        found += _of_run(path, config, [r for r in records if r["weights"] == "tail"])
    return frame(found, RUNS)


def layout(table: pd.DataFrame) -> Table:
    """`against_paper` as people read it."""
    metrics = set(values(table, "metric"))
    given, one = Column("tuned for", number=False, arm=True), len(metrics) == 1
    columns = [IMAGES, ARM, given, *([] if one else [Column("metric", number=False)])]
    columns += [Column("ours"), Column("runs"), Column("the paper's")]
    columns += [Column("ours − paper's"), Column("its tuning", False), Column("from", False)]
    shown = [
        [
            *(number(row["size"]), row["arm"], row["setting_of"]),
            *([] if one else [_named(row["metric"])]),
            between(row["ours"], row["ours_low"], row["ours_high"]),
            number(row["runs"]) + ("" if row["split"] == "report" else "*"),
            f"{points(row['paper'])} [{row['standing']}]",
            _signed(row),
            f"for {row['paper_setting_of']}" if row["paper_setting_of"] else "–",
            row["source"],
        ]
        for row in rows(table)
    ]
    level = f"{table['level'].iloc[0] * 100:g}" if len(table) else "95"
    caption = _named(next(iter(metrics))) if one else "Scores"
    caption = (
        f"{caption[0].upper()}{caption[1:]}, means over runs with {level} % intervals in brackets;"
        " the difference's takes the paper's one run to scatter as ours do"
    )
    if "tune" in values(table, "split"):
        caption += "; * tuning split, the best of many trials: optimistic"
    return Table(caption, columns, shown)


def told(table: pd.DataFrame) -> list[str]:
    """What differs besides, and what the paper says, a sentence each."""
    noted = [row for row in rows(table) if row["note"]]
    found = [f"{images(row['size'])}, {row['arm']}: {row['note']}." for row in noted]
    return list(dict.fromkeys(found))


def _comparable(manifest: dict[str, Any], published: pd.DataFrame) -> pd.DataFrame:
    """The paper's best for each arm, size and metric that a study of this question measures."""
    fixed = manifest["question"].get("fixed")
    if not fixed:
        return published.iloc[:0]
    model, data = from_dict(ModelConfig, fixed["model"]), fixed["data"]
    if data.get("val_size") is not None or model.keypoints or model.cascade:
        return published.iloc[:0]
    same = where(published, data=data["name"], backbone=model.body.name, norm=model.body.norm)
    plain = [" + cascade" not in one and "Keypoint" not in one for one in same["system"]]
    # where the paper has it with and without
    augmented = bool(model.train_short_px)
    same = same.loc[plain]
    unlike = [(AUGMENTED in one) != augmented for one in same["system"]]
    order = same.assign(unlike=unlike).sort_values(
        ["unlike", "value"], ascending=[True, False], kind="stable"
    )
    return order.drop_duplicates(["arm", "size", "metric", "setting_of"]).drop(columns="unlike")


def _rows(
    near: pd.DataFrame,
    runs: pd.DataFrame,
    tuned: pd.DataFrame | None,
    study: str,
    setting_of: str,
    level: float,
) -> Iterator[dict[str, Any]]:
    """An arm with one setting at all its sizes; `tuned`: its chosen trials, if it is its own."""
    sizes = {*values(runs, "size"), *(values(tuned, "size") if tuned is not None else [])}
    for size in sorted(sizes):
        at = [abs(size - one) <= NEAR * one for one in near["size"].fillna(0)]
        for row in _made_alike(rows(near.loc[at]), setting_of, own=tuned is not None):
            metric = _metric(row["metric"], runs)
            scores = {one: _finite(group, metric) for (one,), group in groups(runs, "size")}
            mine, split, there = scores.get(size, []), "report", where(runs, size=size)
            if not mine and tuned is not None:
                there, split = where(tuned, size=size), "tune"
                mine = _finite(there, metric) if metric in there else []
            if not mine:
                continue
            spread = _spread(scores, size)
            ours = stats.mean_interval(mine, level, spread)
            half = beside_one_run(spread, ours, level)
            gap = ours.mean - row["value"]
            yield {
                **{"study": study, "size": size, "arm": row["arm"], "setting_of": setting_of},
                **{"metric": metric, "runs": len(mine), "split": split},
                "length": there["length"].iloc[0],
                **{"ours": ours.mean, "ours_low": ours.low, "ours_high": ours.high},
                **{"paper": row["value"], "paper_system": row["system"]},
                "paper_size": row["size"],
                "paper_length": row["length"],
                "paper_setting_of": row["setting_of"],
                **{name: row[name] for name in ("standing", "source")},
                **{"difference": gap, "difference_low": gap - half, "difference_high": gap + half},
                **{"level": level, "note": _note(row, metric, size)},
            }


def _named(metric: str) -> str:
    return _NAMES.get(metric, metric)


def _made_alike(found: list[dict[str, Any]], setting_of: str, own: bool) -> list[dict[str, Any]]:
    """Of the paper's rows those with values tuned for the same arm; for an own setting, or any."""
    alike = [row for row in found if row["setting_of"] == setting_of]
    return alike or (found if own else [])


def _metric(wanted: str, runs: pd.DataFrame) -> str:
    """The paper's metric, or AP50 for a VOC mAP that we did not record."""
    missing = wanted.startswith("mAP_voc") and not _finite(runs, wanted)
    return "AP50_box" if missing else wanted


def _note(row: dict[str, Any], metric: str, size: int) -> str:
    parts = []
    if metric != row["metric"]:
        parts.append(f"our {_named(metric)} stands beside the paper's mAP")
    if size != row["size"]:
        parts.append(f"the paper trained on {row['size']:,} images, ours are {size:,}")
    parts += [row["note"]] if row["note"] else []
    return "; ".join(parts)


def _spread(scores: Mapping[int, Sequence[float]], size: int) -> scatter.Spread:
    """Of single runs at a size; the sizes learn from one another."""
    spreads = dict(zip(scores, scatter.moderated(scores.values()), strict=True))
    return spreads.get(size, scatter.pooled(scores.values()))


def beside_one_run(spread: scatter.Spread, ours: stats.Estimate, level: float) -> float:
    """Half the interval of a mean of ours minus one run of the same spread."""
    if not spread.freedom:
        return math.nan
    error = math.sqrt(spread.variance * (1 + 1 / ours.n))
    return float(scipy_stats.t.ppf((1 + level) / 2, spread.freedom)) * error


def _finite(table: pd.DataFrame, metric: str) -> list[float]:
    return [value for value in values(table, metric) if math.isfinite(value)]


def _signed(row: dict[str, Any]) -> str:
    ends = (row[f"difference{end}"] for end in ("", "_low", "_high"))
    return ("+" if row["difference"] > 0 else "") + between(*ends)


def _of_run(
    path: str | Path, config: dict[str, Any], records: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    run, name = from_dict(RunConfig, config["run"]), config.get("recipe", "")
    recipe = recipes.find(name) if name else None
    published = recipe.published_for(run) if recipe else ()
    best = max(records, key=lambda r: _or_least(r.get("AP_box")), default=None)
    for record in records:
        length = record["images_seen"] // BATCH
        for metric in ("loss", *SCORES):
            if record.get(metric) is None:
                continue
            beside = [
                one
                for one in published
                if one.metric == metric
                and (one.length == length or (one.length is None and record is best))
            ]
            place = {"run": str(path), "recipe": name} | described(run, metric)
            place |= {"length": length, "setting_of": tuned_for(recipe) if recipe else ""}
            ours = {"seed": run.seed, "draw": run.draw, "metric": metric, "value": record[metric]}
            for one in beside or [None]:
                yield (
                    place
                    | ours
                    | {
                        "paper": one.value if one else math.nan,
                        "standing": one.standing if one else "",
                        "source": one.source if one else "",
                        "difference": record[metric] - one.value if one else math.nan,
                    }
                )


def _or_least(value: float | None) -> float:
    return -math.inf if value is None else value
