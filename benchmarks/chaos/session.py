"""One start of the command on a study, and its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPACE = ROOT / "tests" / "cluster" / "tiny.py"
GONE_S = 15.0  # for the processes of a command, after its end
DUMPS = ("Traceback (most recent call last)", "Check failed", "*** SIG", "Fatal Python", ".cc:")


class Session:
    """The command as a process of its own session, by which its descendants are known."""

    def __init__(
        self, where: Path | str, options: Sequence[str], said: Path, environment: Mapping[str, str]
    ) -> None:
        """Start it; what it says goes to the file `said`."""
        command = (sys.executable, "-m", "study.sweep", str(SPACE), "--run-dir", str(where))
        self._said, self.began = said, time.monotonic()
        with said.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **environment},
            )

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        return self._said.read_text(errors="replace")

    @property
    def is_done(self) -> bool:
        """Whether it has said that the study has ended: all that is left is its own end."""
        return "\ndone: " in self.said()

    def dumps(self) -> list[str]:
        """Of the words that no user should meet, those that it said."""
        said = self.said()
        return [words for words in DUMPS if words in said]

    def processes(self) -> dict[int, str]:
        """Those that live, with their commands."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                if os.getsid(int(path.name)) == self.process.pid:
                    words = (path / "cmdline").read_bytes().decode(errors="replace")
                    found[int(path.name)] = words.replace("\0", " ").strip()
        return {pid: words for pid, words in found.items() if words}  # without zombies

    def trials(self) -> list[int]:
        """The processes in which trials run."""
        names = ("ray::ResourceTrainable.", "ray::RayTrainWorker")
        return sorted(k for k, v in self.processes().items() if v.startswith(names))

    def service(self, program: str) -> list[int]:
        """The processes of one of Ray's programs."""
        return [
            pid
            for pid, words in self.processes().items()
            if any(Path(word).name == program for word in words.split()[:3])
        ]

    def send(self, pids: Sequence[int], number: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, limit_s: float) -> int | None:
        """The exit status; None: it has not ended in time."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def left(self, counts: Callable[[str], bool] = lambda _: True) -> dict[int, str]:
        """What lives on after its end, given time; all of it is ended."""
        deadline = time.monotonic() + GONE_S
        while any(map(counts, (left := self.processes()).values())):
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.send([*self.processes()], signal.SIGKILL)
        return {pid: words for pid, words in left.items() if counts(words)}
