"""Studies drawn from a truth, in the frames in which the analysis has those of a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.answers import settings
from analysis.reading import columns
from analysis.reading.frames import frame, rows
from analysis.reading.load import Results
from benchmarks.calibration.truth import CONFIRM, REFERENCE, Scenario
from study.config import RunConfig
from study.config.schedule import Leg
from study.planning.search.proposal import Proposal
from study.planning.stopping import Rungs
from study.planning.trials import specs
from study.storage.record import record
from study.storage.run_dir import Record

SETTING = ("lr", "weight_decay", "length", "factor")

Chosen = dict[int, dict[str, dict[str, Any]]]
"""Rows of `analysis.best` by size and arm."""


class Study:
    """One study of a scenario: every score that a sweep of it could ask for, drawn beforehand."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.design = replace(scenario.design, seed=seed)
        rng, noise = np.random.default_rng(seed), scenario.noise
        self.arms = tuple(arm.name for arm in self.design.arms)
        sizes, arms, repeats = len(scenario.sizes), len(self.arms), 1 + max(CONFIRM)
        own = 1 - noise.shared - noise.arm
        common, mine = (
            math.sqrt(noise.sizes) * rng.normal(size=(1, *shape))
            + math.sqrt(1 - noise.sizes) * rng.normal(size=(sizes, *shape))
            for shape in ((1, repeats), (arms, repeats))
        )
        by_seed = math.sqrt(noise.shared) * common + math.sqrt(noise.arm) * mine
        spread = np.array(noise.spread[:sizes])[:, None, None]
        spread = spread * np.array([noise.first] + [1.0] * (arms - 1))[None, :, None]
        self._by_seed = spread * by_seed  # size, arm, seed: the search's, then the repeats'
        self._by_trial = spread * math.sqrt(own) * rng.normal(size=(sizes, arms, scenario.trials))
        self._by_repeat = spread * math.sqrt(own) * rng.normal(size=(sizes, arms, repeats - 1))
        self.by_images = spread[..., 0] * noise.images * rng.normal(size=(sizes, arms))
        self.surfaces = {
            (size, arm): scenario.surfaces(arm, place)
            for place, size in enumerate(scenario.sizes)
            for arm in self.arms
        }

    def tuned(self, size: int, arm: str, index: int, point: Proposal, length: int) -> float:
        """What trial `index` scores on the tuning split after that length."""
        at = self._place(size, arm)
        ap = self.surfaces[size, arm].ap(**point.values, length=length)
        return self._points(ap + self._by_seed[(*at, 0)] + self._by_trial[(*at, index)])

    def confirmed(self, size: int, arm: str, repeat: int, expected: float) -> float:
        """What repeat `repeat` of a choice scores on the report split."""
        at = self._place(size, arm)
        luck = self._by_seed[(*at, 1 + repeat)] + self._by_repeat[(*at, repeat)]
        return self._points(expected + luck + self.by_images[at])

    def expected(self, size: int, chosen: dict[str, dict[str, Any]]) -> dict[str, float]:
        """What each arm is expected to score with its chosen setting, over all images."""
        found = {
            arm: self.surfaces[size, arm].ap(row["lr"], row["weight_decay"], row["length"])
            for arm, row in chosen.items()
        }
        if self.scenario.pinned is not None:
            lead = self.scenario.pinned
            found = {arm: found[REFERENCE] + lead * (arm != REFERENCE) for arm in found}
        return found

    def caught_up(self, tails: Sequence[dict[str, Any]], margin: float) -> dict[str, float]:
        """By arm, the length at which the reference is truly within the margin; infinite: at none.

        `tails`: rows of `Results.tails` of one size. Each arm counts by the best point tried.
        """
        size, lengths = tails[0]["size"], sorted({row["length"] for row in tails})
        points = {(row["lr"], row["weight_decay"]) for row in tails}
        best = {
            arm: {n: max(self.surfaces[size, arm].ap(*at, n) for at in points) for n in lengths}
            for arm in self.arms
        }
        return {
            arm: next((n for n in lengths if best[REFERENCE][n] >= target - margin), math.inf)
            for arm in self.arms[1:]
            for target in [max(best[arm].values())]
        }

    @property
    def name(self) -> str:
        return f"{self.scenario.name} {self.design.seed}"

    def tails(self) -> list[dict[str, Any]]:
        """As a sweep records them, with those trials stopped that its rule stops."""
        found: list[dict[str, Any]] = []
        for size in self.scenario.sizes:
            nuisance, trials = self.design.space.nuisance.at(size), self.scenario.trials
            search, seed = self.design.search, self.design.seed
            points = [search.propose(nuisance, i, trials, seed, []) for i in range(trials)]
            rungs = self.design.rungs_at(size)
            assert rungs is not None
            for cell in self.design.cells_at(size):
                scores = [
                    {n: self.tuned(size, cell.arm.name, i, p, n) for n in rungs.schedule.lengths}
                    for i, p in enumerate(points)
                ]
                for index, score in enumerate(halved(rungs, scores)):
                    spec = specs.tuning(self.design, cell, index, points[index])
                    place = {"study": self.name, "role": spec.role, "index": spec.index}
                    found += [
                        scored(spec.run, n, ap) | place | points[index].values
                        for n, ap in score.items()
                    ]
        return found

    def confirmations(self, chosen: Chosen) -> list[dict[str, Any]]:
        """The most repeats that are asked for, of the settings chosen."""
        found: list[dict[str, Any]] = []
        for size in self.scenario.sizes:
            for arm, expected in self.expected(size, chosen[size]).items():
                row = chosen[size][arm]
                place = {name: row[name] for name in ("study", "arm", "size", *SETTING)}
                place |= {"of": row["trial_id"], "strategy": "confirm", "split": "report"}
                for repeat in range(max(CONFIRM)):
                    ap = self.confirmed(size, arm, repeat, expected)
                    run = {"trial_id": f"{arm}-{size}-c{repeat}", "draw": 1 + repeat}
                    run |= {"seed": 1000 * (1 + self.design.seed) + repeat}
                    found.append(place | run | {"state": "finished", "AP_box": ap})
        return found

    def truth(self, chosen: Chosen, images: bool = True) -> dict[int, dict[str, float]]:
        """AP by size and arm, as chosen; `images`: on those of the report split."""
        found: dict[int, dict[str, float]] = {}
        for size in self.scenario.sizes:
            luck = {arm: float(self.by_images[self._place(size, arm)]) for arm in self.arms}
            expected = self.expected(size, chosen[size])
            found[size] = {arm: ap + images * luck[arm] for arm, ap in expected.items()}
        return found

    def _place(self, size: int, arm: str) -> tuple[int, int]:
        return self.scenario.sizes.index(size), self.arms.index(arm)

    def _points(self, ap: float) -> float:
        return min(100.0, max(0.0, ap))


def scored(run: RunConfig, length: int, ap: float) -> Record:
    """The record of a tail, whose training cost nothing."""
    free: dict[str, float] = {}
    leg, scores = Leg(0, length, length, run.schedule.factors[0]), {"AP_box": ap}
    how = {"losses": free, "costs": free}
    return record(run, leg, "tail", scores=scores, **how, eval_seconds=0.0, time=0.0, done=False)


def halved(rungs: Rungs, scores: Sequence[dict[int, float]]) -> Iterator[dict[int, float]]:
    """What each trial records: all lengths up to the rung at which it stops."""
    stopped: dict[int, int] = {}
    for bracket in rungs.brackets(len(scores)):
        for rung, kept in sorted(rungs.places(len(bracket)).items()):
            left = [index for index in bracket if index not in stopped]
            for index in left:
                if sum(scores[other][rung] > scores[index][rung] for other in left) >= kept:
                    stopped[index] = rung
    for index, score in enumerate(scores):
        yield {n: ap for n, ap in score.items() if n <= stopped.get(index, max(score))}


class Studies:
    """Several studies in the frames that `analysis.load` gives of as many run directories.

    What was spent is left out.
    """

    def __init__(self, scenario: Scenario, seeds: Iterable[int]) -> None:
        self.every = {study.name: study for study in (Study(scenario, seed) for seed in seeds)}
        asked = {name: study.design for name, study in self.every.items()}
        tuned = Results(
            manifests={
                name: {"question": design.question({}), "budget": vars(design.budget)}
                for name, design in asked.items()
            },
            trials=frame([], columns.TRIALS),
            curves=frame([], columns.CURVES),
            tails=frame((r for s in self.every.values() for r in s.tails()), columns.TAILS),
            costs=frame([], columns.COSTS),
            confirmations=frame([], columns.CONFIRMATIONS),
            init_reports=frame([], columns.INIT_REPORTS),
            strips=frame([], columns.STRIPS),
        )
        self.chosen: dict[str, Chosen] = {}
        for row in rows(settings.best(tuned)):
            self.chosen.setdefault(row["study"], {}).setdefault(row["size"], {})[row["arm"]] = row
        runs = (r for n, s in self.every.items() for r in s.confirmations(self.chosen[n]))
        self.results = replace(tuned, confirmations=frame(runs, columns.CONFIRMATIONS))

    def with_repeats(self, count: int) -> Results:
        """As they would be with so many confirm runs of each arm."""
        runs = self.results.confirmations
        return replace(self.results, confirmations=runs.loc[(runs["draw"] <= count).to_numpy()])
