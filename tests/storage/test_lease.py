"""A lease has one holder, ends with its process, and is never lost without notice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from study.storage import Busy, opened
from study.storage.objects import lease
from study.storage.run_dir import State, StudyDir, TrialDir
from tests.objects import fresh, keys

pytestmark = pytest.mark.usefixtures("server")

HOLD = (
    "import sys, time; from study.storage.run_dir import TrialDir\n"
    "with TrialDir(sys.argv[1]).lock(0):\n    print('held', flush=True); time.sleep(60)"
)
ELSEWHERE = {"pid": 7, "host": "far", "machine": "another", "started": "1"}


def lease_elsewhere(address: str) -> None:
    """What the holder on another machine has written."""
    opened(address).within(".lock").write("theirs", json.dumps(ELSEWHERE).encode())


def test_a_living_holder_is_named_and_a_killed_one_followed_at_once():
    trial = TrialDir(fresh())
    command = [sys.executable, "-c", HOLD, str(trial.store)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "held\n"
    assert (trial.holder() or "").startswith(f"process {holder.pid} on ")
    with pytest.raises(Busy, match=f"process {holder.pid} on "), trial.lock(0):
        pass
    holder.kill()
    holder.wait()
    assert trial.holder() is None
    began = time.monotonic()
    with trial.lock(0):
        assert time.monotonic() - began < lease.STALE_S / 4
    assert keys(str(trial.store)) == set()


def test_a_silent_holder_elsewhere_is_followed_when_it_is_stale(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "STALE_S", 1.5)
    monkeypatch.setattr(lease, "PAUSE_S", 0.1)
    lease_elsewhere(address := fresh())
    assert StudyDir(address).holder() == "process 7 on far"
    began = time.monotonic()
    with StudyDir(address).lock():
        assert time.monotonic() - began > 0.5
        assert len(keys(address)) == 1  # theirs is gone


def test_a_holder_elsewhere_that_gives_signs_of_life_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "PAUSE_S", 0.1)
    lease_elsewhere(address := fresh())
    # the store's clock counts whole seconds
    beat = threading.Timer(1.2, lease_elsewhere, [address])
    beat.start()
    with pytest.raises(Busy, match="process 7 on far"), StudyDir(address).lock():
        pass
    beat.join()


def test_whoever_has_lost_the_lock_writes_no_more(monkeypatch: pytest.MonkeyPatch):
    trial = TrialDir(address := fresh())
    with trial.lock():
        trial.mark(State.RUNNING)
        for name in keys(address):
            if name.startswith(".lock/"):  # as does who takes it over
                opened(address).remove(name)
        monkeypatch.setattr(lease, "STALE_S", 0.0)  # as long as it was cut off
        with pytest.raises(Busy, match="another process has taken it over"):
            trial.mark(State.FINISHED)
    assert trial.state is State.RUNNING


def test_the_lock_on_a_study_holds_for_its_trials(monkeypatch: pytest.MonkeyPatch):
    study = StudyDir(address := fresh())
    with study.lock():
        monkeypatch.setattr(lease, "STALE_S", 0.0)
        for name in keys(address):
            opened(address).remove(name)
        with pytest.raises(Busy):
            study.trial("scratch-12-t000").mark(State.PREEMPTED)


def test_of_many_that_want_it_at_once_one_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "PAUSE_S", 0.2)
    address, inside, seen = fresh(), [], []

    def take() -> None:
        with TrialDir(address).lock(wait_s=60):
            inside.append(None)
            seen.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 3


def test_a_holder_that_slept_gives_up_where_another_is_just_removing_its_lease(
    monkeypatch: pytest.MonkeyPatch,
):
    there: dict[str, bytes] = {}
    sleeping = False

    def read(name: str) -> bytes | None:
        content = there.get(name)
        if sleeping:  # the other one listed before, and removes what this one is about to renew
            there["theirs"] = json.dumps(ELSEWHERE).encode()
            there.pop(name, None)
        return content

    folder = lease.LeaseFolder(
        list_all=lambda: dict.fromkeys(there, time.time_ns()),
        read=read,
        write=there.__setitem__,
        remove=there.__delitem__,
    )
    held = lease.Lease(folder, "s3://study/run")
    held.acquire(0)
    held.require()
    monkeypatch.setattr(lease, "STALE_S", 0.0)  # as long as it slept
    held.require()  # nobody has followed: an outage alone costs nothing
    sleeping = True
    with pytest.raises(Busy, match="another process has taken it over"):
        held.require()
    held.release()
    assert set(there) == {"theirs"}
