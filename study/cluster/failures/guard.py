"""Ray's own end, while a command runs on it: said in one sentence, and the command ends too.

So does an interruption that its main thread can't follow: KeyboardInterrupt may come to it in the
midst of taking a lock, as of a queue, that what tidies up then waits for without end.

Ray would keep its driver waiting for a minute, then end it with a dump of its own, while trials
train on for nobody. So a thread looks at Ray's processes, or at the address of a cluster that was
joined, and ends this process by itself: the main thread may hang in a call into Ray.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from study.cluster.address import CONNECT_S, answers
from study.cluster.failures import processes
from study.commands.common import FAILURE, INTERRUPTED

TICK_S = 0.5
UNREACHABLE_S = 10.0  # of a cluster's head, before it counts as ended
GRACE_S = 1.0
ROOM_BYTES = 16 * 2**20  # of free disk, without which Ray's services end
LAST_S = 6.0  # for what is written down at the end
TIDYING_S = 60.0  # from an interruption to the end of all that is done with Ray
DASHBOARD = "dashboard.py"
SERVICES = {
    "gcs_server": "head service (GCS)",
    "raylet": "node service (raylet)",  # the object store is a part of it
    DASHBOARD: "dashboard",
}
"""How messages call the programs that Ray starts."""
ON_INTERRUPT = "the same command goes on where this one ended"
GOES_ON = "nothing recorded is lost; the same command goes on"


class Guard:
    """Ends this process when Ray has ended."""

    def __init__(
        self, dying: Callable[[], None], interrupted: threading.Event, dashboard: bool
    ) -> None:
        """
        Args:
            dying: what to do before; called once, in the guard's own thread.
            interrupted: set by Ctrl-C or SIGTERM, which may reach Ray's processes too; the main
                thread has a minute then.
            dashboard: whether the command cannot do without Ray's dashboard.
        """
        self._dying = dying
        self._interrupted = interrupted
        self._names = {k: v for k, v in SERVICES.items() if k != DASHBOARD or dashboard}
        self._services: dict[int, tuple[str, str]] = {}  # when it began and its name, by process
        self._joined: str | None = None  # a cluster's address
        self._below: dict[int, str] = {}  # what our own cluster's services started, and when
        self._session: str | None = None  # the folder of our own cluster
        self._silent = 0.0  # seconds that the address has not answered
        self._settled = False  # all services have begun
        self._tidied = 0.0  # seconds since the interruption
        self._screen = os.dup(2)  # also while Ray is kept from it
        self._over = threading.Event()
        self._ending = threading.Lock()  # held from the moment at which an end was found
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """From now on; of our own cluster each process is seen as it starts."""
        self._thread.start()

    def settle(self, address: str, node: str, own: bool) -> None:
        """Ray has started, or was joined.

        Args:
            address: of its head, "host:port".
            node: the id of this machine's node.
            own: whether the cluster is this process's own.
        """
        if own:
            self._find()
            self._note_below()  # who is an agent of a service can't be seen once that has ended
        else:
            self._joined = address
            for pid, words in processes.named("raylet").items():
                if any(node in word for word in words):
                    self._services[pid] = processes.started(pid), SERVICES["raylet"]
        self._settled = True

    def stop(self) -> None:
        """The command is done with Ray; does not return if Ray has ended."""
        self.hold_if_ended()
        self._over.set()
        if self._thread.ident is not None:  # it has been started
            self._thread.join()
        self._note_below()

    def sweep(self) -> None:
        """After Ray's shutdown: end what our own cluster left, as where its GCS died meanwhile."""
        processes.kill(self._still_below())

    def _note_below(self) -> None:
        if self._session:
            new = processes.descendants(self._services)
            self._below |= {pid: processes.started(pid) for pid in new}

    def _still_below(self) -> set[int]:
        there = self._below.items()
        return {pid for pid, began in there if began and processes.started(pid) == began}

    def hold_if_ended(self, grace_s: float = 0.0) -> None:
        """Where Ray has ended, wait for the end of this process, which is under way.

        `grace_s`: Ray's exceptions may come a moment before its processes are gone.
        """
        deadline = time.monotonic() + grace_s
        while not (gone := self._ended(at_once=True)) and time.monotonic() < deadline:
            time.sleep(TICK_S / 10)
        if gone:
            self._end(gone)
        while self._ending.locked():  # the other thread is at it
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(TICK_S)

    def _watch(self) -> None:
        while not self._over.wait(TICK_S):
            if not self._settled:
                self._find()
            self._tidied += TICK_S * self._interrupted.is_set()
            if gone := self._ended() or self._hangs():
                self._end(gone)

    def _hangs(self) -> str | None:
        """What `_end` says of it is an interruption."""
        return "driver" if self._tidied > TIDYING_S else None

    def _find(self) -> None:
        for pid, words in processes.children(os.getpid()).items():
            names = {Path(word).name for word in words[:3]}
            for name in names & self._names.keys():
                self._services.setdefault(pid, (processes.started(pid), self._names[name]))
            folder = next((w for w in words if w.startswith("--session-dir=")), None)
            if folder and "gcs_server" in names:
                self._session = folder.partition("=")[2]

    def _ended(self, at_once: bool = False) -> str | None:
        """What has ended; `at_once`: also an address that does not answer the first time."""
        for pid, (began, name) in list(self._services.items()):
            if not began or processes.started(pid) != began:
                return f"{name}, process {pid},"
        if self._joined is None:
            return None
        if answers(self._joined):
            self._silent = 0.0
            return None
        self._silent += TICK_S + CONNECT_S
        return f"head at {self._joined}" if at_once or self._silent > UNREACHABLE_S else None

    def _end(self, gone: str) -> None:
        if not self._ending.acquire(blocking=False):
            return
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Ray's own last words say less
        last = threading.Timer(LAST_S, self._exit, (gone,))
        last.daemon = True
        last.start()
        if self._session:  # of our own: agents and workers outlive a service
            self._note_below()
            workers = processes.writing_below(self._session)
            processes.kill({*self._services} | self._still_below() | workers)
        with contextlib.suppress(BaseException):
            self._dying()
        self._exit(gone)

    def _exit(self, gone: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        said, status = f"error: Ray's {gone} ended{self._no_room()}: {GOES_ON}", FAILURE
        if self._interrupted.is_set():
            said, status = f"interrupted: {ON_INTERRUPT}", INTERRUPTED
        with contextlib.suppress(OSError):
            os.write(self._screen, f"{said}\n".encode())
        os._exit(status)

    def _no_room(self) -> str:
        """Why it may have, where the disk of its files is full."""
        place = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
        with contextlib.suppress(OSError):
            folder = self._session or str(Path(place, "ray"))
            if shutil.disk_usage(folder).free < ROOM_BYTES:
                return f" (the disk of {folder} is full: make room, or set RAY_TMPDIR)"
        return ""
