"""The engine against its peers, one benchmark after another; about half an hour on two cores.

    python -m benchmarks [--checkout FOLDER] [--coco ANNOTATIONS IMAGES]
    python -m benchmarks chaos [FAULTS]   # a sweep under faults instead: see benchmarks/chaos

Each prints medians of runs that take turns, and ratios. With another checkout of this project,
such as an earlier commit in a worktree, steps and starts are compared with it; with an annotation
file and pictures of COCO (or of any data set in its format), batches with torchvision's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def commands(checkout: Path | None, coco: list[Path] | None) -> list[list[str]]:
    """What is run: the names of modules here, each with its arguments."""
    own = [str(checkout)] if checkout else []
    found = [["roi_align"], ["index"], ["evaluation"], ["digests"], ["steps", "full"]]
    if checkout:
        found.append(["steps", "shapes", *own])
    if coco:
        found.append(["loading", *map(str, coco)])
    return [*found, ["start", *own]]


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["chaos"]:
        from benchmarks.chaos.__main__ import main as chaos  # here: knows the study's package

        return chaos(arguments[1:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, help="another checkout, to compare with")
    parser.add_argument("--coco", type=Path, nargs=2, help="annotation file and images")
    given = parser.parse_args(arguments)
    failed: list[str] = []
    for module, *rest in commands(given.checkout, given.coco):
        print(f"\n{module} {' '.join(rest)}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{module}", *rest]
        if subprocess.run(command, check=False).returncode:
            failed.append(module)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
