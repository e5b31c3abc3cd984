"""What stopping cost: as a frame, in words, and as a table.

Some of the stopped trials are continued to their end (audits), which changes no choice and shows
what stopping lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import settings
from analysis.reading.frames import frame, groups, rows, scored, values, where
from analysis.reading.load import Results
from analysis.reading.remembered import remembered
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import counted, images, number, points
from analysis.tuning import columns
from study.config import Nuisance, ScheduleConfig, from_dict
from study.config.schedule import iterations
from study.planning.stopping import Halving, Rungs, Stopping, recorded

_ENDED = ("finished", "diverged")


@remembered
def stop_audit(results: Results) -> pd.DataFrame:
    """What stopping saved and lost for each arm and size, as `columns.STOPPING`.

    All scores are those of the tuning split, and an audit's is its best over all its lengths, as
    it would have been chosen. Where the ladder of lengths went on beyond those, an audit is
    compared with the best of the trials up to its own length. Two biases, in opposite directions:
    the highest of several audits is optimistic, and stopped trials that were not continued may
    have lost more.

    Trials that survived are over-represented where it is asked whether the first rung ranks trials
    as the end does. So each continued trial stands for all the stopped ones of its arm and size
    that it was drawn from: it counts `stopped / audited` times, which favours none but scatters.
    Where none was continued the survivors stand alone, and a choice among the good ones is harder
    to rank than one among all: the correlation is then too low.
    """
    chosen, found = settings.best(results), []
    for key, trials in groups(where(results.trials, role="tune"), "study", "size", "arm"):
        place: dict[str, Any] = dict(zip(("study", "size", "arm"), key, strict=True))
        audits = where(results.trials, role="audit", **place)
        ended = audits.loc[audits["state"].isin(_ENDED).to_numpy()]
        stopped = where(trials, state="stopped")
        ladder = _rungs(results.manifests[place["study"]], place["size"])
        tails = scored(where(results.tails, **place))
        longest = _longest(tails, ended, ladder.schedule.lengths[-1])
        tuned = rows(where(tails, role="tune"))
        best = max((r["AP_box"] for r in tuned if r["length"] <= longest), default=math.nan)
        gaps = [ap - best for ap in values(scored(ended), "AP_box")]
        highest = max(gaps, default=math.nan)
        grown = any(length > longest for length in values(where(chosen, **place), "length"))
        tau, ranked = _agreement(results, place, ladder, trials, ended)
        found.append(
            place
            | {"trials": len(trials), "stopped": len(stopped), "audited": len(ended)}
            | {"false_stops": sum(gap > 0 for gap in gaps), "gap": highest, "grown": grown}
            | {"regret": max([0.0, *gaps]) if len(ended) else math.nan}
            | {"rank_correlation": tau, "ranked": ranked}
            | {"saved_images": _saved(results, place, ladder.schedule, stopped)}
            | {"audit_images": sum(values(audits, "images"))}
        )
    return frame(found, columns.STOPPING)


def told(table: pd.DataFrame) -> list[str]:
    """`stop_audit` in words, a paragraph for each size at which a trial was stopped."""
    found: list[str] = []
    for (_, size), group in groups(table, "study", "size"):
        there = [row for row in rows(group) if row["stopped"]]
        if not there:
            continue
        saved, cost = (sum(values(group, f"{what}_images")) for what in ("saved", "audit"))
        text = f"With {images(size)}, stopping saved training on {images(saved)}"
        text += f"; audits, which continue stopped trials, used {number(cost)}." if cost else "."
        found.append(" ".join([text, *map(_of_arm, there)]))
    return found


def layout(table: pd.DataFrame) -> Table:
    """`stop_audit` as people read it; no rows where nothing was stopped."""
    titles = ("trials", "stopped", "audited", "better", "AP lost", "rank τ", "saved", "spent")
    shown = [
        [
            *(number(row["size"]), row["arm"]),
            *(number(row[name]) for name in ("trials", "stopped", "audited", "false_stops")),
            points(row["regret"]),
            _correlation(row),
            *(number(row[name]) for name in ("saved_images", "audit_images")),
        ]
        for row in rows(table)
    ]
    some = any(values(table, "stopped"))
    caption = (
        "Trials that were stopped; how many of them were audited, that is continued to their end;"
        " how many of these ended better than the chosen one, or the best of that length where"
        " the chosen one was trained longer. Rank τ: Kendall's rank correlation"
        " between first rung and end, and of how many trials. Saved, and spent on audits: images"
    )
    return Table(caption, [IMAGES, ARM, *map(Column, titles)], shown if some else [])


def advice(manifest: dict[str, Any]) -> str:
    """How a study would stop less; its own rule is part of its question."""
    stopping = recorded(manifest["question"]["stopping"])
    ways = ["--stopping none", *(stopping.rule.gentler() if stopping else [])]
    return f"a study with {' or '.join(ways)} would lose less"


def compared_with(row: Mapping[str, Any]) -> str:
    """What the audits of a row of `stop_audit` are compared with."""
    return "best of that length" if row["grown"] else "chosen one"


def kendall(x: Sequence[float], y: Sequence[float], weights: Sequence[float]) -> float:
    """Kendall's tau-b in which a pair counts the product of its weights; NaN if all tie."""
    first, second, pair = np.asarray(x), np.asarray(y), np.outer(weights, weights)
    a, b = (np.sign(np.subtract.outer(one, one)) for one in (first, second))
    spread = math.sqrt(float((pair * a * a).sum()) * float((pair * b * b).sum()))
    return float((pair * a * b).sum()) / spread if spread else math.nan


def _rungs(manifest: dict[str, Any], size: int) -> Rungs:
    """What the study's trials of a size were compared by, or would be if any were stopped."""
    question = manifest["question"]
    nuisance = from_dict(Nuisance, question["nuisance"]).at(size)
    schedule = from_dict(
        ScheduleConfig,
        question["fixed"]["schedule"]
        | {"lengths": nuisance.lengths, "factors": nuisance.factors}
        | {"shared": question["schedule"] == "shared", "tails": question["tails"]},
    )
    stopping = recorded(question["stopping"]) or Stopping(Halving())
    return Rungs(stopping.rule, stopping.by, schedule)


def _longest(tails: pd.DataFrame, ended: pd.DataFrame, given: int) -> int:
    """The length of the audits that were not cut short; `given` where there is none."""
    finished = set(where(ended, state="finished")["trial_id"])
    found = rows(where(tails, role="audit"))
    return max((row["length"] for row in found if row["trial_id"] in finished), default=given)


def _agreement(
    results: Results,
    place: dict[str, Any],
    ladder: Rungs,
    trials: pd.DataFrame,
    ended: pd.DataFrame,
) -> tuple[float, int]:
    """Rank correlation between the first rung and the longest length, and of how many trials."""
    rungs = ladder.places(len(trials))
    if not rungs:
        return math.nan, 0
    last = ladder.schedule.lengths[-1]
    of = dict(zip(ended["trial_id"], ended["of"], strict=True))
    end: dict[str, float] = {}
    for row in rows(scored(where(results.tails, length=last, **place))):
        if row["role"] in ("tune", "audit"):
            trial_id = of.get(row["trial_id"], row["trial_id"])
            end[trial_id] = max(row["AP_box"], end.get(trial_id, -math.inf))
    stopped = set(where(trials, state="stopped")["trial_id"])
    share = len(stopped) / max(1, len(ended))
    found: list[tuple[float, float, float]] = []
    for (trial_id,), curve in groups(where(results.curves, role="tune", **place), "trial_id"):
        records = [row | {"length": _or_none(row["length"])} for row in rows(curve)]
        early = ladder.value(records, min(rungs))
        if early is not None and math.isfinite(early) and trial_id in end:
            found.append((early, end[trial_id], share if trial_id in stopped else 1.0))
    early, late, weights = zip(*found, strict=True) if found else ((), (), ())
    return kendall(early, late, weights) if len(found) > 2 else math.nan, len(found)


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value


def _saved(
    results: Results, place: dict[str, Any], schedule: ScheduleConfig, stopped: pd.DataFrame
) -> int:
    """Images that the stopped trials would still have trained on."""
    optim = results.manifests[place["study"]]["question"]["fixed"]["optim"]
    whole, saved = iterations(schedule), 0
    for row in rows(stopped):
        if pd.notna(row["stopped_at"]):
            rest = whole - iterations(schedule.up_to(int(row["stopped_at"])))
            saved += rest * round(row.get("batch_size") or optim["batch_size"])
    return saved


def _of_arm(row: dict[str, Any]) -> str:
    stopped, audited = row["stopped"], row["audited"]
    start = f"Of {counted(stopped, 'stopped trial')} of {row['arm']}"
    if not audited:
        return f"{start} none was audited: what stopping lost is not known."
    start += f" {audited} {'was' if audited == 1 else 'were'} audited: "
    which = "it" if audited == 1 else "the best of them"
    if not math.isfinite(row["gap"]):
        return f"{start}{'it reached no' if audited == 1 else 'none of them reached a'} score."
    where_ = "above" if row["gap"] > 0 else "below"
    return f"{start}{which} ended {points(abs(row['gap']))} AP {where_} the {compared_with(row)}."


def _correlation(row: dict[str, Any]) -> str:
    tau = row["rank_correlation"]
    return f"{tau:.2f} ({row['ranked']})".replace("-", "−") if math.isfinite(tau) else "–"
