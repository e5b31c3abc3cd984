"""Why a trial ended that did not end by itself: its state, one line to show, and what helps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.storage.run_dir import State

DIED, MEMORY, SILENT, RAISED = "died", "memory", "silent", "raised"

_MONITOR = "running low on memory"
_OF_DEVICE = ("CUDA out of memory", "OutOfMemoryError: CUDA", "CUBLAS_STATUS_ALLOC_FAILED")
_OF_MACHINE = (
    "MemoryError",
    "can't allocate memory",
    "Cannot allocate memory",
    "Unable to allocate",
    _MONITOR,
    "OutOfMemoryError",
)
WATCHED = "ended by Ray's memory monitor: the machine was nearly out of memory"
SMALLER = "smaller images (model.short_px) or fewer of them at once (at_once) in the space file"


@dataclass(frozen=True)
class Situation:
    """What is known around a trial's end."""

    beside: int = 0  # other trials that ran
    shares: frozenset[str] = frozenset()  # with them: "machine", "device"
    killed: bool = False  # the system has ended processes for want of memory, since last looked at
    silent_s: float | None = None  # for which the watchdog ended it
    events: Sequence[Mapping[str, Any]] = ()  # the trial's, so far


@dataclass(frozen=True)
class Ending:
    """What is written down of a trial's end, and said."""

    state: State
    cause: str
    error: str  # one line
    fewer: bool = False  # fewer trials at once from now on
    fields: dict[str, Any] = field(default_factory=dict)  # of the event, besides


def of_process(situation: Situation, said: str = "its process died") -> Ending:
    """A process that is gone; nobody can tell a `kill -9` from the system's own."""
    if situation.silent_s is not None:
        return _silent(situation)
    if situation.killed:
        why = f"{said}, probably ended by the system, which was out of memory"
        return _memory(situation, "machine", why)
    return Ending(State.PREEMPTED, DIED, said)


def of_exception(situation: Situation, text: str) -> Ending:
    """An exception, by its traceback or message."""
    line = (text.strip().splitlines() or ["unknown error"])[-1].strip()
    place = memory_of(text)
    if place is not None:
        why = WATCHED if _MONITOR in text else f"out of memory: {line}"
        return _memory(situation, place, why)
    at = iteration(situation.events)
    same = _failed_so_before(situation.events, line, at)
    known = ", the same error at the same iteration as before: left for this run" if same else ""
    return Ending(State.FAILED, RAISED, line + known, fields={"again": not same, "at": at})


def memory_of(text: str) -> str | None:
    """Whose memory ran out, the "machine"'s or the "device"'s; None: none did."""
    if any(words in text for words in _OF_DEVICE):
        return "device"
    return "machine" if any(words in text for words in _OF_MACHINE) else None


def iteration(events: Sequence[Mapping[str, Any]]) -> int:
    """How far the trial was, by what it has written down."""
    return max((event.get("iteration") or 0 for event in events), default=0)


def _memory(situation: Situation, place: str, why: str) -> Ending:
    """Tried once more where fewer beside it would help."""
    at = iteration(situation.events)
    before = any(e.get("cause") == MEMORY and e.get("at") == at for e in situation.events)
    helps = situation.beside > 0 and place in situation.shares
    fields = {"beside": situation.beside, "at": at}
    if helps and not before:
        most = max(1, (situation.beside + 1) // 2)
        text = f"{why}; {situation.beside + 1} ran at once: from now on at most {most}"
        return Ending(State.PREEMPTED, MEMORY, text, fewer=True, fields=fields)
    fewer = f"fewer trials at once (--max-concurrent {max(1, situation.beside)}), " * helps
    remedy = f"what helps: {fewer}{SMALLER}"
    return Ending(State.FAILED, MEMORY, f"{why}; {remedy}", fields=fields | {"again": False})


def _silent(situation: Situation) -> Ending:
    at, seconds = iteration(situation.events), situation.silent_s or 0.0
    text = f"no sign of life for {seconds:.0f} s after iteration {at}: its process was ended"
    before = any(e.get("cause") == SILENT and e.get("at") == at for e in situation.events)
    if before:
        again = {"at": at, "again": False}
        text += ", as before: left for this run (STUDY_SILENCE_S sets how long it may be silent)"
        return Ending(State.FAILED, SILENT, text, fields=again)
    return Ending(State.PREEMPTED, SILENT, text, fields={"at": at})


def _failed_so_before(events: Sequence[Mapping[str, Any]], line: str, at: int) -> bool:
    failed = [event for event in events if event.get("state") == State.FAILED]
    return any(
        _plain(str(event.get("error", ""))).startswith(_plain(line)) and event.get("at") == at
        for event in failed[-1:]
    )


def _plain(line: str) -> str:
    """Without numbers: addresses, processes and bytes differ each time."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", line)
