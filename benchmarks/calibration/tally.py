"""What the analysis says of studies, beside their truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.answers.answer import answer as answered
from analysis.answers.catch_up import catch_up
from analysis.answers.crossover import Lead, crossing, of_answer
from analysis.answers.pairs import pairs
from analysis.answers.worth import Lead as Above
from analysis.answers.worth import reached, tried, worth
from analysis.reading.frames import groups, rows
from analysis.text.words import conclusion
from benchmarks.calibration.scenarios import MARGIN
from benchmarks.calibration.studies import Studies
from benchmarks.calibration.truth import CONFIRM, REFERENCE, Scenario

BATCH = 50  # studies in one frame: what a frame costs is hardly more than what one study costs


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
    valued: int = 0  # rows whose interval of what the arm is worth, in images, holds the truth
    valued_by_size: dict[int, int] = field(default_factory=dict)
    bounded: int = 0  # rows of which both ends of that interval lie within the sizes tried
    caught: int = 0  # rows whose interval of the length at which it is caught up holds the truth
    certain: int = 0  # rows of which that interval excludes some length
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
        for row in rows(worth(results)):
            name = row["study"]
            self._worth(row, studies.every[name].truth(studies.chosen[name]))
        lengths = {
            (*place, arm): length
            for place, tails in groups(results.tails, "study", "size")
            for arm, length in studies.every[place[0]].caught_up(rows(tails), MARGIN).items()
        }
        for row in rows(catch_up(results, MARGIN)):
            low, high = row["length_reference_low"], row["length_reference_high"]
            self.caught += low <= lengths[row["study"], row["size"], row["arm"]] <= high
            self.certain += low > 0 or math.isfinite(high)
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

    def _worth(self, row: dict[str, Any], truth: dict[int, dict[str, float]]) -> None:
        sizes, size = list(truth), row["size"]
        if len(sizes) < 2:
            return
        numbers = tried(sizes)
        curve = [ap[REFERENCE] for ap in truth.values()]
        above = truth[size][row["arm"]] - np.interp(np.log(numbers), np.log(sizes), curve)
        at, *_ = reached(Above(numbers, above, np.zeros(len(numbers))), size)
        low, high = row["images_low"], row["images_high"]
        hit = low <= at <= high
        self.valued += hit
        self.valued_by_size[size] = self.valued_by_size.get(size, 0) + hit
        self.bounded += low > 0 and math.isfinite(high)

    def line(self, name: str, repeats: int) -> list[str]:
        """As a row of the printed table, in per cent of the rows or studies."""
        by_size = [hits / self.leads for hits in self.by_size.values()]
        valued = [hits / self.leads for hits in self.valued_by_size.values()]
        shares = [
            self.covered / self.rows,
            *(min(by_size), max(by_size)),
            self.beyond / self.rows,
            *(count / self.rows for count in (self.ahead, self.wrong, self.equal, self.off)),
            self.crossed / self.leads if len(by_size) > 1 else math.nan,
            self.together / self.places,
            self.valued / self.rows if valued else math.nan,
            min(valued, default=math.nan),
            self.bounded / self.rows if valued else math.nan,
            *(count / self.rows for count in (self.caught, self.certain)),
        ]
        told = ["–" if math.isnan(share) else f"{100 * share:.1f}" for share in shares]
        return [name, str(repeats), *told, f"{float(np.median(self.widths)):.1f}"]


TITLES = (
    *("scenario", "runs", "covered", "worst size", "best size", "over all images", "ahead"),
    *("wrongly", "equal", "wrongly", "crossover covered", "all pairs covered"),
    *("worth covered", "worst size", "both ends known"),
    *("catch-up covered", "excludes a length", "width, AP"),
)


def calibrated(scenario: Scenario, studies: int, first: int = 0) -> dict[int, Tally]:
    """So many studies of a scenario, by the number of confirm runs."""
    found = {repeats: Tally() for repeats in CONFIRM}
    for start in range(first, first + studies, BATCH):
        batch = Studies(scenario, range(start, min(start + BATCH, first + studies)))
        for repeats, tally in found.items():
            tally.add(batch, repeats)
    return found
