"""Ray's end is told in one sentence; here by a program that is called as one of Ray's is."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from study.cluster.failures import guard as guarding
from study.cluster.failures import processes
from study.commands.common import FAILURE, INTERRUPTED

LIMIT_S = 60.0  # what hangs here hangs for 300
COMMAND = """
import os, subprocess, sys, threading, time
from study.cluster.failures import guard as module
from study.cluster.failures.guard import Guard

module.TIDYING_S = 2.0
head = [f"{sys.argv[1]}/gcs_server", "-c", "sleep 300 & wait", "--session-dir=/nowhere"]
node = [f"{sys.argv[1]}/raylet", "-c", "sleep 300 & echo $!; wait"]  # a service with an agent
subprocess.Popen(head)
service = subprocess.Popen(node, stdout=subprocess.PIPE, text=True)
print(service.stdout.readline(), end="", flush=True)
interrupted = threading.Event()
guard = Guard(lambda: print("written down", flush=True), interrupted, dashboard=False)
guard.start()
guard.settle("127.0.0.1:1", "node", own=True)
if "interrupted" in sys.argv:
    interrupted.set()
if "hangs" in sys.argv:
    guard._dying = lambda: time.sleep(300)
if "lives" in sys.argv:
    time.sleep(300)
service.kill()
if "raises" in sys.argv:
    try:
        raise RuntimeError("what Ray says of it")
    finally:
        guard.hold_if_ended(10.0)
os.write(2, b"before\\n")
time.sleep(300)
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs are that are called as Ray's."""
    shell, folder = shutil.which("sh"), tmp_path_factory.mktemp("bin")
    assert shell
    for name in ("raylet", "gcs_server"):
        shutil.copy(shell, folder / name)
    return folder


def run(services: Path, *words: str) -> tuple[int, int, str, str]:
    """The agent, then status and output of a command whose raylet is killed."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(services), *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    agent, _, out = done.stdout.partition("\n")
    return int(agent), done.returncode, out, done.stderr


@pytest.mark.parametrize("words", [(), ("raises",)])
def test_the_end_of_a_service_is_one_sentence_and_what_is_due_is_done(
    words: tuple[str, ...], services: Path
):
    agent, status, out, err = run(services, *words)
    assert status == FAILURE and out == "written down\n"
    (line,) = [line for line in err.splitlines() if line != "before"]
    assert line.startswith("error: Ray's node service (raylet), process ")
    assert line.endswith(" ended: nothing recorded is lost; the same command goes on")
    assert not processes.started(agent)


@pytest.mark.slow
def test_it_does_not_wait_for_what_hangs(services: Path):
    _, status, _, err = run(services, "hangs")
    assert status == FAILURE and "nothing recorded is lost" in err


def test_a_signal_that_reached_ray_too_is_an_interruption(services: Path):
    _, status, _, err = run(services, "interrupted")
    assert status == INTERRUPTED
    assert "interrupted: the same command goes on" in err and "error" not in err


def test_an_interruption_ends_a_command_whose_main_thread_hangs(services: Path):
    agent, status, out, err = run(services, "interrupted", "lives")
    assert (status, out) == (INTERRUPTED, "written down\n")
    assert err == "interrupted: the same command goes on where this one ended\n"
    assert not processes.started(agent)


def test_a_worker_that_holds_a_lock_is_ended_where_it_is_known():
    process = subprocess.Popen(["ray::Trial", "300"], executable=shutil.which("sleep"))
    assert processes.started(process.pid)
    host = socket.gethostname()
    for other in (None, "process ?", f"process {process.pid} on elsewhere", "nobody"):
        assert not processes.kill_holder(other)
    assert process.poll() is None
    assert processes.kill_holder(f"process {process.pid} on {host}")
    assert process.wait(LIMIT_S) == -signal.SIGKILL
    assert not processes.started(process.pid)


def test_a_program_of_this_machine_with_the_number_of_another_ones_worker_is_left_alone():
    process = subprocess.Popen(["sleep", "300"])
    assert not processes.kill_holder(f"process {process.pid} on {socket.gethostname()}")
    assert process.poll() is None
    process.kill()
    process.wait()


def test_descendants_are_found():
    shell = subprocess.Popen(["sh", "-c", "sleep 300 & wait"])
    deadline = time.monotonic() + LIMIT_S
    while not (found := processes.descendants([shell.pid])) and time.monotonic() < deadline:
        time.sleep(0.02)
    processes.kill({shell.pid, *found})
    assert len(found) == 1 and shell.wait(LIMIT_S) == -signal.SIGKILL


def test_a_full_disk_of_rays_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    guard = guarding.Guard(lambda: None, threading.Event(), dashboard=False)
    free = guarding.ROOM_BYTES
    monkeypatch.setattr(guarding.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert guard._no_room() == ""
    free -= 1
    said = f"the disk of {tmp_path}/ray is full: make room, or set RAY_TMPDIR"
    assert said in guard._no_room()
