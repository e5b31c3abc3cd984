"""1,000 trials of 100 records each through the real sweep, 64 at once, beside Ray Tune alone.

    python -m benchmarks.load [--trials 1000] [--records 100] [--at-once 64] [--folder DIR]

The trials train nothing (benchmarks/load/stub.py); plan, search, scheduler, progress, journal and
run directory are those of every sweep. Both drivers run one after another on one cluster, each in
a process of its own. Then the records are counted, and the analysis reads and reports the study.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ray

from study.cluster import ray_session
from study.storage.run_dir import StudyDir


def driver(which: str, folder: Path, given: argparse.Namespace, address: str) -> dict[str, Any]:
    """What a driver measured of itself."""
    command = [sys.executable, "-m", "benchmarks.load.drivers", which, str(folder)]
    command += [str(n) for n in (given.trials, given.records, given.at_once)]
    environment = os.environ | {"RAY_ADDRESS": address}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def lost(folder: Path, trials: int, records: int) -> int:
    """Records that are not there, or there twice."""
    found = StudyDir(folder).trials()
    keys = [[(r["leg"], r["weights"]) for r in trial.records()] for trial in found]
    missing = trials * records - sum(len(set(own)) for own in keys)
    return missing + sum(len(own) - len(set(own)) for own in keys)


def timed(*command: str) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of a command."""
    began = time.monotonic()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest so far
    return time.monotonic() - began, peak


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where the study stays (default: nowhere)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "study"
        for name, value in ray_session.SWITCHES.items():
            os.environ.setdefault(name, value)
        # of so many that start on few cores, Ray would kill those that take more than a minute
        os.environ.setdefault("RAY_worker_register_timeout_seconds", "600")
        ray.init(address="local", include_dashboard=False, log_to_driver=False)
        address = ray.get_runtime_context().gcs_address
        try:
            found = {
                "study.sweep": driver("ours", folder, given, address),
                "Ray Tune": driver("tune", Path(scratch) / "peer", given, address),
            }
        finally:
            ray.shutdown()
        print(
            f"{'driver':12} {'s':>7} {'CPU s':>7} {'ms a trial':>11} {'peak MiB':>9}  on the way"
        )
        for name, row in found.items():
            each = 1000 * row["cpu"] / given.trials
            print(
                f"{name:12} {row['seconds']:7.0f} {row['cpu']:7.1f} {each:11.1f}"
                f" {row['peak_mib']:9.0f}  {row['mib']}"
            )
        ratio = found["study.sweep"]["cpu"] / found["Ray Tune"]["cpu"]
        print(f"driver, ours : Ray Tune = {ratio:.2f}")
        missing = lost(folder, given.trials, given.records)
        print(f"records lost or doubled: {missing} of {given.trials * given.records:,}")
        for name, command in (("analysis.load", ("-c", LOAD)), ("analysis", ("-m", "analysis"))):
            seconds, peak = timed(*command, str(folder))
            print(f"{name}: {seconds:.1f} s, peak {peak:.0f} MiB")
    return int(missing != 0)


LOAD = "import analysis, sys; analysis.load(sys.argv[1])"

if __name__ == "__main__":
    sys.exit(main())
