"""The kinds of fault: what is done, and what must follow."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chaos import damage
from benchmarks.chaos.session import Session
from study.cluster.failures import processes
from study.cluster.failures.guard import GOES_ON
from study.cluster.failures.patience import BEGIN
from study.commands.common import BAD_INPUT, FAILURE, INTERRUPTED
from study.storage.run_dir import StudyDir

PAUSE_S = (0.5, 4.0)  # of what is stopped for a moment
JUMPS_S = (-86400.0, -3600.0, 3600.0, 86400.0)
SAYS_SO_S = 20.0  # until a command says that Ray has ended
LEAVES_S = 60.0  # until a command is interrupted, or says that the disk is full
SILENCE_S = 5.0  # what a trial may be silent in these studies
HANGS_S = 3 * BEGIN * SILENCE_S
KILLED = -signal.SIGKILL


class Nothing(Exception):
    """There was nothing to do it to."""


class Wrong(Exception):
    """What followed at once was not what must follow."""


@dataclass(frozen=True)
class Scene:
    """Where a fault happens."""

    study: StudyDir
    session: Session  # the last one
    rng: random.Random
    clock: Path  # by how much it is moved
    ballast: Path | None  # a file that fills the disk of the run directory; None: not there
    second: Callable[[], Session]  # starts the command once more


@dataclass(frozen=True)
class Fault:
    """One kind."""

    name: str
    do: Callable[[Scene], None]  # raises Nothing, or Wrong
    ends: tuple[int, ...] = ()  # with such an exit status; none: the command goes on
    within_s: float = 0.0  # it ends
    between: bool = False  # done while no command runs
    groups: bool = False  # where trials have several workers alone
    said: str = ""  # by a command that it ends


Find = Callable[[Session], list[int]]


def _kill(find: Find) -> Callable[[Scene], None]:
    return lambda scene: scene.session.send(_some(find, scene), signal.SIGKILL)


def _stop(find: Find) -> Callable[[Scene], None]:
    """For some seconds."""

    def do(scene: Scene) -> None:
        found = _some(find, scene)
        scene.session.send(found, signal.SIGSTOP)
        time.sleep(scene.rng.uniform(*PAUSE_S))
        scene.session.send(found, signal.SIGCONT)

    return do


def _signal(number: signal.Signals, find: Find) -> Callable[[Scene], None]:
    return lambda scene: scene.session.send(_some(find, scene), number)


def _hang(scene: Scene) -> None:
    """Stopped for ever: its process must be ended."""
    (pid,) = _some(_one_trial, scene)
    scene.session.send([pid], signal.SIGSTOP)
    deadline = time.monotonic() + HANGS_S
    while scene.session.runs and processes.started(pid):
        if time.monotonic() > deadline:
            raise Wrong(f"a process that hangs was not ended in {HANGS_S:.0f} s")
        time.sleep(0.1)


def _some(find: Find, scene: Scene) -> list[int]:
    for _ in range(30):  # there may be none between two trials
        if found := find(scene.session):
            return [scene.rng.choice(found)] if find is _one_trial else found
        time.sleep(0.1)
    raise Nothing


def _one_trial(session: Session) -> list[int]:
    return session.trials()


def _driver(session: Session) -> list[int]:
    return [session.process.pid]


def _all(session: Session) -> list[int]:
    return [*session.processes()]


def _service(program: str) -> Find:
    return lambda session: session.service(program)


def _jump(scene: Scene) -> None:
    scene.clock.write_text(str(scene.rng.choice(JUMPS_S)))


def _fill(scene: Scene) -> None:
    """Until the command has ended, or for a while."""
    if scene.ballast is None:
        raise Nothing
    with contextlib.suppress(OSError), scene.ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    threading.Thread(target=_free, args=(scene.session, scene.ballast), daemon=True).start()


def _free(session: Session, ballast: Path) -> None:
    session.wait(LEAVES_S)
    ballast.unlink()


def _second(scene: Scene) -> None:
    """Refused, and the first one goes on."""
    second = scene.second()
    status, left = second.wait(LEAVES_S), second.left()
    if scene.session.is_done and status == 0:
        raise Nothing  # the first had ended before the second looked
    if status != BAD_INPUT or left or second.dumps() or "is in use by" not in second.said():
        raise Wrong(f"second command: exit status {status}, left {left}: {second.said()[-300:]}")


def _damaged(change: Callable[[StudyDir, random.Random], str | None]) -> Callable[[Scene], None]:
    def do(scene: Scene) -> None:
        if change(scene.study, scene.rng) is None:
            raise Nothing

    return do


RAYS_END: dict[str, Any] = {"ends": (FAILURE,), "within_s": SAYS_SO_S, "said": GOES_ON}
BY_USER: dict[str, Any] = {"ends": (INTERRUPTED,), "within_s": LEAVES_S, "said": "interrupted"}
DEATH: dict[str, Any] = {"ends": (KILLED,), "within_s": 5.0}

FAULTS = {
    fault.name: fault
    for fault in (
        Fault("driver killed", _kill(_driver), **DEATH),
        Fault("everything killed", _kill(_all), **DEATH),
        Fault("raylet killed", _kill(_service("raylet")), **RAYS_END),
        Fault("GCS killed", _kill(_service("gcs_server")), **RAYS_END),
        Fault("dashboard killed", _kill(_service("dashboard.py")), groups=True, **RAYS_END),
        Fault("Ctrl-C", _signal(signal.SIGINT, _driver), **BY_USER),
        Fault("SIGTERM", _signal(signal.SIGTERM, _driver), **BY_USER),
        Fault("SIGTERM to all", _signal(signal.SIGTERM, _all), **BY_USER),
        Fault("disk full", _fill, ends=(FAILURE, BAD_INPUT), within_s=LEAVES_S),
        Fault("trial killed", _kill(_one_trial)),
        Fault("trial hangs", _hang),
        Fault("trial stopped", _stop(_one_trial)),
        Fault("driver stopped", _stop(_driver)),
        Fault("raylet stopped", _stop(_service("raylet"))),
        Fault("GCS stopped", _stop(_service("gcs_server"))),
        Fault("everything stopped", _stop(_all)),
        Fault("clock jumps", _jump),
        Fault("second command", _second),
        Fault("checkpoint cut", _damaged(damage.cut_checkpoint), between=True),
        Fault("checkpoint bit", _damaged(damage.flip_bit), between=True),
        Fault("records torn", _damaged(damage.tear_records), between=True),
        Fault("events torn", _damaged(damage.tear_events), between=True),
    )
}
