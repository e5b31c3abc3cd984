"""A lease holds a directory on an object store: an object that its process keeps renewing.

Object stores have no locks, but what was written is seen by every listing that follows (S3 since
2020, Google's and Azure's). So a process writes its own lease, then lists them all. Of two
processes the second to write sees the first, so two never find themselves alone; a process that
sees another lease withdraws its own and tries again. The holder renews its lease every `BEAT_S`
seconds. A lease that is `STALE_S` seconds old, by the store's clock alone, has ended, and so has
the lease of a process of this machine that has ended.

A holder that was cut off or suspended for longer than `STALE_S` seconds, by its own clock, finds
out before its next write (`Lease.require`): it renews its lease and then looks at all of them, as
if it were new. Whoever takes a stale lease over has written its own before, so that the two see
each other, and the former holder gives up, also where it renewed in the moment of the removal.

What this cannot do: a write that it had sent before it was suspended may still arrive.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.storage.store import Busy

BEAT_S = 10.0
STALE_S = 45.0
PAUSE_S = 1.0  # between two attempts to get a lease, and up to as much again, drawn

Leases = dict[str, int]
"""Leases by name, with the time of their last renewal: the store's clock, nanoseconds."""


class LeaseFolder:
    """Where the leases on one directory are: each a small object in the same folder."""

    def __init__(
        self,
        *,
        list_all: Callable[[], Leases],
        read: Callable[[str], bytes | None],
        write: Callable[[str, bytes], None],
        remove: Callable[[str], None],
    ) -> None:
        self.list_all = list_all
        self.read = read
        self.write = write
        self.remove = remove

    def owner(self, name: str) -> dict[str, Any]:
        """The process that wrote a lease; empty if the lease is gone."""
        return json.loads(self.read(name) or b"{}")


class Lease:
    """One process's lease on a directory."""

    def __init__(self, folder: LeaseFolder, what: str) -> None:
        """
        Args:
            folder: of the leases on this directory.
            what: the directory, for messages.
        """
        self._folder, self._what = folder, what
        self._name = secrets.token_hex(8)
        self._content = json.dumps(_myself()).encode()
        self._renewed = 0.0  # when the last renewal began, by `_now`
        self._lost = False
        self._ended = threading.Event()
        self._renewing = threading.Lock()
        self._thread = threading.Thread(target=self._keep_renewing, daemon=True)

    def acquire(self, wait_s: float) -> None:
        """Get the lease. One that is not renewed is waited for until it is stale.

        Raises:
            Busy: another process lives and still holds it after `wait_s` seconds.
        """
        deadline, first_seen = time.monotonic() + wait_s, Leases()
        while True:
            others = self._try()
            if not others:
                self._thread.start()
                return
            owners = {name: self._folder.owner(name) for name in others}
            living = [
                who
                for name, who in owners.items()
                if others[name] != first_seen.setdefault(name, others[name]) or _runs_here(who)
            ]
            if living and time.monotonic() >= deadline:
                raise Busy(
                    f"{self._what} is in use by {_described(living[0])}: wait for it to end, or"
                    " choose another directory"
                )
            time.sleep(PAUSE_S * (1 + random.random()))

    def require(self) -> None:
        """Before a write: raises Busy if another process has taken the directory meanwhile."""
        if _now() - self._renewed > STALE_S / 2:
            self._renew()
        if self._lost:
            raise Busy(
                f"{self._what}: another process has taken it over, because this one did not renew"
                f" its lease for {STALE_S:.0f} seconds; this process writes nothing more"
            )

    def release(self) -> None:
        self._ended.set()
        self._thread.join()
        if not self._lost:
            with contextlib.suppress(OSError):  # it becomes stale
                self._folder.remove(self._name)

    def _try(self) -> Leases:
        """Write the lease; returns those of others, for which it was withdrawn, or none."""
        began = _now()
        self._folder.write(self._name, self._content)
        leases = self._folder.list_all()
        if self._name not in leases:  # this process was suspended until its lease was stale
            return {self._name: 0}
        now = leases.pop(self._name)
        others = Leases()
        for name, renewed in leases.items():
            if now - renewed > STALE_S * 1e9 or _ended_here(self._folder.owner(name)):
                self._folder.remove(name)
            else:
                others[name] = renewed
        if others:
            self._folder.remove(self._name)
        else:
            self._renewed = began
        return others

    def _keep_renewing(self) -> None:
        while not self._ended.wait(BEAT_S) and not self._lost:
            with contextlib.suppress(OSError):  # tried again, at the latest before a write
                self._renew()

    def _renew(self) -> None:
        with self._renewing:
            if self._lost:
                return
            began = _now()
            if self._folder.read(self._name) is None:
                self._lost = True
                return
            self._folder.write(self._name, self._content)
            if _now() - self._renewed > STALE_S and self._is_followed():
                self._lost = True
                self._folder.remove(self._name)
            else:
                self._renewed = began

    def _is_followed(self) -> bool:
        """Whether another process may have taken the lease for stale: then it is there itself."""
        return self._folder.list_all().keys() != {self._name}


def holder(folder: LeaseFolder) -> str | None:
    """The process that holds the directory, as far as this machine's clock can tell."""
    for name, renewed in folder.list_all().items():
        who = folder.owner(name)
        if who and time.time() - renewed / 1e9 < STALE_S and not _ended_here(who):
            return _described(who)
    return None


def _now() -> float:
    """Seconds by a clock that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    host = socket.gethostname()
    return {"pid": pid, "host": host, "machine": _machine(), "started": _started(pid)}


def _described(who: dict[str, Any]) -> str:
    return f"process {who.get('pid', '?')} on {who.get('host', '?')}"


def _machine() -> str:
    """The same for all processes that see each other; empty where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if stat[0] in "ZX" else stat[19]  # a zombie has ended


def _ended_here(who: dict[str, Any]) -> bool:
    return _is_here(who) and _started(who["pid"]) != who["started"]


def _runs_here(who: dict[str, Any]) -> bool:
    return _is_here(who) and _started(who["pid"]) == who["started"]


def _is_here(who: dict[str, Any]) -> bool:
    return bool(who.get("machine")) and who["machine"] == _machine()
