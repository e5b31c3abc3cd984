"""Processes of this machine, where it shows them (Linux); elsewhere there seem to be none."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

PROC = Path("/proc")
WORKER = "ray::"  # with what Ray has a worker's command begin


def started(pid: int) -> str:
    """When a process began, in ticks of the machine; empty if there is none, or a zombie."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def children(of: int) -> dict[int, list[str]]:
    """The commands of a process's own children, by process id; of a zombie its name alone."""
    found = {pid for pid in _all() if (fields := _stat(pid)) and fields[1] == str(of)}
    return {pid: command(pid) or _lines(PROC / str(pid) / "comm")[:1] for pid in found}


def descendants(of: Iterable[int]) -> set[int]:
    """The children of processes, and theirs."""
    below: dict[str, list[int]] = {}
    for pid in _all():
        if fields := _stat(pid):
            below.setdefault(fields[1], []).append(pid)
    found: set[int] = set()
    todo = [*of]
    while todo:
        new = below.get(str(todo.pop()), [])
        found.update(new)
        todo += new
    return found


def named(name: str) -> dict[int, list[str]]:
    """The commands of all processes of a program, by process id."""
    found = {pid: command(pid) for pid in _all()}
    return {pid: words for pid, words in found.items() if words and Path(words[0]).name == name}


def command(pid: int) -> list[str]:
    """A process's command, word by word; empty if there is none, or a zombie."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def writing_below(folder: str) -> set[int]:
    """Processes whose output goes to files in this folder, but for this one."""
    found = set()
    for pid in _all():
        for stream in ("1", "2"):
            with contextlib.suppress(OSError):
                output = (PROC / str(pid) / "fd" / stream).readlink()
                if output.is_relative_to(folder):
                    found.add(pid)
    return found - {os.getpid()}


def kill(pids: Iterable[int], wait_s: float = 2.0) -> None:
    """End them at once, and wait for it: a large one takes a moment to go."""
    there = {pid: began for pid in pids if (began := started(pid))}
    for pid in there:
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + wait_s
    while any(started(pid) == began for pid, began in there.items()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def kill_holder(holder: str | None) -> bool:
    """End the worker that holds a lock ("process 123 on host"), if it is on this machine.

    Containers may have one host name, and each its own process 123: a program that is no worker of
    Ray's is left alone.
    """
    words = (holder or "").split()
    here = len(words) == 4 and words[1].isdigit() and words[3] == socket.gethostname()
    if here and "".join(command(int(words[1]))[:1]).startswith(WORKER):
        kill([int(words[1])])
        return True
    return False


def out_of_memory() -> int:
    """How many processes the system has ended for want of memory, of this machine or container."""
    return sum(
        int(words[1])
        for path in (PROC / "vmstat", Path("/sys/fs/cgroup/memory.events"))
        for line in _lines(path)
        if (words := line.split())[:1] == ["oom_kill"]
    )


def _all() -> Iterator[int]:
    with contextlib.suppress(OSError):
        for path in PROC.glob("[0-9]*"):
            yield int(path.name)


def _stat(pid: int) -> list[str]:
    """State, parent and so on, as proc(5) lists them from the third field on."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
