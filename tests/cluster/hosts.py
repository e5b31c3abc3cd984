"""Machines for tests, made of this one: each has its own network, processes, disk, /tmp and sshd.

A laptop, from which `ray up` is run, holds the bridge that connects them. All are kernel
namespaces (`host.sh` furnishes them), which go with their first process, and that goes with the
test: nothing is left, whatever happens. The network of the real machine is not touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).with_name("host.sh")
TOOLS = ("unshare", "nsenter", "setpriv", "ip", "sshd", "ssh", "ssh-keygen", "rsync")
APART = ("--net", "--mount", "--propagation", "private", "--pid", "--uts", "--ipc")
DYING = ("setpriv", "--pdeathsig", "KILL")
READY_S = 20.0  # for a machine to be reached
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAPTOP = "laptop"


def missing() -> str | None:
    """Why no such machines can be made here; None: they can."""
    if os.geteuid():
        return "making machines of namespaces takes root"
    if absent := [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]:
        return f"no {', '.join(absent)} on this machine"
    tried = subprocess.run(
        ["unshare", *APART, "--fork", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"namespaces are refused: {tried.stderr.strip()}" if tried.returncode else None


class Machines:
    """A laptop and any number of hosts, all of which see one folder as /study."""

    def __init__(self, folder: Path, names: dict[str, str]) -> None:
        """Boot the laptop.

        Args:
            folder: for keys, and logs of the machines.
            names: host names and addresses that every machine knows.
        """
        self.folder = folder
        self.shared = folder / "study"
        self._outer: dict[str, subprocess.Popen[bytes]] = {}
        self._first: dict[str, int] = {}  # processes, as seen from here
        self.shared.mkdir(parents=True)
        self.shared.chmod(0o1777)
        for key in ("id_ed25519", "host_key"):
            generate = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", key)
            subprocess.run(generate, cwd=folder, check=True)
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
        (folder / "names").write_text("\n".join(lines) + "\n")
        self._boot(LAPTOP, LAPTOP, folder / "id_ed25519.pub", "")
        self.inside(LAPTOP, "ip", "link", "set", "lo", "up")
        self.inside(LAPTOP, "ip", "link", "add", "bridge", "type", "bridge")
        self.inside(LAPTOP, "ip", "link", "set", "bridge", "up")

    def address(self, *addresses: str) -> None:
        """Give the laptop addresses, with the length of their network's prefix."""
        for one in addresses:
            self.inside(LAPTOP, "ip", "address", "add", one, "dev", "bridge")

    def boot(self, name: str, *addresses: str, keys: Path | None = None, setenv: str = "") -> None:
        """Switch a host on, with a fresh disk.

        Args:
            name: of the host, at most 10 letters.
            addresses: with the length of their network's prefix; one alone is a /32.
            keys: who may log in; the laptop, if nobody else is named.
            setenv: variables of every ssh session, as sshd's SetEnv wants them.
        """
        self._boot(name, "host", keys or self.folder / "id_ed25519.pub", setenv)
        pid = str(self._first[name])
        link = ("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0")
        subprocess.run([*self.connected(LAPTOP), *link, "netns", pid], check=True)
        self.inside(LAPTOP, "ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        self.inside(name, "ip", "link", "set", "lo", "up")
        for one in addresses:
            self.inside(name, "ip", "address", "add", one, "dev", "eth0")
        self.inside(name, "ip", "link", "set", "eth0", "up")
        self.inside(name, "ip", "route", "add", "default", "dev", "eth0")
        for one in addresses:
            if one.endswith("/32"):
                self.inside(LAPTOP, "ip", "route", "add", one, "dev", "bridge")

    def kill(self, name: str) -> None:
        """End all its processes at once, its first one included; connections are broken off."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._first.pop(name), signal.SIGKILL)
        self._outer.pop(name).wait()

    def cut(self, name: str) -> None:
        """Pull its cable: silence, and no connection is told of it."""
        self.inside(LAPTOP, "ip", "link", "set", f"to-{name}", "down")

    def processes(self, name: str) -> list[str]:
        """The commands that run on a machine."""
        listed = self.inside(name, "ps", "-e", "-o", "args=").stdout.splitlines()
        return [line for line in listed if not line.startswith("ps -e")]

    def inside(
        self, name: str, *command: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a machine as root."""
        return subprocess.run(
            [*self._entered(name), *command],
            capture_output=True,
            text=True,
            check=check,
            timeout=READY_S,
        )

    def start(
        self, command: str, log: Path, environment: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a shell command on the laptop, in the project's folder, as one logged in there."""
        shell = ("env", "-i", "HOME=/root", "USER=root", "TERM=dumb", "LANG=C.UTF-8")
        there = f"cd {ROOT} && {command}"
        with log.open("ab") as file:
            return subprocess.Popen(
                [*self._entered(LAPTOP), *shell, *environment, "bash", "-lc", there],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def run(
        self, command: str, limit_s: float = 180.0, environment: Sequence[str] = ()
    ) -> tuple[int, str]:
        """Run a shell command on the laptop; returns its exit status and what it said."""
        log = self.folder / f"{time.monotonic_ns()}.log"
        status = self.start(command, log, environment).wait(limit_s)
        return status, log.read_text()

    def close(self) -> None:
        """Switch everything off."""
        for name in [*self._first]:
            self.kill(name)

    def connected(self, name: str) -> tuple[str, ...]:
        """What runs a command of this machine with the network of that one."""
        return (*DYING, "nsenter", "--target", str(self._first[name]), "--net", "--")

    def _entered(self, name: str) -> tuple[str, ...]:
        spaces = ("--net", "--pid", "--uts", "--ipc", "--mount", "--wdns=/")
        return ("nsenter", "--target", str(self._first[name]), *spaces, "--")

    def _boot(self, name: str, role: str, keys: Path, setenv: str) -> None:
        environment = Path(sys.prefix)
        keep = {ROOT, environment, environment.resolve(), Path(sys.base_prefix).resolve()}
        ready = self.shared / f".{name}.ready"
        ready.unlink(missing_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                # the outer process dies with the test, and the first one of the host with it
                [*DYING, "unshare", *APART, "--fork", "--kill-child", "bash", str(SCRIPT)],
                env={
                    "PATH": PATH,
                    "NAME": name,
                    "ROLE": role,
                    "FOLDER": str(self.folder),
                    "SHARED": str(self.shared),
                    "KEYS": str(keys),
                    "SETENV": setenv,
                    "KEEP": ":".join(map(str, sorted(keep))),
                    "ENVIRONMENT": str(environment),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._outer[name] = process
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            said = (self.folder / f"{name}.log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.02)
        ready.unlink()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self._first[name] = int(children[0])


@contextlib.contextmanager
def machines(folder: Path, names: dict[str, str]) -> Iterator[Machines]:
    """A laptop, to which hosts can be added; all is gone at the end."""
    made = Machines(folder, names)
    try:
        yield made
    finally:
        made.close()
