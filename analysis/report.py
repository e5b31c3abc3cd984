"""One self-contained page that answers the study's question, and its tables beside it."""

from __future__ import annotations

import math
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex

from analysis import against, chapters, crossing, figures, layout, stats, stopping, tables
from analysis.evaluations import Evaluations, evaluations
from analysis.flags import flags, lines
from analysis.frames import rows, values
from analysis.hypotheses import UNTESTED, hypotheses
from analysis.hypotheses import told as claims_told
from analysis.load import Results
from analysis.looks import looks
from analysis.plots import THERMAL
from analysis.seen import seen as account
from analysis.words import headline, points
from study.rundir import write_atomically


def write(results: Results, folder: Path | str, pictures: bool = True) -> Path:
    """Write `index.html` and each frame as CSV and as Parquet into `folder`; returns the page.

    Args:
        pictures: show some of the evaluation images, if detections on them were kept.

    Raises:
        ValueError: several studies were loaded; a report is about one.
        OSError: the folder cannot be made or written to.
    """
    folder = Path(folder)
    answer = tables.answer(results)
    made = {
        "answer": answer,
        **chapters.frames(results, answer),
        "best": tables.best(results),
        "trials": results.trials,
        "tails": results.tails,
        "curves": results.curves,
        "costs": results.costs,
        "stop_audit": stopping.stop_audit(results),
        "cross_tuning": crossing.cross_tuning(results),
        "strips": results.strips,
        "confirmations": results.confirmations,
        "audits": results.audits,
        "seen": account(results),
        "against_paper": against.against_paper(results),
        "hypotheses": hypotheses(results),
        "flags": flags(results),
    }
    found = evaluations(results, pictures)
    made |= found.frames
    page = render(results, [f"{name}.csv" for name in made], found)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.items():
        write_atomically(folder / f"{name}.csv", table.to_csv(index=False))
        write_atomically(folder / f"{name}.parquet", table.to_parquet(index=False))
    write_atomically(folder / "index.html", page)
    return folder / "index.html"


def render(results: Results, csv: list[str], evaluated: Evaluations | None = None) -> str:
    """The page; `csv` are the files it links to."""
    manifest = results.manifest
    study = next(iter(results.manifests))
    answer, order = tables.answer(results), results.arms(study)
    stopped, crossed = stopping.stop_audit(results), crossing.cross_tuning(results)
    paper = crossing.as_in_the_paper(results, crossed)
    seen = looks(order)
    beside, claims = against.against_paper(results), hypotheses(results)
    context = {
        "title": f"Study report: {_name(study, manifest)}",
        "eyebrow": _eyebrow(study, results),
        "headline": headline(answer),
        "order": order,
        "looks": seen,
        "thermal": ", ".join(to_hex(colormaps[THERMAL](i / 8)) for i in range(9)),
        "verdicts": layout.verdicts(answer),
        "reading": _reading(answer),
        "margin": points(stats.MARGIN),
        "flags": lines(flags(results)),
        "by_size": figures.by_size(results, study, seen),
        "curves": figures.learning_curves(results, study, seen),
        "maps": figures.settings(results, study, seen),
        "answer": layout.answer(answer),
        "settings": layout.settings(tables.best(results)),
        "stopping": stopping.layout(stopped),
        "stopping_told": stopping.told(stopped),
        "crossing": crossing.layout(crossed, paper),
        "crossing_told": crossing.told(paper),
        "beside": against.layout(beside),
        "beside_told": against.told(beside),
        "claims": [row for row in rows(claims) if row["verdict"] != UNTESTED],
        "untested": [row for row in rows(claims) if row["verdict"] == UNTESTED],
        "claims_told": claims_told(claims),
        "costs": layout.costs(results.costs),
        "saving": layout.saving(results.costs),
        "seen": figures.seen(results, study, seen),
        "evaluated": evaluated or evaluations(results),
        "trials": layout.trials(results.trials),
        "audit": layout.audit(results.audits),
        "command": shlex.join(map(str, manifest.get("command") or [])),
        "csv": csv,
        "question": layout.flat(manifest["question"]),
        "versions": layout.flat({k: manifest.get(k) or {} for k in ("versions", "budget")}),
        "footer": f"Written by python -m analysis on {datetime.now(UTC):%-d %B %Y, %H:%M} UTC.",
    }
    context |= chapters.context(results, study, seen, chapters.frames(results, answer))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("report.html").render(context)


def _name(study: str, manifest: dict[str, Any]) -> str:
    return str(manifest["question"].get("space") or Path(study).name)


def _eyebrow(study: str, results: Results) -> str:
    ended = max(filter(pd.notna, values(results.trials, "updated")), default=None)
    parts = ["Is a pre-trained backbone worth it?", _name(study, results.manifest)]
    if ended is not None:
        parts.append(f"{ended:%-d %B %Y}")
    parts.append(f"{len(results.trials)} trials")
    return " · ".join(parts)


def _reading(answer: pd.DataFrame) -> str:
    text: list[str] = []
    if any(map(math.isfinite, values(answer, "AP_box_difference_low"))):
        text.append(
            "Intervals come from fresh seeds; how far runs scatter at a size is judged by its own"
            " runs and, in part, by those of the other sizes."
            " Each interval speaks for its own size: of twenty such intervals about one misses the"
            " truth. The upright tick is zero, no difference; an arm is called ahead only if its"
            " whole interval lies on one side of it."
        )
    if "tune" in values(answer, "split"):
        text.append(
            "Scores on the tuning split are the best of many trials and one seed: optimistic,"
            " and no ground for a claim."
        )
    return " ".join(text)
