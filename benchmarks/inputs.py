"""What becomes of bad input, by its kind: the corpus of `tests/bad_input`, as a table.

    python -m benchmarks.inputs [KIND ...]

Each case runs as in the tests, in this process. *Refused*: with the status and the lines that it
should have, saying what it should, and with nothing written. *Otherwise*: refused, but not so.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from study import sweep
from tests.bad_input.case import Case, TookTooLong, faults, outcome
from tests.bad_input.corpus import corpus

COLUMNS = ("refused", "otherwise", "accepted", "traceback", "hung")


def became(case: Case, folder: Path) -> tuple[str, str]:
    """The column of what a case became, and what was said."""
    try:
        found = outcome(case, folder)
    except TookTooLong as error:
        return "hung", str(error)
    except Exception as error:  # what a command lets through is a traceback to its user
        return "traceback", f"{type(error).__name__}: {error}"
    wrong = faults(case, found)
    if not wrong:
        return "refused", ""
    return "accepted" if not found.status and case.status else "otherwise", "; ".join(wrong)


def _not_started(*_: object) -> int:
    return 0  # a case that is not refused starts no Ray: it counts as accepted


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="of the table; all")
    given = parser.parse_args(arguments)
    sweep.start = _not_started  # type: ignore[assignment]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["STUDY_CACHE"] = str(Path(scratch) / "cache")
        for number, (kind, case) in enumerate(corpus()):
            if given.kinds and kind not in given.kinds:
                continue
            (folder := Path(scratch) / str(number)).mkdir()
            began = time.process_time()
            column, said = became(case, folder)
            seconds[kind] += time.process_time() - began
            counts[kind][column] += 1
            if said:
                print(f"{kind}: {case.name}: {column}: {said}", flush=True)
    print("| kind | cases | " + " | ".join(COLUMNS) + " | ms of the CPU each |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for kind, found in counts.items():
        shares = " | ".join(str(found[column]) for column in COLUMNS)
        each = 1000 * seconds[kind] / found.total()
        print(f"| {kind.replace('_', ' ')} | {found.total()} | {shares} | {each:.0f} |")
    every = sum(counts.values(), Counter[str]())
    shares = " | ".join(str(every[column]) for column in COLUMNS)
    each = 1000 * sum(seconds.values()) / max(1, every.total())
    print(f"| all | {every.total()} | {shares} | {each:.0f} |")
    return int(every["refused"] < every.total())


if __name__ == "__main__":
    raise SystemExit(main())
