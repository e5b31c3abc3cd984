"""Every recipe at its full size, on small images: whether it trains, and in what memory.

    python -m benchmarks.recipes [NAME ...]

Six iterations of two images of 64 px, with random weights throughout, for the published ones are
downloads. Recipes that differ in their data or initial weights alone are trained once. Each has a
process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from study import recipes
from study.config import RunConfig, digest, to_dict
from study.models import initialisation
from study.recipes import Recipe
from study.storage.run_dir import Record, TrialDir
from study.training import engine


def run_of(recipe: Recipe) -> RunConfig:
    """The recipe reduced, from random weights; whatever it freezes is frozen as it was drawn."""
    run = recipes.reduced(recipe.run)
    return replace(run, arm="scratch", init=None, frozen_random=True, device="cpu")


def distinct(names: list[str]) -> dict[str, list[str]]:
    """Recipes by the first of those that compute the same."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(digest(to_dict(run_of(recipes.find(name)))), []).append(name)
    return {same[0]: same for same in found.values()}


def train(name: str) -> tuple[str, float, Record, float, float]:
    """Name, million parameters, the last record, seconds, and peak memory in GiB."""
    run = run_of(recipes.find(name))
    detector, _ = initialisation.build(run, 8)
    parameters = sum(p.numel() for p in detector.parameters()) / 1e6
    del detector
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trial = TrialDir(Path(folder) / "run")
        trial.write_config({"role": "single", "index": 0, "strategy": "", "run": to_dict(run)})
        *_, last = engine.run(run, trial)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return name, parameters, last, time.monotonic() - began, memory


def main(names: list[str]) -> None:
    groups = distinct(names or list(recipes.all()))
    print(f"{'M parameters':>12} {'loss':>6} {'s':>4} {'GiB':>4}")
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for name, parameters, last, seconds, memory in pool.map(train, groups):
            row = f"{parameters:12.1f} {last['loss']:6.2f} {seconds:4.0f} {memory:4.1f}"
            print(row, ", ".join(groups[name]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
