"""The commands that README tells users to give, on a laptop of `hosts.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from study.storage.run_dir import StudyDir
from tests.cluster.hosts import Machines

SPACE = Path(__file__).with_name("tiny.py")
LENGTHS = (8, 64)  # of it; the second leaves time to lose a host in it
LIMIT_S = 240.0  # for anything to happen

T = TypeVar("T")


class Cluster:
    """A cluster file and its commands."""

    def __init__(self, lab: Machines, file: str, environment: Sequence[str] = ()) -> None:
        """`file`: the text; `environment`: variables of whoever gives the commands."""
        self._lab = lab
        self._environment = environment
        (lab.shared / "cluster.yaml").write_text(file)
        (lab.shared / SPACE.name).write_text(SPACE.read_text())

    def up(self) -> None:
        self._run("(umask 077; ray get-auth-token --generate)")
        self._run("ray up -y /study/cluster.yaml")
        self._run(f"ray rsync-up /study/cluster.yaml /study/{SPACE.name} /tmp/{SPACE.name}")

    def submit(self, run_dir: str, *options: str) -> None:
        """Start a study."""
        lengths = ("--lengths", *map(str, LENGTHS))
        where = (f"/tmp/{SPACE.name}", "--run-dir", run_dir)
        sweep = " ".join(("python -m study.sweep", *where, *lengths, *options))
        self.execute(f"ray job submit --no-wait -- {sweep}")

    def execute(self, command: str) -> str:
        """Run a command on the head; returns what it said."""
        return self._run(f"ray exec /study/cluster.yaml '{command}'")

    def active(self) -> int:
        """How many machines `ray status` lists as active or idle."""
        listed = self.execute("ray status").partition("Active:")[2].partition("Pending:")[0]
        lines = [line.split() for line in listed.splitlines()]
        return sum(int(words[0]) for words in lines if words and words[0].isdigit())

    def fetch(self, folder: str) -> None:
        """Copy the run directories to the laptop."""
        self._run(f"mkdir -p {folder} && ray rsync-down /study/cluster.yaml /study/runs/ {folder}")

    def down(self) -> None:
        self._run("ray down -y /study/cluster.yaml")

    def _run(self, command: str) -> str:
        status, said = self._lab.run(command, environment=self._environment)
        assert status == 0, said
        return said


def wait_for(happened: Callable[[], T | None], what: str, every_s: float = 0.2) -> T:
    """Ask until there is an answer, which neither None nor false is."""
    deadline = time.monotonic() + LIMIT_S
    while (found := happened()) is None or found is False:
        assert time.monotonic() < deadline, what
        time.sleep(every_s)
    return found


def at_work(study: StudyDir) -> Iterator[str]:
    """The hosts on which a first worker is in the middle of its longest length."""
    for trial in study.trials():
        if len(trial.records()) == 1 and (holder := trial.holder()):
            yield holder.split()[-1]


def complete(study: StudyDir) -> bool:
    return study.exists and "completed" in study.manifest


def states(study: StudyDir) -> list[str]:
    return [event["state"] for trial in study.trials() for event in trial.events()]
