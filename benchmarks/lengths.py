"""What one trunk for all lengths saves: the same study with shared and with separate runs.

    python -m benchmarks.lengths

Five lengths of 2x to 6x with tails of two thirds of 1x, as in the paper (Sec. 3), in miniature: 1x
is three iterations. Both studies must find the same AP everywhere, to the last bit.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import analysis
from analysis.reading.frames import values
from study.config import Budget, Nuisance, OptimConfig, Scientific, SearchSpace
from study.config.arms import parse
from study.config.schedule import independent_iterations, iterations
from study.planning.design import Design
from study.planning.search.search import Search
from tests.runs import TINY_RUN, study_without_ray

FIXED = replace(
    TINY_RUN,
    optim=OptimConfig(batch_size=4),
    schedule=replace(TINY_RUN.schedule, tail=(2, 1), lengths=(18,)),
    keep_weights=False,
)
SPACE = SearchSpace(
    name="five lengths",
    scientific=Scientific(arms=("scratch",), sizes=(12,)),
    nuisance=Nuisance(lengths=(6, 9, 12, 15, 18)),
    fixed=FIXED,
)
SHARED = Design(
    space=SPACE,
    arms=(parse("scratch"),),
    budget=Budget(trials=1, confirm=0, cross=0, extend=0),
    search=Search(first="sobol", then=None),
    stopping=None,
)
SEPARATE = replace(SHARED, schedule="independent")


def formula() -> float:
    """Iterations of separate runs per iteration of shared ones: 120k / 52k, about 2.3."""
    schedule = SHARED.schedule_at(12)
    return independent_iterations(schedule) / iterations(schedule)


def main() -> None:
    spent: dict[str, float] = {}
    scores: dict[str, list[float]] = {}
    for name, asked in (("shared", SHARED), ("separate", SEPARATE)):
        with tempfile.TemporaryDirectory() as folder:
            results = analysis.load(study_without_ray(asked, Path(folder)).path)
        spent[name] = sum(values(results.costs, "iterations"))
        scores[name] = values(results.tails, "AP_box") + values(results.tails, "AP_mask")
        print(f"{name:9} {spent[name]:4.0f} iterations executed, AP {scores[name]}")
    same = "identical" if scores["shared"] == scores["separate"] else "DIFFERENT"
    print(f"{same}; {spent['separate'] / spent['shared']:.3f} × (by the formula {formula():.3f})")


if __name__ == "__main__":
    main()
