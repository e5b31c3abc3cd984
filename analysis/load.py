"""Run directories as pandas frames, finished or not.

Only files are read, so a study can be looked at while it runs and on a machine without torch or
ray. A line torn by a kill is dropped; anything else that is not as written by `study.rundir` is
named with its file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import columns
from analysis.columns import STATES
from analysis.frames import frame, groups, where
from study.rundir import StudyDir, TrialDir

Row = dict[str, Any]

_AP = ("AP_box", "AP50_box", "AP75_box", "AP_mask", "AP50_mask", "AP75_mask")
_SECONDS = ("device_seconds", "eval_seconds")
_STRIP = ("name", "low", "high")
_ADVICE = "give the --run-dir of a `python -m study.sweep`"
_NEEDED = (
    *("leg", "weights", "iteration", "images_seen", "length", "factor", "split"),
    *("AP_box", "AP_mask"),
)


@dataclass(frozen=True)
class Results:
    """What one or more studies recorded. The columns are documented in `analysis.columns`."""

    manifests: dict[str, dict[str, Any]]  # study to the contents of its study.json
    trials: pd.DataFrame
    curves: pd.DataFrame
    tails: pd.DataFrame
    costs: pd.DataFrame
    confirmations: pd.DataFrame
    audits: pd.DataFrame
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

    def arms(self, study: str) -> list[str]:
        """The study's arms, the reference first: "scratch" if it is there."""
        return _arms(self.manifests[study], where(self.trials, study=study)["arm"])

    def sizes(self, study: str) -> list[int]:
        """The study's training-set sizes, ascending."""
        asked = self.manifests[study]["question"].get("sizes") or []
        there = where(self.trials, study=study)["size"]
        return sorted({int(size) for size in (*asked, *there)})


def load(run_dirs: str | Path | Sequence[str | Path]) -> Results:
    """Read one run directory or several; a study that still runs is read as it stands.

    Raises:
        ValueError: a folder holds no study, or a file in it is not what a study writes.
    """
    paths = [run_dirs] if isinstance(run_dirs, (str, Path)) else list(run_dirs)
    if not paths:
        raise ValueError("run_dirs = []: at least one run directory")
    manifests: dict[str, dict[str, Any]] = {}
    trials: list[_Trial] = []
    for path in paths:
        study = StudyDir(path)
        manifests[str(path)] = _manifest(study)
        found = [_read(str(path), trial) for trial in study.trials()]
        arms = _arms(manifests[str(path)], [trial.place["arm"] for trial in found])
        trials += sorted(found, key=lambda trial: trial.order(arms))
    rows = frame((t.row() for t in trials), columns.TRIALS)
    tails = frame((tail for t in trials for tail in t.tails()), columns.TAILS)
    return Results(
        manifests=manifests,
        trials=rows,
        curves=frame((r for t in trials for r in t.curve()), columns.CURVES),
        tails=tails,
        costs=_costs(trials, rows, tails),
        confirmations=frame(
            (t.confirmation() for t in trials if t.place["role"] == "confirm"),
            columns.CONFIRMATIONS,
        ),
        audits=_audits(trials),
        strips=_strips(trials),
    )


@dataclass(frozen=True)
class _Trial:
    """One trial's files, as read."""

    place: Row  # study, trial_id, arm, size, seed, draw, role, index, strategy, of
    run: Row  # the RunConfig
    stopped_at: int | None  # the rung at which it was told to end
    strip: Row | None  # name, low, high
    records: list[Row]
    events: list[Row]
    audit: dict[str, dict[str, int]]

    @property
    def setting(self) -> Row:
        return {key: self.run["optim"][key] for key in ("lr", "weight_decay")}

    @property
    def state(self) -> str:
        """The last state written; a trial that has not written one is about to run.

        One that was told to stop ends as its shortened schedule does: finished, until the driver
        has written what that means. It may die before it does.
        """
        last = self.events[-1]["state"] if self.events else "running"
        return "stopped" if last == "finished" and self.stopped_at is not None else last

    @property
    def bill(self) -> str:
        """The role under which it is billed."""
        return "cross" if self.place["strategy"] == "cross" else self.place["role"]

    def order(self, arms: list[str]) -> tuple[int, int, int, int]:
        """Sizes ascending, the reference arm first, the search before its confirmation."""
        place = self.place
        role = {"tune": 0, "audit": 1, "confirm": 2, "cross": 3}.get(self.bill, 4)
        return place["size"], arms.index(place["arm"]), role, place["index"]

    def spent(self, what: str) -> float:
        return max((row.get(what) or 0 for row in (*self.events, *self.records)), default=0)

    def row(self) -> Row:
        scored = [tail for tail in self.tails() if pd.notna(tail["AP_box"])]
        best = max(scored, key=lambda r: (r["AP_box"], -r["length"]), default={})
        events, images = self.events, self.spent("images_spent")
        times = [row["time"] for row in (*events, *self.records) if "time" in row]
        return {
            **self.place,
            **self.setting,
            **{key: best.get(key) for key in ("length", "factor", "images_seen", *_AP)},
            "state": self.state,
            "stopped_at": self.stopped_at,
            "split": self.run["split"],
            "images": images,
            "iterations": images / self.run["optim"]["batch_size"],
            "device_seconds": self.spent("device_seconds"),
            "eval_seconds": sum(record.get("eval_seconds") or 0 for record in self.records),
            "started": pd.to_datetime(min(times), unit="s", utc=True) if times else None,
            "updated": pd.to_datetime(max(times), unit="s", utc=True) if times else None,
            "error": (events[-1].get("error") if events else None) or "",
        }

    def curve(self) -> list[Row]:
        return [record | self.place for record in self.records]

    def tails(self) -> list[Row]:
        """Its last record of each length and factor."""
        last = {(r["length"], r["factor"]): r for r in self.records if r["length"] is not None}
        return [record | self.place | self.setting for record in last.values()]

    def confirmation(self) -> Row:
        schedule = self.run["schedule"]
        asked = {"length": schedule["lengths"][-1], "factor": schedule["factors"][-1]}
        fits = (r for r in self.tails() if all(r[key] == asked[key] for key in asked))
        record = next(fits, {})
        scores = {key: record.get(key) for key in _AP}
        state = {"state": self.state, "split": self.run["split"]}
        return self.place | self.setting | asked | state | scores


def _read(study: str, trial: TrialDir) -> _Trial:
    path = trial.path
    config = _parsed(path / "config.json", trial.config)
    records = _parsed(path / "records.jsonl", trial.records)
    events = _parsed(path / "events.jsonl", trial.events)
    for number, record in enumerate(records, 1):
        missing = [key for key in _NEEDED if key not in record]
        if missing:
            raise ValueError(f"{path / 'records.jsonl'}: line {number} has no {missing[0]}")
    for number, event in enumerate(events, 1):
        if event.get("state") not in STATES:
            raise ValueError(
                f"{path / 'events.jsonl'}: line {number}: state = {event.get('state')!r}:"
                f" one of {', '.join(STATES)}"
            )
    try:
        run = config["run"]
        place: Row = {key: run[key] for key in ("arm", "size", "seed", "draw")}
        place |= {key: config[key] for key in ("role", "index", "strategy")}
        place["of"] = config.get("of", "")
        _ = [run[key] for key in ("split", "optim", "schedule")]
    except KeyError as error:
        raise ValueError(f"{path / 'config.json'}: has no {error.args[0]}") from error
    audit_file = path / "init_audit.json"
    audit = _parsed(audit_file, lambda: json.loads(audit_file.read_text()), absent={})
    place |= {"study": study, "trial_id": trial.id}
    stopped_at, strip = config.get("stopped_at"), config.get("strip")
    return _Trial(place, run, stopped_at, strip, records, events, audit)


def _arms(manifest: dict[str, Any], there: Iterable[str]) -> list[str]:
    asked: list[str] = manifest["question"].get("arms") or []
    return sorted(dict.fromkeys([*asked, *there]), key=lambda arm: arm != "scratch")


def _manifest(study: StudyDir) -> dict[str, Any]:
    if not study.path.is_dir():
        raise ValueError(f"run directory {study.path}: there is no such folder; {_ADVICE}")
    file = study.path / "study.json"
    if not file.exists():
        what = "one run" if (study.path / "config.json").exists() else "no study"
        raise ValueError(f"run directory {study.path}: holds {what}, no study.json; {_ADVICE}")
    manifest = _parsed(file, lambda: study.manifest)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("question"), dict):
        raise ValueError(f"{file}: has no question; `python -m study.sweep` writes one")
    return manifest


def _parsed(path: Path, read: Any, absent: Any = None) -> Any:
    """What `read` returns, with the file named if its content is not JSON."""
    if absent is not None and not path.exists():
        return absent
    try:
        return read()
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error


def _costs(trials: list[_Trial], table: pd.DataFrame, tails: pd.DataFrame) -> pd.DataFrame:
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


def _audits(trials: Iterable[_Trial]) -> pd.DataFrame:
    """Trials of one arm should agree: where they do not, each finding has its row."""
    kinds = ("loaded", "random", "frozen")
    found = Counter(
        (trial.place["study"], trial.place["arm"], group, *(counts.get(k, 0) for k in kinds))
        for trial in trials
        for group, counts in trial.audit.items()
    )
    names = list(columns.AUDITS)
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in found.items()]
    return frame(rows, columns.AUDITS)


def _strips(trials: Iterable[_Trial]) -> pd.DataFrame:
    """Every strip that was searched; all arms of a size search the same ones."""
    found = Counter(
        (trial.place["study"], trial.place["size"], *(trial.strip[k] for k in _STRIP))
        for trial in trials
        if trial.strip
    )
    names: list[str] = list(columns.STRIPS)
    rows = [dict(zip(names, (*key, n), strict=True)) for key, n in found.items()]
    return frame(rows, columns.STRIPS)
