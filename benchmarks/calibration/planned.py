"""The same for studies that decide by themselves how long, how often and at which sizes to train.

    python -m benchmarks.calibration.planned [STUDIES] [ONLY]

    growth        lengths of 60 to 240 iterations grow to at most 1,200, where scratch needs four
                  times as many as the other arm
    within 2      as many confirm runs as make each interval at most 2 AP wide to either side
    within 1      and 1 AP, for arms that are equal
    sizes auto    sizes between 64 and 4,096 images, where the lead ends

These cannot be drawn beforehand: the plan of a real sweep asks for them, one trial after another
(`tests.simulated`), in run directories in memory, which `analysis` then reads like any other.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

import analysis
from analysis.answers import settings
from analysis.answers.crossover import Lead, crossing, of_answer
from analysis.reading.frames import groups, rows, where
from analysis.text.words import conclusion
from benchmarks.calibration.scenarios import MARGIN, SCENARIOS
from benchmarks.calibration.sweeps import Sweep, Truth
from benchmarks.calibration.truth import REFERENCE, Noise, Scenario, Surface
from study.commands import in_turn
from study.commands.common import DONE
from study.config import Budget
from study.planning.design import Design
from study.planning.plan import Plan
from study.storage.run_dir import StudyDir

STUDIES = 200
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A truth, and what a study of it may decide."""

    name: str
    scenario: Scenario
    budget: Callable[[Budget], Budget]
    lengths: tuple[int, ...] = ()  # other ones than the scenario's
    finds_sizes: bool = False

    def design(self, seed: int) -> Design:
        asked = self.scenario.design
        space, scientific = asked.space, asked.space.scientific
        if self.lengths:
            space = replace(space, nuisance=replace(space.nuisance, lengths=self.lengths))
        ends = (scientific.sizes[0], scientific.sizes[-1])
        if self.finds_sizes:
            space = replace(space, scientific=replace(scientific, sizes=ends))
        return replace(asked, space=space, budget=self.budget(asked.budget), seed=seed)


def _slow(arm: str, place: int) -> Surface:
    """Scratch needs four times as long."""
    return Surface(peak=(24.0, 40.0)[place], slowness=320.0 if arm == REFERENCE else 80.0)


def _ends_between(arm: str, place: int) -> Surface:
    """The lead of 10 AP at 64 images has ended at 4,096: within 0.5 AP at about 3,000."""
    lead = (10.0, 0.0)[place] if arm != REFERENCE else 0.0
    return Surface(peak=(14.0, 40.0)[place] + lead)


_TWO = replace(_BY_NAME["two sizes only"], noise=Noise(spread=(1.8, 1.2)))
_WIDE = replace(_TWO, sizes=(64, 4096))
_PLAIN = {"confirm": 4, "most_confirm": 40}
CASES = (
    Asked(
        name="growth",
        scenario=replace(_TWO, surfaces=_slow, pinned=None),
        budget=lambda one: replace(one, confirm=4, growth=1.5, max_times=5.0),
        lengths=(60, 120, 240),
    ),
    Asked(
        name="within 2",
        scenario=_TWO,
        budget=lambda one: replace(one, within=2.0, **_PLAIN),
    ),
    Asked(
        name="within 2, spread 8 : 1",
        scenario=replace(_TWO, noise=Noise(spread=(2.4, 0.3))),
        budget=lambda one: replace(one, within=2.0, **_PLAIN),
    ),
    Asked(
        name="within 1",
        scenario=replace(_TWO, noise=Noise(spread=(1.0, 0.8))),
        budget=lambda one: replace(one, within=1.0, **_PLAIN),
    ),
    Asked(
        name="sizes auto",
        scenario=replace(_WIDE, surfaces=_ends_between, pinned=None),
        budget=lambda one: replace(one, confirm=4),
        finds_sizes=True,
    ),
)


@dataclass
class Told:
    """What the analysis said of the studies of one case, and how often it was right."""

    studies: int = 0
    rows: int = 0
    covered: Counter[int] = field(default_factory=Counter)  # by place of the size
    asked: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    equal: int = 0
    leads: int = 0  # studies of which a crossover's interval is asked
    crossed: int = 0
    caught: int = 0
    catches: int = 0
    widths: list[float] = field(default_factory=list)
    confirmed: list[float] = field(default_factory=list)  # runs of each arm and size
    longest: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, truth: Truth, path: Path, within: float | None) -> None:
        results, margin = analysis.load(path), within or MARGIN
        best = {(row["size"], row["arm"]): row for row in rows(settings.best(results))}
        answer = analysis.answer(results, margin=margin)
        leads: list[float] = []
        for row in rows(answer):
            lead = self._lead(truth, best, row["size"], row["arm"])
            low, high = row["AP_box_difference_low"], row["AP_box_difference_high"]
            what, place = conclusion(row), self._place(truth, row["size"])
            leads.append(lead)
            self.rows += 1
            self.asked[place] += 1
            self.covered[place] += low <= lead <= high
            self.wrong += (what == "ahead" and lead <= 0) or (what == "behind" and lead >= 0)
            self.equal += what == "equal"
            self.widths.append(high - low)
        sizes = sorted({size for size, _ in best})
        for end in rows(of_answer(answer)):
            sure = Lead(tuple(sizes), tuple(leads), (0.0,) * len(sizes))
            at, *_ = crossing(sure, margin)
            self.leads += 1
            self.crossed += end["crossover_low"] <= at <= end["crossover_high"]
        self._catch(truth, results, margin)
        runs = groups(results.confirmations, "size", "arm")
        self.confirmed.append(sum(len(table) for _, table in runs) / len(best))
        self.longest.append(max(row["length"] for row in rows(results.tails)))
        self.sizes.append(len(sizes))
        self.studies += 1

    def _lead(self, truth: Truth, best: dict, size: int, arm: str) -> float:
        if truth.scenario.pinned is not None:
            return truth.scenario.pinned
        found = {
            one: truth.expected(one, size, row["lr"], row["weight_decay"], row["length"])
            for one in (REFERENCE, arm)
            for row in [best[size, one]]
        }
        return found[arm] - found[REFERENCE]

    def _place(self, truth: Truth, size: int) -> int:
        """That of the sizes there were from the start; -1: found on the way."""
        sizes = truth.scenario.sizes
        return sizes.index(size) if size in sizes else -1

    def _catch(self, truth: Truth, results: analysis.Results, margin: float) -> None:
        tuned = where(results.tails, role="tune")
        for row in rows(analysis.catch_up(results, margin)):
            tails = rows(where(tuned, size=row["size"]))
            points = {(one["lr"], one["weight_decay"]) for one in tails}
            lengths = sorted({one["length"] for one in tails})
            best = {
                arm: {
                    n: max(truth.expected(arm, row["size"], *at, n) for at in points)
                    for n in lengths
                }
                for arm in (REFERENCE, row["arm"])
            }
            target = max(best[row["arm"]].values()) - margin
            at = next((n for n in lengths if best[REFERENCE][n] >= target), math.inf)
            self.catches += 1
            self.caught += row["length_reference_low"] <= at <= row["length_reference_high"]

    def line(self, name: str) -> list[str]:
        by_place = [self.covered[place] / n for place, n in self.asked.items()]
        shares = (
            sum(self.covered.values()) / self.rows,
            *(min(by_place), max(by_place)),
            *(self.wrong / self.rows, self.equal / self.rows),
            self.crossed / self.leads if self.leads else math.nan,
            self.caught / self.catches if self.catches else math.nan,
        )
        told = ["–" if math.isnan(one) else f"{100 * one:.1f}" for one in shares]
        middle = [f"{median(self.widths):.1f}", f"{np.mean(self.confirmed):.1f}"]
        ends = [f"{np.mean(self.longest):.0f}", f"{np.mean(self.sizes):.1f}"]
        return [name, str(self.studies), *told, *middle, *ends]


TITLES = (
    *("what is decided", "studies", "covered", "worst size", "best size", "wrongly ahead"),
    *("equal", "crossover covered", "catch-up covered", "width, AP", "confirm runs"),
    *("longest", "sizes"),
)


def simulated(case: Asked, seed: int, path: Path) -> Truth:
    """A whole study of the case in that folder."""
    truth, asked = Truth(case.scenario, seed), case.design(seed)
    if not case.finds_sizes:
        Sweep(truth, asked, path).run()
        return truth

    def begin(wanted: Design) -> tuple[int, Plan]:
        return DONE, Sweep(truth, wanted, path).run().plan  # type: ignore[attr-defined]

    in_turn.run(in_turn.first(asked, StudyDir(path)), begin, lambda _line: None)
    return truth


def main(studies: int, only: str = "") -> None:
    print("| " + " | ".join(TITLES) + " |")
    print("|" + "---|" * len(TITLES))
    memory = Path("/dev/shm")
    for case in CASES:
        if only not in case.name:
            continue
        told = Told()
        for seed in range(studies):
            with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
                path = Path(folder) / "run"
                truth = simulated(case, seed, path)
                told.add(truth, path, case.design(seed).budget.within)
        print("| " + " | ".join(told.line(case.name)) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, *sys.argv[2:3])
