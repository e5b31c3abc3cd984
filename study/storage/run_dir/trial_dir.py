"""One trial: its configuration, records, events and checkpoints."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from study.storage import Store, older, opened
from study.storage.run_dir.json_text import lines, pretty
from study.storage.store import folder_of

Record = dict[str, Any]
"""One evaluation: a flat row. AP in points 0-100, times in seconds."""

COSTS = ("images_spent", "device_seconds", "eval_seconds", "images_per_second", "time")
"""Columns of a record that a kill and a resume may change; all others are bit-identical."""


class State(StrEnum):
    """What became of a trial."""

    RUNNING = "running"  # started, no end written
    FINISHED = "finished"  # all its lengths are recorded
    STOPPED = "stopped"  # worse than others of its arm and size at a rung
    DIVERGED = "diverged"  # the loss was not finite
    FAILED = "failed"  # an exception; run again by the same command
    PREEMPTED = "preempted"  # its process died or was interrupted; resumed by the same command

    @property
    def is_final(self) -> bool:
        """Whether the trial needs no more work."""
        return self in (State.FINISHED, State.STOPPED, State.DIVERGED)


class TrialDir:
    """One trial's folder."""

    def __init__(self, where: Store | Path | str) -> None:
        self.store = opened(where)

    @property
    def id(self) -> str:
        return self.store.name

    @property
    def path(self) -> Path:
        """The folder on the file system.

        Raises:
            ValueError: it is on an object store.
        """
        return folder_of(self.store)

    def config(self) -> dict[str, Any]:
        """The configuration as written by `write_config`."""
        content = self.store.read("config.json")
        if content is None:
            raise FileNotFoundError(f"{self.store.at('config.json')}: there is no such file")
        return older.trial_config(json.loads(content))

    def write_config(self, config: dict[str, Any]) -> None:
        self.store.write("config.json", pretty(config))

    def init_report(self) -> dict[str, Any]:
        """What `write_init_report` wrote; empty if it has not been called."""
        written = self.store.read("init_report.json") or self.store.read(older.INIT_REPORT)
        return json.loads(written or b"{}")

    def write_init_report(self, report: dict[str, Any]) -> None:
        self.store.write("init_report.json", pretty(report))

    def records(self) -> list[Record]:
        """All evaluations, oldest first."""
        return lines(self.store.read("records.jsonl"))

    def append(self, record: Record) -> None:
        self.store.append("records.jsonl", json.dumps(record).encode())

    def events(self) -> list[dict[str, Any]]:
        """All changes of state, oldest first: `state`, `time`, and what belongs to it."""
        return lines(self.store.read("events.jsonl"))

    def mark(self, state: State, **fields: Any) -> None:
        """Append a change of state."""
        event = {"state": state.value, "time": time.time(), **fields}
        self.store.append("events.jsonl", json.dumps(event).encode())

    def write_traceback(self, text: str) -> str:
        """Write down what is known of the last failure; returns where."""
        self.store.write("traceback.txt", text.encode())
        return self.store.at("traceback.txt")

    @property
    def state(self) -> State | None:
        """The last state written; None for a trial that never started."""
        events = self.events()
        return State(events[-1]["state"]) if events else None

    def save(self, name: str, content: bytes) -> None:
        """Write checkpoint `name`, whole or not at all.

        On an object store the upload may still go on when this returns. It ends before anything
        that this object writes later.
        """
        self.store.write_soon(f"{name}.pt", content)

    def load(self, name: str) -> bytes | None:
        return self.store.read(f"{name}.pt")

    def remove(self, name: str) -> None:
        self.store.remove(f"{name}.pt")

    def copy(self, name: str, to: TrialDir) -> None:
        """Give another trial this checkpoint, if it is there."""
        self.store.copy(f"{name}.pt", to.store)

    def write_weights(self, leg: str, content: bytes) -> None:
        """Write the weights at the end of a leg, in the format of safetensors."""
        self.store.write(f"weights-{leg}.safetensors", content)

    @contextlib.contextmanager
    def lock(self, wait_s: float = 180.0) -> Iterator[None]:
        """Hold this trial against other processes.

        The wait is for a worker whose driver was killed, which lives on for a moment, or one that
        is cut off from its cluster, which lives on for minutes.

        Raises:
            Busy: another process still holds it after `wait_s` seconds.
        """
        with self.store.lock(wait_s):
            self.store.remove_torn((".pt", ".safetensors"))  # else kills fill the disk
            yield

    def holder(self) -> str | None:
        """The process that runs this trial, and where; None: nobody."""
        return self.store.holder()
