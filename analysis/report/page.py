"""One self-contained page that answers the study's question, and its tables beside it."""

from __future__ import annotations

import errno
import math
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex

from analysis.answers.learnt import spoken
from analysis.answers.settings import margin
from analysis.drawing.looks import looks
from analysis.drawing.style import THERMAL
from analysis.published import against
from analysis.published.hypotheses import UNTESTED
from analysis.published.hypotheses import beside_paper as claims_beside
from analysis.published.hypotheses import told as claims_told
from analysis.reading.frames import values, where
from analysis.reading.load import Results
from analysis.reading.standing import standing
from analysis.report import chapters, figures, tables
from analysis.report.derived import Tables, derived
from analysis.report.evaluations import Evaluations, evaluations
from analysis.report.flags import lines
from analysis.report.gaps import gaps
from analysis.text.words import points
from analysis.tuning import cross_tuning, stop_audit
from study.config.printable import cell
from study.storage.writing import write_atomically

PAGE = "index.html"


def write(
    results: Results, folder: Path | str, made: Tables | None = None, pictures: bool = True
) -> Path:
    """Write `contents` into `folder`; returns the page.

    Raises:
        ValueError: several studies were loaded; a report is about one.
        OSError: the folder cannot be made or written to.
    """
    return put(contents(results, made, pictures), Path(folder))


def contents(
    results: Results, made: Tables | None = None, pictures: bool = True
) -> dict[str, bytes]:
    """Each frame as CSV and as Parquet, and last `index.html`: by the name of the file.

    Args:
        made: `derived(results)`, if it is there already.
        pictures: show some of the evaluation images, if detections on them are stored.

    Raises:
        ValueError: several studies were loaded; a report is about one.
    """
    made = made or derived(results)
    found = evaluations(results, pictures)
    page = render(results, made, found)
    files: dict[str, bytes] = {}
    for name, table in (made | found.frames).items():
        files[f"{name}.csv"] = _without_formulas(table).to_csv(index=False).encode()
        files[f"{name}.parquet"] = table.to_parquet(index=False)
    return files | {PAGE: page.encode(errors="replace")}


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """For a spreadsheet, which would compute text that begins like a formula."""
    return table.map(lambda value: cell(value) if isinstance(value, str) else value)


def put(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files whole, one after the other, into a folder; returns the page's path.

    Raises:
        OSError: the folder cannot be made or written to, or there is a folder in a file's place:
            then nothing is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{name} in it is a folder: move it away")
    for name, content in files.items():
        write_atomically(folder / name, content)
    return folder / PAGE


def render(results: Results, made: Tables, evaluated: Evaluations) -> str:
    """The page; it links to the files of all tables."""
    manifest = results.manifest
    study = next(iter(results.manifests))
    answer, order = made["answer"], results.arms(study)
    stopped, crossed = made["stop_audit"], made["cross_tuning"]
    paper = cross_tuning.as_in_the_paper(results, crossed)
    seen, masks = looks(order), tables.has_masks(results.trials)
    claims = claims_beside(made["hypotheses"])
    context = {
        "title": f"Study report: {_name(study, manifest)}",
        "eyebrow": _eyebrow(study, results),
        "headline": chapters.headline(results, made),
        "standing": standing(results, study).told_at(datetime.now(UTC)),
        "masks": masks,
        "order": order,
        "looks": seen,
        "thermal": ", ".join(to_hex(colormaps[THERMAL](i / 8)) for i in range(9)),
        "gaps": gaps(answer, made["starts"]),
        "reading": _reading(answer),
        "margin": points(margin(results, study)),
        "flags": lines(made["flags"]),
        "by_size": figures.by_size(results, study, seen),
        "curves": figures.learning_curves(results, study, seen),
        "answer": tables.answer(answer),
        "settings": tables.settings(made["best"], results.hyper_parameters),
        "stopping": stop_audit.layout(stopped),
        "stopping_told": stop_audit.told(spoken(stopped, made["learnt"], "arm")),
        "cross_tuned": cross_tuning.layout(crossed, paper),
        "cross_tuned_told": cross_tuning.told(spoken(paper, made["learnt"], "arm", "setting_of")),
        "beside": against.layout(made["against_paper"]),
        "beside_told": against.told(spoken(made["against_paper"], made["learnt"], "arm")),
        "claims": [row for row in claims if row["verdict"] != UNTESTED],
        "untested": [row for row in claims if row["verdict"] == UNTESTED],
        "claims_told": claims_told(made["hypotheses"]),
        "costs": tables.costs(results.costs),
        "saving": tables.saving(results.costs),
        "seen": figures.seen(results, study, seen),
        "evaluated": evaluated,
        "trials": tables.trials(results.trials, results.hyper_parameters),
        "init_report": tables.init_report(results.init_reports),
        "command": shlex.join(map(str, manifest.get("command") or [])),
        "csv": [f"{name}.csv" for name in made | evaluated.frames],
        "question": [
            (name, value)
            for name, value in tables.flat(manifest["question"])
            if masks or not name.startswith("fixed.model.mask")
        ],
        "versions": tables.flat({k: manifest.get(k) or {} for k in ("versions", "budget")}),
        "footer": f"Written by python -m analysis on {datetime.now(UTC):%-d %B %Y, %H:%M} UTC.",
    }
    context |= chapters.context(results, study, seen, made)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
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


def _together(answer: pd.DataFrame) -> str:
    """What the intervals hold together, in words."""
    most = max(values(answer, "compared"))
    if most == 1:
        return (
            "Each interval is about its own size: of twenty such intervals about one misses the"
            " truth."
        )
    return (
        f"With so many arms there are up to {most} comparisons at one size. Each interval is made"
        " wider for that (Bonferroni's rule), so that at one size all intervals between arms hold"
        " the truth at once in about 19 of 20 studies, whichever of them you look at. Different"
        " sizes are not counted together, and the interval of an arm's own AP is about that arm"
        " alone."
    )


def _reading(answer: pd.DataFrame) -> str:
    text: list[str] = []
    if any(map(math.isfinite, values(answer, "AP_box_difference_low"))):
        text.append(
            "Intervals come from fresh seeds. How much runs scatter at a size is estimated from"
            f" its own runs and, in part, from those of the other sizes. {_together(answer)} The"
            " upright tick is zero, no difference; an arm is called ahead only if the whole"
            " interval lies on one side of zero."
        )
    on_tuning = where(answer, split="tune")
    if any(on_tuning[f"AP_box_{side}"].notna().any() for side in ("reference", "arm")):
        text.append(
            "A score on the tuning split is the best of many trials, with one seed: it is too high"
            " on average, and shows no difference."
        )
    return " ".join(text)
