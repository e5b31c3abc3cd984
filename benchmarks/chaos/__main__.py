"""Faults in a running sweep: kills and stops of every kind of process, damage, a full disk.

    python -m benchmarks chaos [FAULTS] [--workers 2] [--s3] [--seed N]

Tiny studies on Ray, one after another, each under faults until it has ended: the command must end
in time, without a traceback, and leave no process and no lock; the same command must go on; and
the study's records must be those of one that was left alone. Which faults come is drawn by the
seed. Seconds lost are those until a study is further than it was at the fault, less what is usual
between two signs of its trials; where files were damaged they hold the restart too.

Left out: cables that are pulled (`make test-cluster`), and a disk that fills where this is not
root on Linux, which may mount a small one. The clock that jumps is Python's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path

from benchmarks.chaos.course import Course, Place, Records, records
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.session import Session
from benchmarks.chaos.table import lines
from study.storage.run_dir import StudyDir

DISK = "300m"
OPTIONS = ("--stopping", "none", "--then", "none", "--trials", "4", "--confirm", "1")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("faults", type=int, nargs="?", default=100, help="how many; default 100")
    parser.add_argument("--workers", type=int, default=1, help="of each trial, default 1")
    parser.add_argument("--s3", action="store_true", help="on an object store, simulated")
    parser.add_argument("--seed", type=int, default=0, help="of all choices, default 0")
    parser.add_argument("--only", nargs="*", choices=FAULTS, help="these kinds alone")
    given = parser.parse_args(arguments)
    options = [*OPTIONS, *(["--workers", str(given.workers)] if given.workers > 1 else [])]
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(_s3() if given.s3 else _disk())
        expected, usual_s, whole_s = _left_alone(place, options)
        print(f"left alone: {whole_s:.0f} s, a sign each {usual_s:.1f} s", flush=True)
        seed = given.seed
        course = Course(place, options, lambda: expected, usual_s, seed, say=_say)
        disk = place.ballast is not None
        course.run(drawn(given.faults, seed, given.workers > 1, disk, given.only))
    print()
    print("\n".join(lines(course.told)))
    same = "each with the records of one that was left alone"
    print(f"\n{len(course.ended)} studies ended{'' if course.wrong else ', ' + same}")
    for name in sorted(set(course.left_out)):
        print(f"left out {course.left_out.count(name)} times, nothing to happen to: {name}")
    for one in course.wrong:
        print(f"WRONG: {one}")
    return bool(course.wrong or any(one.wrong for one in course.told))


def _say(line: str) -> None:
    print(line, flush=True)


def drawn(
    number: int, seed: int, groups: bool, disk: bool, only: Sequence[str] | None = None
) -> Iterator[str]:
    """So many, each kind as often as any other, in an order by the seed.

    Args:
        number: of faults.
        seed: of the order.
        groups: whether trials have several workers.
        disk: whether there is a disk that may be filled.
        only: these kinds; None: all.
    """
    rng = random.Random(f"order {seed}")
    kinds = [
        name
        for name, fault in FAULTS.items()
        if (groups or not fault.groups)
        and (disk or name != "disk full")
        and (not only or name in only)
    ]
    while number > 0:
        deck = rng.sample(kinds, len(kinds))[:number]
        number -= len(deck)
        yield from deck


def _left_alone(place: Place, options: list[str]) -> tuple[Records, float, float]:
    """Its records, the seconds from one sign to the next, and all that it took."""
    where = place.fresh()
    session = Session(where, options, place.folder / "said-alone", {})
    if session.wait(900.0) != 0:
        sys.exit(f"the study that is left alone fails:\n{session.said()}")
    took = time.monotonic() - session.began
    trials = StudyDir(where).trials()
    moments = sorted(event["time"] for trial in trials for event in trial.events())
    return records(where), statistics.median(b - a for a, b in pairwise(moments)), took


@contextlib.contextmanager
def _disk() -> Iterator[Place]:
    """A small one, that may be filled; else an ordinary folder."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, contextlib.ExitStack() as stack:
        disk, number = Path(folder) / "disk", count()
        disk.mkdir()
        mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK}", "chaos", str(disk))
        small = os.geteuid() == 0 and not subprocess.run(mount, check=False).returncode
        if small:
            stack.callback(subprocess.run, ("umount", "--lazy", str(disk)), check=False)
        ballast = disk / "ballast" if small else None

        def fresh() -> Path:
            """In place of the one before, for which there would be no room."""
            for before in disk.glob("study-*"):
                shutil.rmtree(before)
            return disk / f"study-{next(number)}"

        yield Place(fresh, Path(folder), ballast)


@contextlib.contextmanager
def _s3() -> Iterator[Place]:
    from tests.objects import fresh, s3  # here: needs moto

    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, s3():
        yield Place(fresh, Path(folder), look_s=0.5)


if __name__ == "__main__":
    sys.exit(main())
