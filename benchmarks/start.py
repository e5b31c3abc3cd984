"""How long a sweep takes from its command to the end of its first training iteration.

    python -m benchmarks.start [OTHER_CHECKOUT] [--rounds N] [--workers N]

A fresh run directory, warm caches, the real command on Ray with the data and network of `shapes`.
Another checkout, such as an earlier commit's worktree, is run in turns with this one by the same
interpreter; ratios are of medians. CPU seconds are those of all processes of the command until
then: they tell more than the clock where a machine has other work.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from search_spaces.shapes import SPACE as SHAPES
from study.storage.run_dir import StudyDir

SPACE = replace(SHAPES, fixed=replace(SHAPES.fixed, checkpoint_every=1))  # says when it is done
HERE = Path(__file__).parent.parent
LIMIT_S = 240.0
GONE_S = 30.0  # for Ray's processes after the command's end
TICKS = os.sysconf("SC_CLK_TCK")


def start(checkout: Path, workers: int) -> tuple[float, float, float]:
    """Seconds to the first iteration's end, of CPU until then, from Ctrl-C to the end."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "study"
        began = time.time()
        command = subprocess.Popen(
            [
                *(sys.executable, "-m", "study.sweep", str(Path(__file__).resolve())),
                *("--run-dir", str(run_dir), "--workers", str(workers)),
            ],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while (done := first_iteration(run_dir)) is None:
            if command.poll() is not None or time.time() - began > LIMIT_S:
                raise RuntimeError(f"no iteration: {command.communicate()[1]}")
            time.sleep(0.05)
        spent = cpu_seconds(command.pid)
        asked = time.time()
        command.send_signal(signal.SIGINT)
        command.communicate()
        ended = time.time() - asked
        while cpu_seconds(command.pid) and time.time() - asked < GONE_S:
            time.sleep(0.1)  # the next one must not meet this one's cluster
        return done - began, spent, ended


def first_iteration(run_dir: Path) -> float | None:
    """When the first trial had done its first iteration; None: not yet."""
    times = [
        event["time"]
        for trial in StudyDir(run_dir).trials()
        for event in trial.events()
        if event.get("iteration")
    ]
    return min(times, default=None)


def cpu_seconds(session: int) -> float:
    """Of all living processes of a session, and of those whose end they have noticed."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                total += sum(map(int, fields[11:15]))
        except OSError:  # gone meanwhile
            continue
    return total / TICKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", nargs="?", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    checkouts = {"this": HERE} | ({"other": given.other.resolve()} if given.other else {})
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in checkouts}
    for _ in range(given.rounds):
        for name, checkout in checkouts.items():
            found[name].append(start(checkout, given.workers))
            print(name, *(f"{seconds:.1f}" for seconds in found[name][-1]), flush=True)
    medians = {
        name: [*map(statistics.median, zip(*rows, strict=True))] for name, rows in found.items()
    }
    print("median seconds         to the first iteration   of CPU   from Ctrl-C to the end")
    for name, (first, cpu, end) in medians.items():
        print(f"{name:22} {first:22.1f} {cpu:8.1f} {end:24.1f}")
    if given.other:
        ratios = [a / b for a, b in zip(medians["this"], medians["other"], strict=True)]
        print(f"{'this : other':22} {ratios[0]:22.2f} {ratios[1]:8.2f} {ratios[2]:24.2f}")


if __name__ == "__main__":
    main()
