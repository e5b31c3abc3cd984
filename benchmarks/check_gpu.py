"""What a CUDA machine makes of the engine, in at most ten minutes and without Ray.

    python -m benchmarks.check_gpu                       # or: make check-gpu
    python -m benchmarks.check_gpu --device cpu --tiny   # the same checks, small, without a GPU

It prints a table, row by row, and ends with 1 if a row failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.gpu import numerics, ranks, resuming, speed, systems
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.table import Table

CHECKS = {
    "numbers": numerics.check,
    "resuming": resuming.check,
    "two ranks": ranks.check,
    "speed": speed.check,
    "systems": systems.check,  # last: they take longest
}

LIMIT_S = 540.0  # after which no further system begins


def checked(setting: Setting) -> Table:
    """All rows, printed as they are found."""
    table = Table()
    for name, check in CHECKS.items():
        table.take(name, check(setting))
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small sizes, for a CPU")
    given = parser.parse_args(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("there is no GPU that torch can use; --device cpu --tiny checks the check itself")
        return 2
    began = time.monotonic()
    name = torch.cuda.get_device_name() if given.device == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        table = checked(Setting(given.device, Path(folder), given.tiny, began + LIMIT_S))
    failed = sum(row.verdict == "FAILED" for row in table.rows)
    print(f"{len(table.rows)} rows, {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
