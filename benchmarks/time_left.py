"""How well the time left is known while a sweep runs, on studies that have ended.

    python -m benchmarks.time_left RUN_DIR [RUN_DIR ...]

Each study is replayed from its files: they are copied as they stood at a moment, and the estimate
of that moment is compared with the time that the rest took. Nothing is written into RUN_DIR.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from study.config import Budget, Nuisance, RunConfig, Scientific, SearchSpace, from_dict, to_dict
from study.config.arms import Arm
from study.planning.design import Design
from study.planning.plan import Plan
from study.planning.search.search import Search
from study.planning.standing.forecast import Forecast
from study.planning.standing.stints import past
from study.planning.stopping import recorded
from study.storage.run_dir import Record, State, StudyDir

SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", nargs="+", type=Path)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between estimates")
    options = parser.parse_args()
    print("estimate / true time left at each share of the study; worst from a quarter on, to 95 %")
    for path in options.run_dir:
        ratios = replay(StudyDir(path), options.every)
        told = [f"{share:.0%} {_at(ratios, share):.2f}" for share in SHARES]
        later = [ratio for share, ratio in ratios if 0.25 <= share <= 0.95]
        worst = max(later, key=lambda ratio: max(ratio, 1 / ratio))
        print(f"  {path.name:14} {'   '.join(told)}   worst {worst:.2f}")


def replay(study: StudyDir, every_s: float) -> list[tuple[float, float]]:
    """Shares of the study's time, and the estimate at each as a ratio to the truth."""
    asked, there = design_of(study), {}
    for trial in study.trials():
        there[trial.id] = trial.config(), trial.events(), trial.records()
    begin = min(events[0]["time"] for _, events, _ in there.values())
    end = max(events[-1]["time"] for _, events, _ in there.values())
    found: list[tuple[float, float]] = []
    now = begin + every_s
    with TemporaryDirectory() as folder:
        while now < end:
            at = StudyDir(Path(folder) / f"{now:.0f}")
            running = _as_it_stood(there, at, now, asked)
            plan = _decided(asked, at, running)
            estimate = Forecast(plan, begin).seconds_left(running, now)
            if estimate is not None:
                found.append(((now - begin) / (end - begin), estimate / (end - now)))
            now += every_s
    return found


def design_of(study: StudyDir) -> Design:
    """What a study asked, as far as its plan needs it."""
    question, budget = study.manifest["question"], dict(study.manifest["budget"])
    run = from_dict(RunConfig, study.trials()[0].config()["run"])
    budget.pop("max_hours", None)
    return Design(
        space=SearchSpace(
            name=question["space"],
            scientific=Scientific(arms=tuple(question["arms"]), sizes=tuple(question["sizes"])),
            nuisance=from_dict(Nuisance, question["nuisance"]),
            fixed=run,
        ),
        arms=tuple(Arm(name, None) for name in question["arms"]),
        budget=Budget(**budget),
        seed=question["seed"],
        search=Search(first="sobol", then=None),
        schedule=question["schedule"],
        tails=question["tails"],
        stopping=recorded(question["stopping"]),
    )


def _as_it_stood(
    there: dict[str, tuple[Row, list[Row], list[Record]]], at: StudyDir, now: float, asked: Design
) -> dict[str, float]:
    """Write what there was at that moment; returns when the trials that ran had started."""
    running: dict[str, float] = {}
    for trial_id, (config, events, records) in there.items():
        if events[0]["time"] > now:
            continue
        trial, run = at.trial(trial_id), from_dict(RunConfig, config["run"])
        told = {key: value for key, value in config.items() if key not in ("passed", "stopped_at")}
        if config["role"] == "tune":
            run = replace(run, schedule=asked.schedule_at(run.size))
        trial.write_config(told | {"run": to_dict(run)})
        for name, rows in (("events", events), ("records", records)):
            for row in rows:
                # a stop is decided again, by the plan
                if row["time"] <= now and row.get("state") != State.STOPPED:
                    trial.store.append(f"{name}.jsonl", json.dumps(row).encode())
        for stint in past(events, records).stints:
            if stint.start <= now < stint.end:
                running[trial_id] = stint.start - 1e-3
    return running


def _decided(asked: Design, at: StudyDir, running: Collection[str]) -> Plan:
    """The plan, after it has decided what there was to decide."""
    plan = Plan(asked, at)
    for trial_id in running:
        plan.heard_from(trial_id)
    for _ in range(3):  # a stop may be what another decision waits for
        plan.next(set(running))
    return plan


def _at(ratios: list[tuple[float, float]], share: float) -> float:
    return min(ratios, key=lambda one: abs(one[0] - share))[1]


if __name__ == "__main__":
    main()
