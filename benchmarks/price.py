"""How well a bill says what a study takes, on studies that have ended.

    python -m benchmarks.price RUN_DIR [RUN_DIR ...]

Each study is priced from its design alone, as before its first trial, with the seconds that its
own trainings took for an image, an evaluation and a start: what `--dry-run` measures at the time.
What was said is compared with the time from its command to its end. Nothing is written into
RUN_DIR. A study that was interrupted or extended is left out: its wall time is not its own.
"""

from __future__ import annotations

import argparse
import statistics
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.time_left import design_of
from study.planning.plan import Plan
from study.planning.pricing.price import Pace, Price, price
from study.planning.standing.stints import Stint, past
from study.planning.standing.time_left import at_once, speed
from study.storage.run_dir import StudyDir

BEGIN_S = 6.0
"""Seconds from the command's entry in study.json to the first trial, on two idle cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", nargs="+", type=Path)
    options = parser.parse_args()
    print("| study | trainings, at once | said: expected, at most | happened | said / happened |")
    print("|---|---|---|---|---|")
    ratios = []
    for path in options.run_dir:
        study = StudyDir(path)
        stints = [
            stint
            for trial in study.trials()
            for stint in past(trial.events(), trial.records()).stints
        ]
        took = wall_time(study, stints)
        if took is None:
            print(f"{path}: interrupted, extended, or not complete; left out")
            continue
        places = at_once(stints, 1, max(one.end for one in stints), 0.0)
        said = priced(study, stints, places)
        ratios.append(said.expected / took)
        numbers = f"{len(study.trials())} ({said.trainings} said), {places}"
        times = f"{_minutes(said.expected)}, {_minutes(said.most)}"
        print(f"| {path.name} | {numbers} | {times} | {_minutes(took)} | {ratios[-1]:.2f} |")
    within = sum(0.75 <= ratio <= 1.25 for ratio in ratios)
    print(f"within 25 %: {within} of {len(ratios)}")


def priced(study: StudyDir, stints: list[Stint], places: int) -> Price:
    """The price as it would have been said, with the speeds that there were."""
    cost = speed(stints, 0.0)
    assert cost is not None
    records = [record for trial in study.trials() for record in trial.records()]
    tuning, report = (
        [row["eval_seconds"] for row in records if row["split"] == split]
        for split in ("tune", "report")
    )
    seconds = (statistics.mean(each) if each else 0.0 for each in (tuning, report))
    with TemporaryDirectory() as folder:
        plan = Plan(design_of(study), StudyDir(folder))
        pace = Pace(cost.image, next(seconds), next(seconds), cost.start, BEGIN_S)
        return price(plan, pace, places)


def wall_time(study: StudyDir, stints: list[Stint]) -> float | None:
    """Seconds from the command to the end; None: of several commands, or not at an end."""
    if not study.manifest.get("completed") or not stints:
        return None
    begun, ended = (
        datetime.fromisoformat(study.manifest[key]).timestamp() for key in ("created", "completed")
    )
    first, last = min(one.start for one in stints), max(one.end for one in stints)
    return ended - begun if begun < first + 1 and last < ended + 1 else None


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


if __name__ == "__main__":
    main()
