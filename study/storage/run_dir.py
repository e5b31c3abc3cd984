"""The run directory's one owner: manifest, trials, records, events, checkpoints.

The directory is the whole state of a study, in a folder or on an object store (`study.storage`).
Drivers and workers may die at any moment, so every file is either replaced atomically or appended
to in whole lines, and a line torn by a kill is dropped by the next reader. Nothing here knows
torch: a checkpoint is bytes.

    RUN_DIR/
      study.json              question, budget, versions, data digests, when complete
      report_split.json.gz    the ground truth of the report split (detection_files.py)
      trials/<trial_id>/
        config.json           {"role", "index", "strategy", "run": the whole RunConfig, ...}
        init_report.json      loaded / random / frozen, per group of parameters
        records.jsonl         one evaluation a line
        events.jsonl          one change of state, or one sign of life with the cost so far, a line
        detections-*.parquet  of confirm runs: what they detect (detection_files.py)
        *.pt                  checkpoints, of the trunk and of a tail; removed when not needed
      report/                 written by `python -m analysis`
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from study.storage import Store, older, opened

Record = dict[str, Any]
"""One evaluation: a flat row. AP in points 0-100, times in seconds."""

COSTS = ("images_spent", "device_seconds", "eval_seconds", "images_per_second", "time")
"""Columns of a record that a kill and a resume may change; all others are bit-identical."""

GLANCE_S = 1.0  # a study's lock is waited for: somebody may be looking at who holds it


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


class DifferentQuestion(ValueError):
    """The run directory holds another study."""


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
            ValueError: it lies on an object store.
        """
        return _folder(self.store)

    def config(self) -> dict[str, Any]:
        """The configuration as written by `write_config`."""
        content = self.store.read("config.json")
        if content is None:
            raise FileNotFoundError(f"{self.store.at('config.json')}: there is no such file")
        return older.trial_config(json.loads(content))

    def write_config(self, config: dict[str, Any]) -> None:
        self.store.write("config.json", _pretty(config))

    def report(self) -> dict[str, Any]:
        """What `write_report` wrote; empty if nothing has been."""
        written = self.store.read("init_report.json") or self.store.read(older.INIT_REPORT)
        return json.loads(written or b"{}")

    def write_report(self, report: dict[str, Any]) -> None:
        """Write down which of the initial weights were loaded, random and frozen."""
        self.store.write("init_report.json", _pretty(report))

    def records(self) -> list[Record]:
        """All evaluations, oldest first."""
        return _lines(self.store.read("records.jsonl"))

    def append(self, record: Record) -> None:
        self.store.append("records.jsonl", json.dumps(record).encode())

    def events(self) -> list[dict[str, Any]]:
        """All changes of state, oldest first: `state`, `time`, and what belongs to it."""
        return _lines(self.store.read("events.jsonl"))

    def mark(self, state: State, **fields: Any) -> None:
        """Append a change of state."""
        event = {"state": state.value, "time": time.time(), **fields}
        self.store.append("events.jsonl", json.dumps(event).encode())

    @property
    def state(self) -> State | None:
        """The last state written; None for a trial that never started."""
        events = self.events()
        return State(events[-1]["state"]) if events else None

    def save(self, name: str, content: bytes) -> None:
        """Write checkpoint `name`, whole or not at all.

        On an object store it may still be on its way when this returns. It is there before
        anything that this object writes later.
        """
        self.store.write_soon(f"{name}.pt", content)

    def load(self, name: str) -> bytes | None:
        return self.store.read(f"{name}.pt")

    def remove(self, name: str) -> None:
        self.store.remove(f"{name}.pt")

    def copy(self, name: str, to: TrialDir) -> None:
        """Give another trial this checkpoint, if it is there."""
        self.store.copy(f"{name}.pt", to.store)

    def keep_weights(self, leg: str, content: bytes) -> None:
        """Write the weights at the end of a leg, in the format of safetensors."""
        self.store.write(f"weights-{leg}.safetensors", content)

    @contextlib.contextmanager
    def lock(self, wait_s: float = 180.0) -> Iterator[None]:
        """Hold this trial: a killed driver's worker may live on for a moment, and one that is cut
        off from its cluster for minutes.

        Raises:
            Busy: another process still holds it after `wait_s` seconds.
        """
        with self.store.lock(wait_s):
            self.store.remove_torn((".pt", ".safetensors"))  # a disk's worth, kill after kill
            yield

    def holder(self) -> str | None:
        """The process that runs this trial, and where; None: nobody."""
        return self.store.holder()


class StudyDir:
    """A study's folder."""

    def __init__(self, where: Store | Path | str) -> None:
        self.store = opened(where)

    @property
    def path(self) -> Path:
        """The folder on the file system.

        Raises:
            ValueError: it lies on an object store.
        """
        return _folder(self.store)

    @property
    def exists(self) -> bool:
        return self.store.exists("study.json")

    @property
    def manifest(self) -> dict[str, Any]:
        """The contents of study.json.

        Raises:
            ValueError: there is no study here.
        """
        content = self.store.read("study.json")
        if content is None:
            raise ValueError(f"run directory {self.store}: holds no study (study.json is missing)")
        return older.manifest(json.loads(content))

    def open(self, manifest: dict[str, Any], unsaid: dict[str, Any] | None = None) -> None:
        """Begin the study, or take it up again: same `question`, any other field may change.

        `unsaid`: a value for each field of the question that an older version may not have
        written.

        Raises:
            DifferentQuestion: names each field in which the question differs.
        """
        before = self.store.read("study.json")
        if before is not None:
            there = _flat(unsaid or {}) | _flat(older.manifest(json.loads(before))["question"])
            here = _flat(manifest["question"])
            lines = [
                f"  {key}: there {there.get(key)!r}, now {here.get(key)!r}"
                for key in sorted(there | here)
                if there.get(key) != here.get(key)
            ]
            if lines:
                raise DifferentQuestion(
                    f"run directory {self.store} holds a study with another question:\n"
                    + "\n".join(lines)
                    + "\nRepeat that question to resume it, or choose another --run-dir."
                )
        self.store.write("study.json", _pretty(manifest))

    def complete(self) -> None:
        """Write down that nothing is left to do, until the study is opened again."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.store.write("study.json", _pretty(self.manifest | {"completed": now}))

    def trial(self, trial_id: str) -> TrialDir:
        return TrialDir(self.store.within("trials", trial_id))

    def trials(self) -> list[TrialDir]:
        """The trials with a configuration, by name."""
        return [
            self.trial(name.split("/")[1]) for name in self.store.names("trials/*/config.json")
        ]

    def snapshot(self) -> StudyDir:
        """For reading all of it; from an object store at once, as it is now."""
        return StudyDir(self.store.snapshot())

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the study: one driver at a time.

        Raises:
            Busy: another sweep runs in this directory.
        """
        return self.store.lock(GLANCE_S)

    def holder(self) -> str | None:
        """The process that runs a sweep here, and where; None: nobody."""
        return self.store.holder()


def _folder(store: Store) -> Path:
    if store.folder is None:
        raise ValueError(f"run directory {store}: lies on an object store, not in a folder")
    return store.folder


def _lines(content: bytes | None) -> list[dict[str, Any]]:
    """The whole JSON lines of a file, without a torn last one; none if there is no file."""
    return [json.loads(line) for line in (content or b"").split(b"\n")[:-1]]


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return flat
