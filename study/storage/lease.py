"""A lock on an object store: a claim that its holder renews, and that dies when it does not.

Object stores have no locks, but what was written is seen by every listing that follows (S3 since
2020, Google's and Azure's). Hence: write a claim of one's own, then look for others'. Of two
processes the second to write sees the first, so never do both find themselves alone; whoever sees
another withdraws and tries again. A holder renews its claim every `BEAT_S` seconds; a claim that
is `STALE_S` seconds old, by the store's clock alone, counts for nothing, and neither does one of
a process of this machine that has ended.

What this cannot do: a holder that was cut off or suspended for longer than `STALE_S` seconds finds
out before its next write (`Lease.require`), but a write that had left it before may still arrive.
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
PAUSE_S = 1.0  # between two attempts to get a lock, and up to as much again, drawn

Claims = dict[str, int]
"""Claims by name, with the time of their last renewal: the store's clock, nanoseconds."""


class Claimed:
    """Where the claims of one lock lie: small objects of their own in one folder."""

    def __init__(
        self,
        *,
        list_all: Callable[[], Claims],
        read: Callable[[str], bytes | None],
        write: Callable[[str, bytes], None],
        remove: Callable[[str], None],
    ) -> None:
        self.list_all = list_all
        self.read = read
        self.write = write
        self.remove = remove

    def owner(self, name: str) -> dict[str, Any]:
        """Who wrote a claim; empty if it is gone."""
        return json.loads(self.read(name) or b"{}")


class Lease:
    """One process's hold on a lock."""

    def __init__(self, claims: Claimed, what: str) -> None:
        """
        Args:
            claims: of this lock.
            what: is held, for messages.
        """
        self._claims, self._what = claims, what
        self._name = secrets.token_hex(8)
        self._content = json.dumps(_myself()).encode()
        self._beaten = 0.0  # when the last renewal began, by this machine's clock
        self._lost = False
        self._ended = threading.Event()
        self._one = threading.Lock()  # renewal at a time
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def acquire(self, wait_s: float) -> None:
        """Hold the lock. A holder that gives no sign of life is waited for until it is stale.

        Raises:
            Busy: another process lives and still holds it after `wait_s` seconds.
        """
        deadline, first_seen = time.monotonic() + wait_s, Claims()
        while True:
            others = self._try()
            if not others:
                self._thread.start()
                return
            owners = {name: self._claims.owner(name) for name in others}
            lives = [
                who
                for name, who in owners.items()
                if others[name] != first_seen.setdefault(name, others[name]) or _runs_here(who)
            ]
            if lives and time.monotonic() >= deadline:
                raise Busy(
                    f"{self._what} is in use by {_described(lives[0])}: wait for it to end, or"
                    " choose another directory"
                )
            time.sleep(PAUSE_S * (1 + random.random()))

    def require(self) -> None:
        """Before a write: raises Busy if another process has taken the lock meanwhile."""
        if time.monotonic() - self._beaten > STALE_S / 2:
            self._renew()
        if self._lost:
            raise Busy(
                f"{self._what}: another process has taken it over, for this one gave no sign of"
                f" life for {STALE_S:.0f} seconds; nothing more is written by it"
            )

    def release(self) -> None:
        self._ended.set()
        self._thread.join()
        if not self._lost:
            with contextlib.suppress(OSError):  # it will be stale
                self._claims.remove(self._name)

    def _try(self) -> Claims:
        """Claim the lock; the claims of others for which this one is withdrawn, or none."""
        began = time.monotonic()
        self._claims.write(self._name, self._content)
        claims = self._claims.list_all()
        if self._name not in claims:  # this process was suspended for so long that it was stale
            return {self._name: 0}
        now = claims.pop(self._name)
        others = Claims()
        for name, renewed in claims.items():
            if now - renewed > STALE_S * 1e9 or _ended_here(self._claims.owner(name)):
                self._claims.remove(name)
            else:
                others[name] = renewed
        if others:
            self._claims.remove(self._name)
        else:
            self._beaten = began
        return others

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_S) and not self._lost:
            with contextlib.suppress(OSError):  # tried again, at the latest before a write
                self._renew()

    def _renew(self) -> None:
        with self._one:
            began = time.monotonic()
            if self._claims.read(self._name) is None:
                self._lost = True
            else:
                self._claims.write(self._name, self._content)
                self._beaten = began


def holder(claims: Claimed) -> str | None:
    """Who holds a lock, as far as can be seen without claiming it: by this machine's clock."""
    for name, renewed in claims.list_all().items():
        who = claims.owner(name)
        if who and time.time() - renewed / 1e9 < STALE_S and not _ended_here(who):
            return _described(who)
    return None


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    host = socket.gethostname()
    return {"pid": pid, "host": host, "machine": _machine(), "started": _started(pid)}


def _described(who: dict[str, Any]) -> str:
    return f"process {who.get('pid', '?')} on {who.get('host', '?')}"


def _machine() -> str:
    """What processes have in common that see each other; empty where that cannot be told."""
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
