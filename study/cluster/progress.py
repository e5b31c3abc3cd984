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
from rich.text import Text

from study.cluster.hooks import Pace, Unsaved
from study.cluster.trial import our_id
from study.commands import words
from study.commands.words import duration
from study.planning.design import Cell
from study.planning.optuna_journal import Journal
from study.planning.plan import Plan
from study.planning.standing import news, note
from study.planning.standing.forecast import Forecast
from study.planning.standing.parts import standing
from study.planning.trials.tuning import chosen
from study.storage.run_dir import Record, State, TrialDir

REFRESH_S = 0.5  # of the table
LINE_S = 10.0  # between lines of the sum where there is no terminal
NOTE_S = 10.0  # between notes of how the study stands
FORECAST_S = 5.0  # between estimates of the time left
WINDOW_S = 120.0  # over which the images per second are taken
ENDED_BADLY = tuple(str(state) for state in (State.DIVERGED, State.FAILED, State.PREEMPTED))
JOURNAL_S = 2.0  # between updates of Optuna's journal


class Progress(Unsaved, tune.Callback):
    """Shows what is decided, trials by state, the best AP of each arm and size, the time left."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._start = time.monotonic()
        self._forecast = Forecast(plan, time.time())
        self._before = self._seconds_before()  # this session
        self._running: dict[str, TrialDir] = {}
        self._began: dict[str, float] = {}  # of the running ones, by the clock
        self._images: dict[str, int] = {}  # spent in this session, by trial
        self._images_before: dict[str, int] = {}
        self._rate: deque[tuple[float, int]] = deque([(self._start, 0)])
        self._said = self._grown = 0  # extensions of ranges, and of lengths, that have been said
        self._waiting: set[str] = set()  # trials that were set aside at a rung
        self._left: tuple[float, float | None] = 0.0, None  # when it was estimated, the estimate
        self._forecasts = Pace(FORECAST_S)
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._pace = Pace(REFRESH_S if self._live else LINE_S)
        self._pace.wait()
        self._notes = Pace(NOTE_S)
        self._notes.wait()
        if self._live:
            self._live.start()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        ours = self._plan.trials.folder(our_id(trial.config))
        self._running[ours.id], self._began[ours.id] = ours, time.time()
        self._images_before.setdefault(ours.id, images_spent(ours))
        self._waiting.discard(ours.id)
        self._line(f"{ours.id} started")

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        for record in result.get("records", ()):
            self._line(f"{record['trial_id']} {scores(record)}")

    def on_trial_complete(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        self._ended(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._ended(trial)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._say_decisions()
        if self._forecasts.due:
            with self._forecasts.look():
                self._estimate()
        if self._pace.due:
            with self._pace.look(), self._plan.trials.glance():
                self._show(time.monotonic())
        if self._notes.due:
            with self._notes.look(), self._plan.trials.glance():
                self._note()

    def _say_decisions(self) -> None:
        """Those that the plan has taken since the last call, of trials that do not run."""
        for extension in self._plan.extensions[self._said :]:
            self._line(news.extends(extension, self._plan.design.budget.extra), always=True)
            self._said += 1
        for longer in self._plan.lengthened[self._grown :]:
            self._line(news.lengthens(longer), always=True)
            self._grown += 1

    def _show(self, now: float) -> None:
        for ours in self._running.values():
            self._count(ours)
        for trial_id in [one for one in self._waiting if self._plan.trials.has_ended(one)]:
            self._waiting.remove(trial_id)
            self._line(f"{trial_id} {self._plan.study.trial(trial_id).state}")
        self._rate.append((now, sum(self._images.values())))
        while now - self._rate[0][0] > WINDOW_S:
            self._rate.popleft()
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            self._line(self._sum())

    def close(self) -> None:
        """Leave the terminal as it was, with the last table on it, and a last note."""
        self._estimate()  # of a sweep with its trials; nothing runs from here on
        self._running.clear()
        self._began.clear()
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()
        self._note()

    def _seconds_before(self) -> float:
        noted = note.read(self._plan.study)
        return noted.seconds if noted else self._forecast.seconds_before()

    def _seconds(self) -> float:
        """That the study has run, in all sessions."""
        return self._before + time.monotonic() - self._start

    def _estimate(self) -> None:
        now = time.time()
        with self._plan.trials.glance():
            self._left = now, self._forecast.seconds_left(self._began, now)

    def _seconds_left(self) -> float | None:
        """By the last estimate."""
        since, left = self._left
        return None if left is None else max(0.0, left - (time.time() - since))

    def _note(self) -> None:
        now, stands = time.time(), standing(self._plan)
        note.Note(stands, self._seconds(), self._seconds_left(), now).write(self._plan.study)

    def _ended(self, trial: Any) -> None:
        ours = self._running.pop(our_id(trial.config), None)
        if ours is None:  # it has not begun, and may have failed by that
            ours = self._plan.trials.folder(our_id(trial.config))
            if not ours.events():
                return
        else:
            del self._began[ours.id]
            self._count(ours)
        event = ours.events()[-1]
        state, error = State(event["state"]), str(event.get("error", "")).strip().splitlines()
        text = f"{ours.id} {state}"
        wait = self._plan.wait(ours.id) if state is State.RUNNING else None
        if wait:
            text = news.waits(ours.id, wait)
            self._waiting.add(ours.id)
        elif state is State.RUNNING:
            text = f"{ours.id} is set aside"
        elif state is State.STOPPED:
            text += f" at length {event['iteration']}"
        elif state is State.PREEMPTED:
            text += f": {error[0]}; it will be resumed"
        elif error:
            text += f": {error[-1]} (see {event.get('traceback', ours.store.at('events.jsonl'))})"
            text += "; it is tried again" * bool(event.get("again"))
        self._line(text, always=bool(wait) or state in (State.FAILED, State.PREEMPTED))

    def _count(self, ours: TrialDir) -> None:
        before = self._images_before.get(ours.id, 0)
        self._images[ours.id] = max(0, images_spent(ours) - before)

    def _line(self, text: str, always: bool = False) -> None:
        if self._live is None or always:
            told = f"[{duration(self._seconds()):>6}] {text}"
            if self._live is None:  # rich takes a millisecond, and there is a line for each record
                print(told, file=self._console.file, flush=True)
            else:
                self._console.print(told, markup=False, highlight=False, soft_wrap=True)

    def _images_per_second(self) -> float:
        (since, first), (until, last) = self._rate[0], self._rate[-1]
        return (last - first) / (until - since) if until > since else 0.0

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
        rate, stands = f"{self._images_per_second():.1f} images/s", standing(self._plan)
        left = words.left(self._seconds_left() if stands.ended < stands.total else None)
        return f"{stands.told}{counts}; {rate}{left}"

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
        return Group(table, Text(f"[{duration(self._seconds())}] {self._sum()}"))


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
    return f"{where}: {words.listed(record)}"


def images_spent(trial: TrialDir) -> int:
    """Training images that the trial has executed so far, as far as it has said."""
    rows = [*trial.events(), *trial.records()]
    return max((row.get("images_spent") or 0 for row in rows), default=0)
