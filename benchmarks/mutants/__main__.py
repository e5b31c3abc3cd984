"""How many small mistakes in the code the tests notice.

    python -m benchmarks.mutants [AREA ...] [--number 60] [--seed 0] [--seconds 20]

Each mistake is one change of one place: another comparison, a sign, a number one higher, True for
False, a call or an argument left out, None returned. It is imported in place of the file by a
process of its own, which runs the tests that call the changed function, the fastest first, until
one fails. Which tests call what is observed first and kept in `build/`. Tests that start Ray, and
those beyond `--seconds` of the CPU for a mistake, are not asked. Printed are the mistakes that
nothing notices: a test is missing, the code can be simpler, or the change makes no difference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.mutants import children
from benchmarks.mutants.mutations import Mutant, mutants

ROOT = children.ROOT
# sources, and the tests that are to notice mistakes in them
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "planning": (
        ("study/planning",),
        ("tests/planning", "tests/test_sweep.py", "tests/commands/test_bill.py"),
    ),
    "training": (("study/training",), ("tests/training", "tests/test_train.py")),
    "statistics": (
        ("analysis/answers", "analysis/tuning"),
        (
            *("tests/analysis/answers", "tests/analysis/tuning", "tests/analysis/text"),
            *(
                "tests/analysis/report/test_several_arms.py",
                "tests/analysis/test_more_searched.py",
            ),
            *("tests/analysis/report/test_unlearnt.py", "tests/analysis/report/test_tables.py"),
        ),
    ),
}
KEPT = ROOT / "build" / "mutants"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all")
    parser.add_argument("--number", type=int, default=60, help="mistakes for each area")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--seconds", type=float, default=20, help="of the CPU, for each")
    parser.add_argument("--only", default="", help="mistakes in files with this in their path")
    given = parser.parse_args(arguments)
    unknown = [area for area in given.areas if area not in AREAS]
    if unknown:
        parser.error(f"AREA = {unknown[0]!r}: must be one of {', '.join(AREAS)}")
    os.chdir(ROOT)
    children.import_what_is_slow()
    rows = {
        area: judged(area, given.number, given.seed, given.seconds, given.only)
        for area in given.areas or AREAS
    }
    print("\n| area | mistakes possible | tried | noticed | not |\n|---|---|---|---|---|")
    for area, (possible, ends) in rows.items():
        missed = ends["survived"]
        print(f"| {area} | {possible} | {ends.total()} | {ends.total() - missed} | {missed} |")
    return 0


def judged(
    area: str, number: int, seed: int, seconds: float, only: str
) -> tuple[int, Counter[str]]:
    """Try a sample of an area's mistakes: how many there are, and how those tried ended."""
    folders, tests = AREAS[area]
    sources = _files(folders)
    seen = _observed(area, sources, _files(tests, "test_*.py"))
    everything = [
        one for file in sources if only in file for one in mutants(file, Path(file).read_text())
    ]
    sample = random.Random(seed).sample(everything, min(number, len(everything)))
    ends: Counter[str] = Counter()
    for at, mutant in enumerate(sorted(sample, key=str), 1):
        began = time.monotonic()
        asked = _tests_of(mutant, seen, seconds)
        how, printed = children.tested(mutant, asked, seconds + 10) if asked else ("no test", "")
        if "ERROR: not found:" in printed:
            raise RuntimeError(f"{mutant}: tests have changed meanwhile; begin again")
        ends["survived" if how in ("exit 0", "no test") else "noticed"] += 1
        took = f"{time.monotonic() - began:.1f} s"
        if how in ("exit 0", "no test"):
            print(f"{area} {at}: NOT NOTICED by {len(asked)} tests, {took}: {mutant}", flush=True)
        else:
            by = next((line for line in printed.splitlines() if line.startswith("FAILED")), how)
            print(f"{area} {at}: noticed, {took}: {mutant} [{by[:100]}]", flush=True)
    return len(everything), ends


def _files(folders: Sequence[str], pattern: str = "*.py") -> list[str]:
    return sorted(
        str(file)
        for folder in map(Path, folders)
        for file in (folder.rglob(pattern) if folder.is_dir() else [folder])
    )


def _observed(area: str, sources: list[str], tests: list[str]) -> dict[str, Any]:
    """What each test calls; observed again where its file has changed, or any source."""
    KEPT.mkdir(parents=True, exist_ok=True)
    product = hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources))
    seconds: dict[str, float] = {}
    calls: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        digest = product.copy()
        digest.update(Path(test).read_bytes())
        kept = KEPT / f"{area}-{digest.hexdigest()[:20]}.json"
        if not kept.exists():
            print(f"{area}: what {test} calls …", flush=True)
            kept.write_text(json.dumps(children.reached(test, sources)))
        found = json.loads(kept.read_text())
        seconds |= found["tests"]
        for place, ids in found["calls"].items():
            calls[place] += ids
    return {"tests": seconds, "calls": calls}


def _tests_of(mutant: Mutant, seen: dict[str, Any], seconds: float) -> list[str]:
    """The tests that call the function, the fastest first, as many as fit into the time."""
    places = seen["calls"]
    found = set(places.get(f"{mutant.file}:{mutant.function}", []))
    if not found:  # it runs when the file is imported: any that calls something of the file
        own = [tests for place, tests in places.items() if place.startswith(f"{mutant.file}:")]
        found = {test for tests in own for test in tests}
    cost = seen["tests"]
    found = found or set(cost)  # all it has is names
    asked: list[str] = []
    for test in sorted(found, key=lambda one: (cost[one], one)):
        seconds -= cost[test]
        if seconds < 0:
            break
        asked.append(test)
    return asked


if __name__ == "__main__":
    sys.exit(main())
