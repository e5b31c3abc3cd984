"""The run directory's one owner: manifest, trials, records, events, checkpoints.

The directory is the whole state of a study. Drivers and workers may die at any moment, so every
file is either replaced atomically or appended to in whole lines, and a line torn by a kill is
dropped by the next reader. Nothing here knows torch: a checkpoint is bytes.

    RUN_DIR/
      study.json              question, budget, versions, data digests, when complete
      report_split.json.gz    the ground truth of the report split (study.kept)
      trials/<trial_id>/
        config.json           {"role", "index", "strategy", "run": the whole RunConfig, ...}
        init_audit.json       loaded / random / frozen, per group of parameters
        records.jsonl         one evaluation a line
        events.jsonl          one change of state, or one sign of life with the cost so far, a line
        detections-*.parquet  of confirm runs: what they detect on the report split (study.kept)
        *.pt                  checkpoints; removed when no longer needed
      report/                 written by `python -m analysis`
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

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


class Busy(RuntimeError):
    """Another live process owns the directory."""


class TrialDir:
    """One trial's folder."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def id(self) -> str:
        return self.path.name

    def config(self) -> dict[str, Any]:
        """The configuration as written by `write_config`."""
        return json.loads((self.path / "config.json").read_text())

    def write_config(self, config: dict[str, Any]) -> None:
        write_atomically(self.path / "config.json", _pretty(config))

    def write_audit(self, audit: dict[str, Any]) -> None:
        write_atomically(self.path / "init_audit.json", _pretty(audit))

    def records(self) -> list[Record]:
        """All evaluations, oldest first."""
        return read_lines(self.path / "records.jsonl")

    def append(self, record: Record) -> None:
        append_line(self.path / "records.jsonl", record)

    def events(self) -> list[dict[str, Any]]:
        """All changes of state, oldest first: `state`, `time`, and what belongs to it."""
        return read_lines(self.path / "events.jsonl")

    def mark(self, state: State, **fields: Any) -> None:
        """Append a change of state."""
        append_line(
            self.path / "events.jsonl", {"state": state.value, "time": time.time(), **fields}
        )

    @property
    def state(self) -> State | None:
        """The last state written; None for a trial that never started."""
        events = self.events()
        return State(events[-1]["state"]) if events else None

    def save(self, name: str, content: bytes) -> None:
        """Write checkpoint `name`, whole or not at all."""
        write_atomically(self.path / f"{name}.pt", content)

    def load(self, name: str) -> bytes | None:
        path = self.path / f"{name}.pt"
        return path.read_bytes() if path.exists() else None

    def remove(self, name: str) -> None:
        (self.path / f"{name}.pt").unlink(missing_ok=True)

    def copy(self, name: str, to: TrialDir) -> None:
        """Give another trial this checkpoint, if it is there."""
        content = self.load(name)
        if content is not None:
            to.save(name, content)

    def lock(self, wait_s: float = 180.0) -> contextlib.AbstractContextManager[None]:
        """Hold this trial: a killed driver's worker may live on for a moment, and one that is cut
        off from its cluster for minutes.

        Raises:
            Busy: another process still holds it after `wait_s` seconds.
        """
        return _locked(self.path / ".lock", wait_s)

    def holder(self) -> str | None:
        """The process that runs this trial, and where; None: nobody."""
        return _holder(self.path / ".lock")


class StudyDir:
    """A study's folder."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def exists(self) -> bool:
        return (self.path / "study.json").exists()

    @property
    def manifest(self) -> dict[str, Any]:
        """The contents of study.json.

        Raises:
            ValueError: there is no study here.
        """
        path = self.path / "study.json"
        if not path.exists():
            raise ValueError(f"run directory {self.path}: holds no study (study.json is missing)")
        return json.loads(path.read_text())

    def open(self, manifest: dict[str, Any]) -> None:
        """Begin the study, or take it up again: same `question`, any other field may change.

        Raises:
            DifferentQuestion: names each field in which the question differs.
        """
        path = self.path / "study.json"
        if path.exists():
            there = _flat(json.loads(path.read_text())["question"])
            here = _flat(manifest["question"])
            lines = [
                f"  {key}: there {there.get(key)!r}, now {here.get(key)!r}"
                for key in sorted(there | here)
                if there.get(key) != here.get(key)
            ]
            if lines:
                raise DifferentQuestion(
                    f"run directory {self.path} holds a study with another question:\n"
                    + "\n".join(lines)
                    + "\nRepeat that question to resume it, or choose another --run-dir."
                )
        write_atomically(path, _pretty(manifest))

    def complete(self) -> None:
        """Write down that nothing is left to do, until the study is opened again."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_atomically(self.path / "study.json", _pretty(self.manifest | {"completed": now}))

    def trial(self, trial_id: str) -> TrialDir:
        return TrialDir(self.path / "trials" / trial_id)

    def trials(self) -> list[TrialDir]:
        """The trials with a configuration, by name."""
        paths = sorted((self.path / "trials").glob("*/config.json"))
        return [TrialDir(path.parent) for path in paths]

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the study: one driver at a time.

        Raises:
            Busy: another sweep runs in this directory.
        """
        return _locked(self.path / ".lock", GLANCE_S)

    def holder(self) -> str | None:
        """The process that runs a sweep here, and where; None: nobody."""
        return _holder(self.path / ".lock")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, also through a crash of the machine."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        ValueError: it cannot be made; says why.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"folder {path} cannot be made: {error.strerror}; choose another --run-dir"
        ) from error


def append_line(path: Path, row: dict[str, Any]) -> None:
    """Append one JSON line; a torn line left by a kill is cut off first."""
    make_folder(path.parent)
    with path.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(row).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole JSON lines of a file, without a torn last one; empty if there is no file."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


@contextlib.contextmanager
def _locked(path: Path, wait_s: float) -> Iterator[None]:
    make_folder(path.parent)
    deadline = time.monotonic() + wait_s
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    file.seek(0)
                    raise Busy(
                        f"{path.parent} is in use by process {file.read() or '?'}: wait for it"
                        " to end, or choose another directory"
                    ) from None
                time.sleep(0.2)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _holder(path: Path) -> str | None:
    """Who holds a lock. Also true on another machine, where the file system passes locks on."""
    if not path.exists():
        return None
    with path.open() as file:  # a shared lock needs no permission to write
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"process {file.read() or '?'}"
    return None


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return flat
