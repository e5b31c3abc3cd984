"""One trial: its configuration, records, events and checkpoints."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from study.storage import Store, StoreError, older, opened
from study.storage.run_dir import json_text
from study.storage.run_dir.checkpoint import packed, unpacked
from study.storage.run_dir.json_text import Damaged, Lines
from study.storage.store import folder_of

Record = dict[str, Any]
"""One evaluation: a flat row. AP in points 0-100, times in seconds."""

REMEDY = "the command that wrote it sets it aside and computes again what is lost"
"""What is to be done about a damaged file of a trial."""


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

    def __init__(self, where: Store | Path | str, of_study: bool = False) -> None:
        """`of_study`: its folder must have its name; a single run's may have any."""
        self.store, self._of_study = opened(where), of_study
        self._records, self._events = Lines(), Lines()

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
        """The configuration as written by `write_config`.

        Raises:
            StoreError: it is not there.
            Damaged: it and its copy cannot be read, or are another trial's.
        """
        remedy = (
            "the configuration cannot be told from elsewhere: move the trial's folder away, and"
            " the same command makes it anew"
        )
        content = json_text.read(self.store, "config.json", remedy)
        if content is None:
            raise StoreError(f"{self.store.at('config.json')}: there is no such file")
        if "run" in content and not isinstance(content["run"], dict):
            raise Damaged(f"{self.store.at('config.json')}: run = {content['run']!r}; {remedy}")
        named = content.get("run", {}).get("trial_id", self.id)
        if self._of_study and named != self.id:  # else one trial would count as two
            raise Damaged(
                f"{self.store.at('config.json')}: is of trial {named!r}: the folder was"
                " copied or renamed; move it out of trials/, or give it its own name back"
            )
        return older.trial_config(content)

    def write_config(self, config: dict[str, Any]) -> None:
        json_text.write(self.store, "config.json", config)

    def init_report(self) -> dict[str, Any]:
        """What `write_init_report` wrote; empty if it has not been called.

        Raises:
            Damaged: it and its copy cannot be read.
        """
        written = (
            json_text.read(self.store, name, REMEDY)
            for name in ("init_report.json", older.INIT_REPORT)
        )
        return next(filter(None, written), {})

    def write_init_report(self, report: dict[str, Any]) -> None:
        json_text.write(self.store, "init_report.json", report)

    def records(self) -> list[Record]:
        """All evaluations in the order in which they were made; not to be changed.

        Raises:
            Damaged: a line cannot be read; names file and line.
        """
        file = self.store.at("records.jsonl")
        found: list[Record] = self._records.of(self.store.read("records.jsonl"), file, REMEDY)
        if all(isinstance(row.get("images_spent"), int | float) for row in found):
            found.sort(key=lambda row: row["images_spent"])  # lines that changed places
        return found

    def append(self, record: Record) -> None:
        self.store.append("records.jsonl", json_text.line(record))

    def events(self) -> list[dict[str, Any]]:
        """All changes of state, oldest first: `state`, `time`, and what belongs to it.

        Raises:
            Damaged: a line cannot be read; names file and line.
        """
        file = self.store.at("events.jsonl")
        found = self._events.of(self.store.read("events.jsonl"), file, REMEDY)
        for number, event in enumerate(found, 1):
            if event.get("state") not in STATES:
                raise Damaged(
                    f"{file}: line {number}: state = {event.get('state')!r}: one of"
                    f" {', '.join(STATES)}; {REMEDY}"
                )
        return found

    def mark(self, state: State, **fields: Any) -> None:
        """Append a change of state."""
        event = {"state": state.value, "time": time.time(), **fields}
        self.store.append("events.jsonl", json_text.line(event))

    @property
    def has_begun(self) -> bool:
        """Whether any state was written, be it damaged since."""
        return b"\n" in (self.store.read("events.jsonl") or b"")

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

        The two latest checkpoints of a trial are there: of its trunk, the one before; in a tail,
        that and the trunk's last one.

        On an object store the upload may still go on when this returns. It ends before anything
        that this object writes later.
        """
        before = _before("trunk")
        names = {"before": before} if name == "trunk" else {"without": before}
        self.store.write_soon(f"{name}.pt", packed(content), **names)

    def load(self, name: str) -> bytes | None:
        """The latest checkpoint of that name that is whole, if there is any."""
        for file in self.checkpoints(name):
            with contextlib.suppress(Damaged):
                return self.checkpoint(file)
        return None

    def checkpoints(self, name: str) -> list[str]:
        """The files of a checkpoint that are there, the latest first."""
        return [file for file in (f"{name}.pt", _before(name)) if self.store.exists(file)]

    def checkpoint(self, file: str) -> bytes:
        """The content of a checkpoint's file.

        Raises:
            Damaged: it is not what was written, or not there any more.
        """
        return unpacked(self.store.read(file) or b"", self.store.at(file))

    def remove(self, name: str) -> None:
        self.store.remove(f"{name}.pt")
        if name == "trunk":
            self.store.remove(_before(name))

    def copy(self, name: str, to: TrialDir) -> None:
        """Give another trial this checkpoint, if it is there."""
        self.store.copy(f"{name}.pt", to.store)

    def set_aside(self, file: str) -> str:
        """Give a damaged checkpoint a name that nothing reads, the last such one's; returns it."""
        self.store.rename(file, f"{file}.damaged")
        return f"{file}.damaged"

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


STATES = tuple(state.value for state in State)


def _before(name: str) -> str:
    return f"{name}.before.pt"
