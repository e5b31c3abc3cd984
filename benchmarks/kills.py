"""Kill the driver of a sweep at random moments, finish it, and compare with an undisturbed one.

    python -m benchmarks.kills [KILLS]

The real command on Ray, tiny runs, Sobol points, no stopping. Both studies must hold the same
records, but for what a kill may change: costs and times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from study.storage.run_dir import StudyDir
from tests.runs import exact

SPACE = Path(__file__).parent.parent / "tests" / "cluster" / "tiny.py"
OPTIONS = (
    *("--then", "none", "--stopping", "none"),
    *("--trials", "8", "--confirm", "3", "--cross", "1"),
)
MIDST_S = 2.0  # a trial takes about three
GONE_S = 3.0  # for the cluster to follow its driver


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "study.sweep", str(SPACE), "--run-dir", str(folder), *OPTIONS]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def records(folder: Path) -> dict[str, list[dict[str, object]]]:
    return {trial.id: exact(trial.records()) for trial in StudyDir(folder).trials()}


def count(folder: Path) -> int:
    return sum(map(len, records(folder).values()))


def end_session(session: int) -> None:
    """End what the killed driver has left behind."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session:
                os.kill(int(path.name), signal.SIGKILL)
        except OSError:  # gone meanwhile
            continue


def main(kills: int) -> int:
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        undisturbed = start(whole)
        _, err = undisturbed.communicate()
        assert undisturbed.returncode == 0, err
        done = 0
        while done < kills:
            driver = start(killed)
            before = count(killed)
            while count(killed) == before and driver.poll() is None:
                time.sleep(0.05)
            wait = rng.uniform(0.0, MIDST_S)  # from its first record on
            try:
                driver.wait(wait)
                break  # it has finished before it could be killed
            except subprocess.TimeoutExpired:
                os.kill(driver.pid, signal.SIGKILL)
            driver.communicate()
            time.sleep(GONE_S)
            end_session(driver.pid)
            done += 1
            print(f"killed {wait:.1f} s after a record, {count(killed)} there", flush=True)
        last = start(killed)
        _, err = last.communicate()
        assert last.returncode == 0, err
        same = records(killed) == records(whole)
        print(f"{done} kills: {'the same records' if same else 'DIFFERENT records'}")
        return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
