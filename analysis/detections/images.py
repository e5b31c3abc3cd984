"""How much the evaluation images decide: the difference between arms on images drawn anew."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats as student

from analysis.answers import stats
from analysis.answers.pairs import together
from analysis.detections import columns
from analysis.detections.matches import Kind
from analysis.detections.stored import Run, Stored, stored
from analysis.reading.frames import frame, rows
from analysis.reading.load import Results
from analysis.text.table import IMAGES, Column, Table
from analysis.text.words import counted, images, number, points
from study.planning.confirming import scatter

RESAMPLES = 1000


def image_bootstrap(
    results: Results,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = stats.LEVEL,
    kind: Kind = "box",
    of: Sequence[Stored] | None = None,
) -> pd.DataFrame:
    """Each arm against the reference on evaluation images drawn anew, as `columns.IMAGES`.

    Two things would come out differently if the study were made again, and each has its interval:

    - *Other images, the same trained models* (`low`, `high`): the report split is a sample of the
      images that one cares for. It is drawn again with replacement `resamples` times, the same
      images for both arms and all sizes; each time every confirm run is scored anew and the runs
      of an arm are averaged. The standard deviation of their difference is its standard error
      (the bootstrap; Efron 1979, Annals of Statistics 7, 1-26), and Student's t with one degree
      of freedom less than images makes it an interval. Quantiles of the resamples would miss
      more often: AP of repeated images is a little higher than of new ones
      (`python -m benchmarks.images`). More images make it narrower, more seeds hardly do.
    - *Other seeds and draws, the same images* (`low_seeds`, `high_seeds`): the interval of
      `answer`, which learns from all sizes and arms, and holds for all arms at once. More images
      do not make it narrower.

    What is said about the arms in general is exposed to both. By the law of total variance the
    difference varies by the mean over image sets of what seeds make it vary, plus what image sets
    make its mean over seeds vary: the squared errors add. So do the squared half-widths of the
    intervals, for `low_both` and `high_both`: that covers at least as often as each of them does,
    where the few degrees of freedom of the seeds would make one t-interval of the summed error
    (Satterthwaite's) miss up to twice too often (`python -m benchmarks.images`). It is a little
    too wide also because what a seed does to an image in particular is in both.

    Args:
        of: what `stored` found, if it is at hand; the files are read otherwise.

    Raises:
        ValueError: see `stored`; or fewer than 2 resamples; or see `stats.require_level`.
    """
    stats.require_level(level)
    if resamples < 2:
        raise ValueError(f"resamples = {resamples}: at least 2, for an interval")
    found: list[dict[str, Any]] = []
    for one in stored(results, kind) if of is None else of:
        count = len(one.truth["images"])
        weights = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
        scores = {run.file: run.matches.ap(weights) for run in one.runs}
        arms = results.arms(one.study)
        reference, *others = arms
        compared = together(
            {size: {arm: _ap(one.of(arm, size)) for arm in arms} for size in one.sizes},
            results.first_runs(one.study),
        )
        for arm in others:
            pairs = {size: (one.of(arm, size), one.of(reference, size)) for size in one.sizes}
            both = {size: sides for size, sides in pairs.items() if all(sides)}
            for size, (mine, theirs) in both.items():
                gaps = _mean(scores[run.file] for run in mine.values())
                gaps = gaps - _mean(scores[run.file] for run in theirs.values())
                seeds = compared.difference(size, arm, reference, level)
                place = {"study": one.study, "size": size, "arm": arm, "reference": reference}
                found.append(
                    place
                    | {"runs_arm": len(mine), "runs_reference": len(theirs), "images": count}
                    | _intervals(float(gaps[np.isfinite(gaps)].std(ddof=1)), seeds, count - 1)
                    | {"resamples": resamples, "level": level}
                )
    table = frame(found, columns.IMAGES)
    return table.sort_values(["study", "size"], kind="stable", ignore_index=True)


def _intervals(sd: float, seeds: stats.Difference, freedom: int) -> dict[str, Any]:
    """The three intervals about the difference; NaN for one that the data do not give."""
    gap, error = seeds.mean, seeds.error
    half = math.nan  # no spread at all, as where nothing scores, tells nothing
    if sd > scatter.ROUNDING:
        each = scatter.single(seeds.level, seeds.compared)
        half = float(student.t.ppf((1 + each) / 2, freedom)) * sd
    both = math.hypot(half, seeds.high - gap)
    row = {"difference": gap, "sd": sd, "sd_seeds": error}
    row |= {"low": gap - half, "high": gap + half, "low_both": gap - both, "high_both": gap + both}
    row |= {"low_seeds": seeds.low, "high_seeds": seeds.high}
    squared = sd**2 + error**2
    return row | {"images_share": sd**2 / squared if squared > 0 else math.nan}


def _ap(runs: dict[Hashable, Run]) -> dict[Hashable, float]:
    return {key: run.AP for key, run in runs.items()}


def _mean(scores: Iterable[np.ndarray]) -> np.ndarray:
    return np.mean(list(scores), axis=0)


def layout(table: pd.DataFrame) -> Table:
    """`image_bootstrap` as people read it."""
    titles = ("difference", "other images", "other seeds", "both", "due to images")
    columns_ = [IMAGES, Column("compared", number=False), *map(Column, titles)]
    shown: list[list[str]] = []
    for row in rows(table):
        share = row["images_share"]
        shown.append(
            [
                number(row["size"]),
                f"{row['arm']} − {row['reference']}",
                ("+" if row["difference"] > 0 else "") + points(row["difference"]),
                *(_ends(row, name) for name in ("", "_seeds", "_both")),
                f"{share:.0%}" if math.isfinite(share) else "–",
            ]
        )
    level = f"{table['level'].iloc[0] * 100:g}" if len(table) else "95"
    caption = (
        f"Difference in box AP, and its {level} % interval: for the same models on other images,"
        " for models of other seeds on the same images, and for both; and the share of the squared"
        " error that is due to the images"
    )
    return Table(caption, columns_, shown)


def told(table: pd.DataFrame) -> list[str]:
    """What `image_bootstrap` found, a sentence for each size and arm."""
    return [_sentence(row) for row in rows(table)]


def _sentence(row: dict[str, Any]) -> str:
    arm, reference, low, high = row["arm"], row["reference"], row["low"], row["high"]
    at, gap = f"With {images(row['size'])} to train on", f"{arm} minus {reference}"
    if not math.isfinite(low):
        return f"{at}, {gap} is the same whichever evaluation images are drawn."
    scored = counted(row["images"], "other image")
    text = f"{at}, the same models on {scored}: {points(low)} to {points(high)} AP ({gap})"
    if low > 0 or high < 0:
        text += "; the choice of images does not decide which is ahead"
    else:
        text += "; which is ahead depends on the choice of images"
    low, high = row["low_both"], row["high_both"]
    if math.isfinite(low):
        text += f". With other seeds too: {points(low)} to {points(high)} AP"
    return text + "."


def _ends(row: dict[str, Any], name: str) -> str:
    low, high = row[f"low{name}"], row[f"high{name}"]
    return f"{points(low)} to {points(high)}" if math.isfinite(low) else "–"
