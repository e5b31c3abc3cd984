"""How often the analysis is right: thousands of studies whose truth is known, made in memory.

    python -m benchmarks.calibration [STUDIES] [SCENARIO]

A study here is what a sweep leaves behind, without the training: AP is a smooth surface over
learning rate, weight decay and length, one for each arm and size, and around it there is noise by
seed and draw (shared in part by the arms, and by the sizes, whose subsets are nested), by run, and
by the images of the report split. The points are the sweep's own Sobol points, trials stop by its
own halving, the best on the tuning split is confirmed with paired seeds on the report split.
`analysis` gets the frames and is asked what it always is; what it says is compared with the truth.

The spreads are those of the real runs in benchmarks/rungs.csv, where the arms' difference has a
standard deviation of 1.7 AP at 64 images and 1.4 AP at 1,024.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from analysis.answers import settings
from analysis.answers.answer import answer as answered
from analysis.answers.crossover import Lead, crossing, of_answer
from analysis.answers.pairs import pairs
from analysis.reading import columns
from analysis.reading.frames import frame, groups, rows
from analysis.reading.load import Results
from analysis.text.words import conclusion
from study.config import Budget, OptimConfig, RunConfig, ScheduleConfig, Scientific, SearchSpace
from study.config.arms import Arm
from study.config.schedule import Leg
from study.planning.design import Design
from study.planning.search.proposal import Proposal
from study.planning.stopping import Rungs
from study.planning.trials import specs
from study.storage.record import record
from study.storage.run_dir import Record

STUDIES = 1000
CONFIRM = (2, 3, 5)  # runs of each arm's choice; the first few of the same study
REFERENCE = "scratch"
ARMS = (REFERENCE, "pretext")
SIZES = (64, 256, 1024, 4096)
BATCH = 50  # studies in one frame: what a frame costs is hardly more than what one study costs
MARGIN = 0.5
SETTING = ("lr", "weight_decay", "length", "factor")

Chosen = dict[int, dict[str, dict[str, Any]]]
"""Rows of `analysis.best` by size and arm."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """What one arm at one size is expected to score."""

    peak: float = 30.0  # AP, reached with the best setting and endless training
    lr: float = 0.03  # the best
    width: float = 0.5  # decades beside it at which 39 % are lost
    weight_decay: float = 3e-4
    slowness: float = 110.0  # iterations to 63 % of the peak

    def ap(self, lr: float, weight_decay: float, length: int) -> float:
        off = math.log10(lr / self.lr) / self.width
        off_decay = math.log10(weight_decay / self.weight_decay) / 3.0
        fit = math.exp(-0.5 * (off**2 + off_decay**2))
        return self.peak * fit * (1 - math.exp(-length / self.slowness))

    def best(self, lengths: Sequence[int]) -> float:
        return self.ap(self.lr, self.weight_decay, lengths[-1])


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Where the scatter of single runs comes from; variances add up to the square of `spread`."""

    spread: Sequence[float] = (1.8, 1.5, 1.3, 1.2)  # standard deviation of a run, AP, by size
    shared: float = 0.2  # share of the variance that a seed and draw bring to both arms alike
    arm: float = 0.3  # share that they bring to one arm, whatever its setting
    sizes: float = 0.25  # of these two, the share that is the same at all sizes
    images: float = 0.0  # what the report split's images do to an arm, in spreads
    first: float = 1.0  # how much more the first arm's runs scatter than those of the others


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A truth, and how a study asks about it."""

    name: str
    surfaces: Callable[[str, int], Surface]  # by arm and place of the size
    noise: Noise = field(default_factory=Noise)
    sizes: tuple[int, ...] = SIZES
    trials: int = 8
    arms: tuple[str, ...] = ARMS
    pinned: float | None = (
        None  # what each arm's lead over the first, with the settings chosen, is made to be
    )
    equal: bool = False  # whether the arms, each at its best, are

    @cached_property
    def design(self) -> Design:
        """What a sweep would be asked."""
        space = SearchSpace(
            name="calibration",
            scientific=Scientific(arms=self.arms, sizes=self.sizes),
            fixed=RunConfig(
                optim=OptimConfig(batch_size=8), schedule=ScheduleConfig(tail=(44, 14), warmup=0)
            ),
        )
        budget = Budget(trials=self.trials, confirm=max(CONFIRM), cross=0, audit=0.0, extend=0)
        arms = tuple(Arm(name, None) for name in self.arms)
        return Design(space=space, arms=arms, budget=budget)


def _alike(arm: str, place: int) -> Surface:
    return Surface(peak=(12.0, 22.0, 32.0, 40.0)[place])


def _gap_at_small_sizes(arm: str, place: int) -> Surface:
    lead = (8.0, 4.0, 0.0, 0.0)[place] if arm == "pretext" else 0.0
    return replace(_alike(arm, place), peak=_alike(arm, place).peak + lead)


def _fading(arm: str, place: int) -> Surface:
    lead = (9.0, 5.0, 2.0, -1.5)[place] if arm == "pretext" else 0.0
    return replace(_alike(arm, place), peak=_alike(arm, place).peak + lead)


def _slower(arm: str, place: int) -> Surface:
    """Scratch needs the longest length, where both are equal to 0.02 AP."""
    return replace(_alike(arm, place), slowness=55.0 if arm == "scratch" else 25.0)


def _easier(arm: str, place: int) -> Surface:
    return replace(_alike(arm, place), width=1.0 if arm == "pretext" else 0.35)


SEVERAL = (*ARMS, "imagenet", "moco", "dino", "mine")
EQUAL = Scenario(name="equal arms", surfaces=_alike, equal=True)
LOUD = Noise(first=3.0)
QUIET = Noise(spread=(0.25, 0.2, 0.15, 0.15))
SCENARIOS = (
    EQUAL,
    Scenario(name="gap at small sizes only", surfaces=_gap_at_small_sizes),
    Scenario(name="lead that fades and turns", surfaces=_fading),
    Scenario(name="scratch slower but equal", surfaces=_slower, equal=True),
    Scenario(name="one arm easier to tune", surfaces=_easier, equal=True),
    replace(EQUAL, name="equal as tuned", pinned=0.0),
    replace(EQUAL, name="apart by the margin", pinned=MARGIN, noise=QUIET, equal=False),
    replace(EQUAL, name="two sizes only", sizes=SIZES[:2], pinned=0.0),
    replace(EQUAL, name="one size only", sizes=SIZES[:1], pinned=0.0),
    replace(EQUAL, name="spread 3 : 1", noise=Noise(spread=(1.8, 1.2, 0.9, 0.6)), pinned=0.0),
    replace(EQUAL, name="spread 8 : 1", noise=Noise(spread=(2.4, 1.2, 0.6, 0.3)), pinned=0.0),
    replace(EQUAL, name="seeds alike at all sizes", noise=Noise(sizes=1.0), pinned=0.0),
    replace(EQUAL, name="few images to score on", noise=Noise(images=0.5), pinned=0.0),
    replace(EQUAL, name="3 arms", arms=SEVERAL[:3], pinned=0.0),
    replace(EQUAL, name="4 arms", arms=SEVERAL[:4], pinned=0.0),
    replace(EQUAL, name="4 arms, two sizes", arms=SEVERAL[:4], sizes=SIZES[:2], pinned=0.0),
    replace(EQUAL, name="4 arms, one scatters 3 : 1", arms=SEVERAL[:4], noise=LOUD, pinned=0.0),
    replace(EQUAL, name="6 arms", arms=SEVERAL, pinned=0.0),
)


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


@dataclass
class Tally:
    """What was said of how many rows and studies, and how often that was right."""

    rows: int = 0
    covered: int = 0
    beyond: int = 0  # covered: the truth over all images, not only the report split's
    by_size: dict[int, int] = field(default_factory=dict)
    ahead: int = 0
    wrong: int = 0  # an arm called ahead that is not, as tuned
    equal: int = 0
    off: int = 0  # called equal although they are apart by the margin or more
    places: int = 0  # sizes of studies
    together: int = 0  # of them, those where all intervals between arms hold the truth
    leads: int = 0  # studies and arms compared with the reference
    crossed: int = 0  # of them, those whose crossover's interval holds the truth
    widths: list[float] = field(default_factory=list)  # of the differences' intervals, AP

    def add(self, studies: Studies, repeats: int) -> None:
        results = studies.with_repeats(repeats)
        answer, every = answered(results, margin=MARGIN), pairs(results, margin=MARGIN)
        ends = {(row["study"], row["arm"]): row for row in rows(of_answer(answer))}
        for (name, arm), table in groups(answer, "study", "arm"):
            study, chosen = studies.every[name], studies.chosen[name]
            leads = [
                [ap[arm] - ap[REFERENCE] for ap in study.truth(chosen, images).values()]
                for images in (True, False)
            ]
            for row, *truths in zip(rows(table), *leads, strict=True):
                self._row(row, *truths)
            self.leads += 1
            if len(leads[0]) > 1:
                sure = Lead(study.scenario.sizes, tuple(leads[0]), (0.0,) * len(leads[0]))
                (at, *_), end = crossing(sure, MARGIN), ends[name, arm]
                self.crossed += end["crossover_low"] <= at <= end["crossover_high"]
        for (name, size), table in groups(every, "study", "size"):
            truth = studies.every[name].truth(studies.chosen[name])[size]
            self.places += 1
            self.together += all(
                row["AP_box_difference_low"]
                <= truth[row["arm"]] - truth[row["other"]]
                <= row["AP_box_difference_high"]
                for row in rows(table)
            )

    def _row(self, row: dict[str, Any], truth: float, over_all: float) -> None:
        low, high = row["AP_box_difference_low"], row["AP_box_difference_high"]
        what, hit = conclusion(row), low <= truth <= high
        self.rows += 1
        self.covered += hit
        self.by_size[row["size"]] = self.by_size.get(row["size"], 0) + hit
        self.beyond += low <= over_all <= high
        self.ahead += what == "ahead"
        self.wrong += (what == "ahead" and truth <= 0) or (what == "behind" and truth >= 0)
        self.equal += what == "equal"
        self.off += what == "equal" and abs(truth) >= MARGIN * (1 - 1e-9)
        self.widths.append(high - low)

    def line(self, name: str, repeats: int) -> list[str]:
        """As a row of the printed table, in per cent of the rows or studies."""
        by_size = [hits / self.leads for hits in self.by_size.values()]
        shares = [
            self.covered / self.rows,
            *(min(by_size), max(by_size)),
            self.beyond / self.rows,
            *(count / self.rows for count in (self.ahead, self.wrong, self.equal, self.off)),
            self.crossed / self.leads if len(by_size) > 1 else math.nan,
            self.together / self.places,
        ]
        told = ["–" if math.isnan(share) else f"{100 * share:.1f}" for share in shares]
        return [name, str(repeats), *told, f"{float(np.median(self.widths)):.1f}"]


TITLES = (
    *("scenario", "runs", "covered", "worst size", "best size", "over all images", "ahead"),
    *("wrongly", "equal", "wrongly", "crossover covered", "all pairs covered"),
    "width, AP",
)


def calibrated(scenario: Scenario, studies: int, first: int = 0) -> dict[int, Tally]:
    """So many studies of a scenario, by the number of confirm runs."""
    found = {repeats: Tally() for repeats in CONFIRM}
    for start in range(first, first + studies, BATCH):
        batch = Studies(scenario, range(start, min(start + BATCH, first + studies)))
        for repeats, tally in found.items():
            tally.add(batch, repeats)
    return found


def main(studies: int, only: str = "") -> None:
    print(f"{studies} studies of each scenario; per cent of all sizes, and of studies (crossover)")
    print("| " + " | ".join(TITLES) + " |")
    print("|" + "---|" * len(TITLES))
    for place, scenario in enumerate(SCENARIOS):
        if only in scenario.name:
            for repeats, tally in calibrated(scenario, studies, place * studies).items():
                print("| " + " | ".join(tally.line(scenario.name, repeats)) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, *sys.argv[2:3])
