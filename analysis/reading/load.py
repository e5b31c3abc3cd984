"""Run directories as pandas frames, finished or not.

Only files are read, so a study can be looked at while it runs and on a machine without torch or
ray. A line torn by a kill is dropped; anything else that is not as written by
`study.storage.run_dir` is named with its file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.reading import columns
from analysis.reading.columns import STATES, widened
from analysis.reading.frames import frame, groups, values, where
from analysis.reading.trial_files import Row, Trial, read
from study.commands.common import usable
from study.config import Budget
from study.config.printable import brief
from study.planning.stopping import recorded
from study.storage.run_dir import Damaged, StudyDir
from study.storage.run_dir.belonging import require_repeats
from study.storage.run_dir.manifest import ASKED, REMEDY, budget_of, require_fields

_SECONDS = ("device_seconds", "eval_seconds")
_STRIP = ("name", "low", "high")
ANALYSED = (*ASKED[:-1], "question.stopping", "question.fixed.schedule", "question.tails")
"""What a study that searches says of itself, whatever version wrote it."""
_ADVICE = "give the --run-dir of a `python -m study.sweep`"


@dataclass(frozen=True, eq=False)
class Results:
    """What one or more studies recorded; `help(analysis)` has the columns."""

    manifests: dict[str, dict[str, Any]]  # study to the contents of its study.json
    trials: pd.DataFrame
    curves: pd.DataFrame
    tails: pd.DataFrame
    costs: pd.DataFrame
    confirmations: pd.DataFrame
    init_reports: pd.DataFrame
    strips: pd.DataFrame

    @property
    def manifest(self) -> dict[str, Any]:
        """The contents of study.json: `question`, `budget`, `versions`, `command`, `created`.

        Raises:
            ValueError: several studies were loaded; use `manifests`.
        """
        if len(self.manifests) != 1:
            names = ", ".join(self.manifests)
            raise ValueError(f"manifest: {len(self.manifests)} studies ({names}): use `manifests`")
        return next(iter(self.manifests.values()))

    @property
    def hyper_parameters(self) -> tuple[str, ...]:
        """Those that have a column: learning rate, weight decay, and what any study searched."""
        return _hyper_parameters(self.manifests.values())

    @property
    def setting(self) -> tuple[str, ...]:
        """The columns in which two settings may differ."""
        return (*self.hyper_parameters, "length", "factor")

    def searched(self, study: str) -> tuple[str, ...]:
        """The hyper-parameters that the study searched, by their names in OptimConfig."""
        ranges = self.manifests[study]["question"].get("nuisance", {}).get("ranges", {})
        return tuple(name for name in self.hyper_parameters if name in ranges)

    def budget(self, study: str) -> Budget:
        """What the study may spend; fields that its version did not know have their defaults."""
        return budget_of(self.manifests[study], study)

    def first_runs(self, study: str) -> int | None:
        """Confirm runs of each setting that decided how many followed; None: all count alike."""
        budget = self.budget(study)
        return None if budget.within is None else budget.first

    def arms(self, study: str) -> list[str]:
        """The study's arms, the reference first: "scratch" if it is there."""
        return [*self._arms_of[study]]

    @cached_property
    def _arms_of(self) -> dict[str, list[str]]:
        return {
            study: _arms(manifest, values(where(self.trials, study=study), "arm"))
            for study, manifest in self.manifests.items()
        }

    def sizes(self, study: str) -> list[int]:
        """The study's training-set sizes, ascending."""
        asked = self.manifests[study]["question"].get("sizes") or []
        there = where(self.trials, study=study)["size"]
        return sorted({int(size) for size in (*asked, *there)})


def load(run_dirs: str | Path | Sequence[str | Path]) -> Results:
    """Read one run directory or several; a study that still runs is read as it stands.

    Each is a folder, or the address of one on an object store: s3://bucket/prefix. One that is
    given twice, by whatever names, counts once, by the first of them.

    Raises:
        ValueError: a folder holds no study, or a file in it is not what a study writes.
    """
    paths = [run_dirs] if isinstance(run_dirs, (str, Path)) else list(run_dirs)
    if not paths:
        raise ValueError("run_dirs = []: at least one run directory")
    live: dict[str, StudyDir] = {}
    known: set[str | Path] = set()
    for path in paths:
        study = StudyDir(usable(path, writing=False))
        folder = study.store.folder
        place = str(path).rstrip("/") if folder is None else folder.resolve()
        if place not in known:
            live[str(path)] = study
        known.add(place)
    studies = {path: study.snapshot() for path, study in live.items()}
    manifests = {path: _manifest(study) for path, study in studies.items()}
    names, trials = _hyper_parameters(manifests.values()), list[Trial]()
    for path, study in studies.items():
        is_idle = _is_idle(live[path])
        question = manifests[path]["question"]
        found = [read(path, trial, names, question, is_idle) for trial in study.trials()]
        arms = _arms(manifests[path], [trial.place["arm"] for trial in found])
        repeats = [one for one in found if one.place["role"] == "confirm"]
        require_repeats(path, ((one.place["trial_id"], one.run) for one in repeats))
        trials += sorted(found, key=lambda trial: trial.order(arms))
    rows = frame((t.row() for t in trials), widened(columns.TRIALS, names))
    tails = frame((tail for t in trials for tail in t.tails()), widened(columns.TAILS, names))
    return Results(
        manifests=manifests,
        trials=rows,
        curves=frame((r for t in trials for r in t.curve()), columns.CURVES),
        tails=tails,
        costs=_costs(trials, rows, tails),
        confirmations=frame(
            (t.confirmation() for t in trials if t.place["role"] == "confirm"),
            widened(columns.CONFIRMATIONS, names),
        ),
        init_reports=_init_reports(trials),
        strips=_strips(trials),
    )


def _is_idle(study: StudyDir) -> Callable[[str], bool]:
    """Whether nobody works on a trial of a study that is under way; asks for it when called."""
    held = study.holder() is not None
    return lambda trial_id: held and study.trial(trial_id).holder() is None


def _hyper_parameters(manifests: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    ranges = (one["question"].get("nuisance", {}).get("ranges", {}) for one in manifests)
    others = sorted({name for names in ranges for name in names} - columns.SETTING.keys())
    return (*columns.SETTING, *others)


def _arms(manifest: dict[str, Any], there: Iterable[str]) -> list[str]:
    asked: list[str] = manifest["question"].get("arms") or []
    return sorted(dict.fromkeys([*asked, *there]), key=lambda arm: arm != "scratch")


def _manifest(study: StudyDir) -> dict[str, Any]:
    store = study.store
    if not store.is_there():
        raise ValueError(f"run directory {store}: there is no such folder; {_ADVICE}")
    if not study.exists:
        what = "one run" if store.exists("config.json") else "no study"
        raise ValueError(f"run directory {store}: holds {what}, no study.json; {_ADVICE}")
    manifest, file = study.manifest, store.at("study.json")
    if "nuisance" in manifest["question"]:
        require_fields(manifest, file, ANALYSED)
    try:
        recorded(manifest["question"].get("stopping"))
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        stopping = brief(manifest["question"]["stopping"])
        rule = "must be a rule of this program and its options"
        raise Damaged(f"{file}: question.stopping = {stopping}: {rule}; {REMEDY}") from error
    return manifest


def _costs(trials: list[Trial], table: pd.DataFrame, tails: pd.DataFrame) -> pd.DataFrame:
    """The ledger; a separate run of any tail, an audit's too, starts at iteration 0."""
    keys, spent = ("study", "arm", "size", "role"), ("images", "iterations", *_SECONDS)
    role = {(t.place["study"], t.place["trial_id"]): t.bill for t in trials}
    billed, tailed = (
        each.assign(role=[role[key] for key in zip(each["study"], each["trial_id"], strict=True)])
        for each in (table, tails)
    )
    rows: list[Row] = []
    for key, group in groups(billed, *keys):
        place = dict(zip(keys, key, strict=True))
        alone, states = where(tailed, **place), Counter(group["state"])
        rows.append(
            place
            | {"trials": len(group)}
            | {state: states[state] for state in STATES}
            | {name: group[name].sum() for name in spent}
            | {"independent_images": alone["images_seen"].sum()}
            | {"independent_iterations": alone["length"].sum()}
        )
    return frame(rows, columns.COSTS)


def _init_reports(trials: Iterable[Trial]) -> pd.DataFrame:
    """Trials of one arm should agree: where they do not, each finding has its row."""
    kinds = ("loaded", "random", "frozen")
    found = Counter(
        (
            *(trial.place["study"], trial.place["arm"], group),
            *(counts.get(k, 0) for k in kinds),
            _classes(counts),
        )
        for trial in trials
        for group, counts in trial.init_report.items()
    )
    names = list(columns.INIT_REPORTS)
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in found.items()]
    return frame(rows, columns.INIT_REPORTS)


def _classes(counts: dict[str, Any]) -> str:
    """How many classes have the rows of a whole detector's weights, and which."""
    if "classes" not in counts:
        return ""
    names = counts.get("class_rows", [])
    return f"{len(names)} of {counts['classes']}" + f": {', '.join(names)}" * bool(names)


def _strips(trials: Iterable[Trial]) -> pd.DataFrame:
    """Every strip that was searched; all arms of a size search the same ones."""
    found = Counter(
        (trial.place["study"], trial.place["size"], *(trial.strip[k] for k in _STRIP))
        for trial in trials
        if trial.strip
    )
    names: list[str] = list(columns.STRIPS)
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in found.items()]
    return frame(rows, columns.STRIPS)
