"""What a sweep shows while it runs: a live table on a terminal, plain lines elsewhere, a journal.

All of it is read from the run directory.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from study.cluster.hooks import Pace, Unsaved
from study.cluster.trial import trial_dir
from study.commands import words
from study.commands.words import duration
from study.config import schedule
from study.planning.bill import expected_iterations
from study.planning.design import Cell
from study.planning.optuna_journal import Journal
from study.planning.plan import Plan
from study.planning.standing.parts import standing
from study.planning.trials.tuning import chosen
from study.storage.run_dir import Record, State, TrialDir

REFRESH_S = 0.5  # of the table
LINE_S = 10.0  # between lines of the sum where there is no terminal
WINDOW_S = 120.0  # over which the rate is taken
ENDED_BADLY = tuple(str(state) for state in (State.DIVERGED, State.FAILED, State.PREEMPTED))
JOURNAL_S = 2.0  # between updates of Optuna's journal


class Progress(Unsaved, tune.Callback):
    """Shows trials by state, the best AP of each arm and size, the rate and the time left."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._start = time.monotonic()
        self._running: dict[str, TrialDir] = {}
        self._images: dict[str, int] = {}  # spent in this session, by trial
        self._images_before: dict[str, int] = {}
        self._rate: deque[tuple[float, int]] = deque([(self._start, 0)])
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._pace = Pace(REFRESH_S if self._live else LINE_S)
        self._pace.wait()
        if self._live:
            self._live.start()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours = trial_dir(trial.config)
        self._running[ours.id] = ours
        self._images_before.setdefault(ours.id, images_spent(ours))
        self._line(f"{ours.id} started")

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        record = result.get("record")
        if record:
            self._line(f"{record['trial_id']} {scores(record)}")

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        self._ended(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._ended(trial)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._pace.due:
            with self._pace.look():
                self._show(time.monotonic())

    def _show(self, now: float) -> None:
        for ours in self._running.values():
            self._count(ours)
        self._rate.append((now, sum(self._images.values())))
        while now - self._rate[0][0] > WINDOW_S:
            self._rate.popleft()
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            self._line(self._sum())

    def close(self) -> None:
        """Leave the terminal as it was, with the last table on it."""
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def _ended(self, trial: Any) -> None:
        ours = self._running.pop(trial_dir(trial.config).id, None)
        if ours is None:
            return
        self._count(ours)
        event = ours.events()[-1]
        state, error = State(event["state"]), str(event.get("error", "")).strip().splitlines()
        text = f"{ours.id} {state}"
        if state is State.RUNNING:
            text = f"{ours.id} is paused until others of its arm and size have come as far"
        elif state is State.STOPPED:
            text += f" at length {event['iteration']}"
        elif state is State.PREEMPTED:
            text += f": {error[0]}; it will be resumed"
        elif error:
            text += f": {error[-1]} (see {ours.store.at('events.jsonl')})"
        self._line(text, always=state in (State.FAILED, State.PREEMPTED))

    def _count(self, ours: TrialDir) -> None:
        before = self._images_before.get(ours.id, 0)
        self._images[ours.id] = max(0, images_spent(ours) - before)

    def _line(self, text: str, always: bool = False) -> None:
        if self._live is None or always:
            clock = duration(time.monotonic() - self._start)
            self._console.print(
                f"[{clock:>6}] {text}", markup=False, highlight=False, soft_wrap=True
            )

    def _images_per_second(self) -> float:
        (since, first), (until, last) = self._rate[0], self._rate[-1]
        return (last - first) / (until - since) if until > since else 0.0

    def _seconds_left(self) -> float | None:
        rate, design = self._images_per_second(), self._plan.design
        if not rate:
            return None
        batch = design.space.fixed.optim.batch_size
        iterations = 0.0
        for cell, (tuning, confirming) in self._plan.remaining().items():
            iterations += tuning * expected_iterations(design, cell.size)
            iterations += confirming * design.schedule_at(cell.size).lengths[-1]
        for run in self._plan.audits_left():
            iterations += sum(leg.stop - leg.start for leg in schedule.legs(run.schedule))
        under_way = sum(images_spent(ours) for ours in self._running.values())
        return max(0.0, iterations * batch - under_way) / rate

    def _words(self, *cells: Cell) -> Counter[str]:
        """How many trials are in each state; running ones that were set aside wait."""
        found: Counter[str] = Counter()
        for cell in cells:
            for trial_id, state in self._plan.states(cell).items():
                under_way = trial_id in self._running
                if state in (None, State.RUNNING):
                    found["running" if under_way else "waiting"] += 1
                else:
                    found[str(state)] += 1
        return found

    def _sum(self) -> str:
        cells = self._plan.design.cells
        now = ("running", "waiting", *ENDED_BADLY)  # the rest has ended, and is counted
        found = self._words(*cells)
        counts = "".join(f", {found[word]} {word}" for word in now if found[word])
        left = self._seconds_left()
        return (
            f"{standing(self._plan).told}{counts}; {self._images_per_second():.1f} images/s"
        ) + (f", about {duration(left)} left" if left is not None else "")

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False)
        names = self._plan.design.names
        searched = [name.replace("_", " ") for name in names]
        for name in ("arm", "images", "trials", "best box AP", *searched, "length"):
            table.add_column(name, justify="left" if name in ("arm", "trials") else "right")
        for cell in self._plan.design.cells:
            states = self._words(cell)
            best = chosen(self._plan.tuning_trials(cell))
            table.add_row(
                cell.arm.name,
                str(cell.size),
                ", ".join(f"{n} {word}" for word, n in sorted(states.items())),
                f"{best.AP_box:.1f}" if best else "",
                *(f"{best.values[name]:.3g}" if best else "" for name in names),
                str(best.length) if best else "",
            )
        return Group(table, self._sum())


class Journalist(Unsaved, tune.Callback):
    """Keeps Optuna's journal up to date."""

    def __init__(self, plan: Plan) -> None:
        self._journal, self._pace = Journal(plan), Pace(JOURNAL_S)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._pace.due:
            with self._pace.look():
                self._journal.update()

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        self._journal.update()


def scores(record: Record) -> str:
    """A record in words."""
    tail = record["weights"] == "tail"
    where = f"at length {record['length']}" if tail else f"on the trunk at {record['iteration']}"
    return f"{where}: " + ", ".join(
        f"{name} " + ("none" if ap is None else f"{ap:.1f}") for name, ap in words.scores(record)
    )


def images_spent(trial: TrialDir) -> int:
    """Training images that the trial has executed so far, as far as it has said."""
    rows = [*trial.events(), *trial.records()]
    return max((row.get("images_spent") or 0 for row in rows), default=0)
