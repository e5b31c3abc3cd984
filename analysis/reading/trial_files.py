"""One trial's files, and the rows that they make in the frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.reading.columns import SCORES, WAITING
from study.config.printable import brief, is_text
from study.planning.trials.best import rank
from study.storage.run_dir import Damaged, TrialDir
from study.storage.run_dir.belonging import PLACE, ROLE, require_own
from study.storage.run_dir.sound import require_all
from study.storage.run_dir.trial_dir import REMEDY

Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One trial's files, as read."""

    place: Row  # study, trial_id, arm, size, seed, draw, role, index, strategy, of
    setting: Row  # the values of its hyper-parameters, by name
    run: Row  # the RunConfig
    stopped_at: int | None  # the rung at which it was told to end
    strip: Row | None  # name, low, high
    records: list[Row]
    events: list[Row]
    init_report: dict[str, dict[str, Any]]
    set_aside: bool = False  # begun, and nobody works on it, though its study is under way

    @property
    def state(self) -> str:
        """The last state written; a trial that has not written one is about to run.

        One that was told to stop ends as its shortened schedule does: finished, until the driver
        has written what that means. It may die before it does.
        """
        last = self.events[-1]["state"] if self.events else "running"
        if last == "running" and self.set_aside:
            return WAITING
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
        best = min(scored, key=lambda r: rank(r["AP_box"], r["length"], 0), default={})
        events, images = self.events, self.spent("images_spent")
        times = [row["time"] for row in (*events, *self.records) if "time" in row]
        return {
            **self.place,
            **self.setting,
            **{key: best.get(key) for key in ("length", "factor", "images_seen", *SCORES)},
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
        scores = {key: record.get(key) for key in SCORES}
        state = {"state": self.state, "split": self.run["split"]}
        return self.place | self.setting | asked | state | scores


def read(
    study: str,
    trial: TrialDir,
    names: Sequence[str],
    question: dict[str, Any],
    is_idle: Callable[[str], bool] = lambda _: False,
) -> Trial:
    """The trial of a study; `names` are the hyper-parameters whose values are wanted.

    `question`: the study's. `is_idle`: whether nobody works on a trial, by its name, though the
    study is under way.

    Raises:
        Damaged: a file is not what a study writes; names it.
    """
    at = trial.store.at
    # first: a worker writes a record, and then how many there are
    config, events = trial.config(), trial.events()
    records = trial.records()
    init_report = trial.init_report()
    require_own(trial, config, question)
    require_all(trial, records, events, config)
    run, of = config["run"], config.get("of", "")
    if not is_text(of):
        raise Damaged(f"{at('config.json')}: of = {brief(of)}: must be text")
    place: Row = {key: run[key] for key in PLACE} | {key: config[key] for key in ROLE}
    place["of"] = of
    setting = {name: run["optim"].get(name) for name in names}
    if not all(isinstance(counts, dict) for counts in init_report.values()):
        raise Damaged(f"{at('init_report.json')}: is not what a study writes; {REMEDY}")
    place |= {"study": study, "trial_id": trial.id}
    stopped_at, strip = config.get("stopped_at"), config.get("strip")
    begun = bool(events) and events[-1]["state"] == "running"
    found = (place, setting, run, stopped_at, strip, records, events, init_report)
    return Trial(*found, set_aside=begun and is_idle(trial.id))
