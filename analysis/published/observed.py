"""What was measured, in one form for a study, for runs of recipes, and for the paper's numbers.

A system is a set of runs that differ in arm, size, length and seed alone. Contrasts of its scores
have an interval wherever something was repeated: over the seeds that both sides share, or, where
single runs are compared, from the spread of those runs of the system that were repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy import stats as scipy_stats

from analysis.answers import stats
from study.planning.confirming import scatter

SCRATCH = "scratch"
MAIN = ("AP_box", "AP_box_augmented", "AP_keypoint", "mAP_voc12", "AP_mask_augmented")
"""The first of these that both arms have is what a system is judged by."""

Scores = dict[tuple[int, int], float]
"""By (seed, draw)."""


@dataclass(frozen=True)
class Run:
    """One run at one length; missing scores are NaN."""

    arm: str
    size: int
    length: int | None  # iterations; None: the best, or not stated
    setting_of: str  # arm for which the values were tuned; empty: for none
    seed: int
    draw: int
    ladder: bool  # may be compared with other lengths
    final: bool  # counts as what the arm reaches
    scores: Mapping[str, float]  # columns of a record, and "loss"

    @property
    def own(self) -> bool:
        """Whether its values were tuned for its arm, or for none."""
        return self.setting_of in (self.arm, "")


Value = Callable[[Run], float]
"""What of a run is compared; NaN where it has no such score."""


def score(name: str) -> Value:
    """A column of a record."""
    return lambda run: run.scores.get(name, math.nan)


@dataclass(frozen=True)
class System:
    """Runs that differ in arm, size, length and seed alone."""

    name: str
    kind: str  # detector and augmentation
    data: str
    backbone: str
    norm: str
    runs: Sequence[Run]
    single: bool  # whether single runs may decide: runs at full scale, nothing chosen among them
    break_even: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # arm, currency
    level: float = stats.LEVEL

    def of(self, arm: str, size: int | None = None) -> list[Run]:
        """The results of an arm."""
        return [r for r in self.runs if r.final and r.arm == arm and size in (None, r.size)]

    def sizes(self, arm: str) -> list[int]:
        """At which both that arm and scratch have a result, ascending."""
        own, other = ({run.size for run in self.of(name)} for name in (SCRATCH, arm))
        return sorted(own & other)

    @property
    def arms(self) -> list[str]:
        """The pre-trained arms that can be compared with scratch."""
        there = dict.fromkeys(run.arm for run in self.runs)
        return [arm for arm in there if arm not in (SCRATCH, "") and self.sizes(arm)]

    def main(self, arm: str) -> Value:
        """The score by which that arm and scratch are judged."""
        both = [[run.scores for run in self.of(name)] for name in (SCRATCH, arm)]
        for name in MAIN:
            if all(any(math.isfinite(s.get(name, math.nan)) for s in side) for side in both):
                return score(name)
        return score(MAIN[0])

    def reached(
        self, arm: str, size: int, value: Value, main: Value, setting: str | None = None
    ) -> tuple[Scores, int | None]:
        """What an arm reaches at the length that is best by `main`, and that length if known.

        With values tuned for itself or for none if there are such runs, else with others; or with
        those of `setting`.
        """
        runs = [run for run in self.of(arm, size) if math.isfinite(value(run))]
        asked = [setting] if setting is not None else [arm, "", *(r.setting_of for r in runs)]
        for one in asked:
            by_length: dict[int | None, list[Run]] = {}
            for run in runs:
                if run.setting_of == one:
                    by_length.setdefault(run.length, []).append(run)
            if by_length:
                best = max(by_length, key=lambda at: _mean_or_least(by_length[at], main))
                return by_seed(by_length[best], value), best
        return {}, None

    def gap(self, arm: str, size: int, value: Value | None = None) -> stats.Difference:
        """Scratch minus the arm, each with its own setting and length.

        Its sizes learn from one another, so that the interval is that of `analysis.answer`.
        """
        main = self.main(arm)
        value = value or main
        sides = {
            at: [self.reached(name, at, value, main)[0] for name in (SCRATCH, arm)]
            for at in self.sizes(arm)
        }
        own, other = sides[size]
        return self.contrast([(1, own), (-1, other)], value, _shared(sides, size))

    def paired(
        self, one: tuple[str, str], other: tuple[str, str], size: int, value: Value
    ) -> stats.Difference | None:
        """One (arm, setting_of) minus another over the seeds that both have; None: not run."""
        sides: dict[int, tuple[Scores, Scores]] = {}
        for at in {run.size for run in self.of(one[0])}:
            a, b = (
                self.reached(arm, at, value, value, setting)[0] for arm, setting in (one, other)
            )
            if common := a.keys() & b.keys():
                sides[at] = {k: a[k] for k in common}, {k: b[k] for k in common}
        if size not in sides:
            return None
        own, base = sides[size]
        return self.contrast([(1, own), (-1, base)], value, _shared(sides, size))

    def ladder(self, arm: str, size: int, value: Value) -> dict[int, Scores]:
        """Scores by length, ascending, of those that may be compared."""
        found: dict[int, list[Run]] = {}
        for run in self.runs:
            if run.ladder and run.length and (run.arm, run.size) == (arm, size):
                found.setdefault(run.length, []).append(run)
        scores = {length: by_seed(found[length], value) for length in sorted(found)}
        return {length: one for length, one in scores.items() if one}

    def contrast(
        self,
        terms: Sequence[tuple[int, Scores]],
        value: Value,
        shared: scatter.Spread | None = None,
    ) -> stats.Difference:
        """The sum of signed means; NaN if a term has no score.

        `shared` is the spread of such sums, seed by seed. Without repeats of every term the
        interval comes from the spread of the system's repeated runs, taken as independent: it is
        too wide where they have seeds in common.
        """
        first, *others = (scores for _, scores in terms)
        if all(first.keys() == scores.keys() for scores in others):
            sums = {key: sum(sign * scores[key] for sign, scores in terms) for key in first}
            found = stats.difference(sums, dict.fromkeys(sums, 0.0), self.level, shared)
        elif len(terms) == 2:
            (sign, a), (_, b) = terms
            found = stats.difference(*((a, b) if sign > 0 else (b, a)), self.level)
        else:
            mean = sum(sign * mean_of(scores) for sign, scores in terms)
            found = stats.Difference(mean, math.nan, math.nan, False, self.level)
        if found.has_interval or math.isnan(found.mean):
            return found
        return self._from_spread(found, [scores for _, scores in terms], value)

    def _from_spread(
        self, found: stats.Difference, terms: Sequence[Scores], value: Value
    ) -> stats.Difference:
        """The same mean with the interval that the repeated runs allow, if there are any."""
        cells: dict[tuple[Any, ...], list[Run]] = {}
        for run in self.runs:
            if run.final and run.own:
                cells.setdefault((run.arm, run.size, run.length), []).append(run)
        spread = scatter.pooled(by_seed(cell, value).values() for cell in cells.values())
        if not spread.freedom:
            return found
        error = math.sqrt(spread.variance * sum(1 / len(scores) for scores in terms))
        half = float(scipy_stats.t.ppf((1 + self.level) / 2, spread.freedom)) * error
        low, high = found.mean - half, found.mean + half
        return stats.Difference(
            found.mean, low, high, False, self.level, error, float(spread.freedom)
        )


def _shared(sides: Mapping[int, Sequence[Scores]], size: int) -> scatter.Spread:
    """The spread of a size's differences, seed by seed; the sizes learn from one another."""
    spreads = scatter.moderated(scatter.pairs(*both) for both in sides.values())
    return dict(zip(sides, spreads, strict=True))[size]


def by_seed(runs: Iterable[Run], value: Value) -> Scores:
    """Finite values by (seed, draw), the first of each."""
    found: Scores = {}
    for run in runs:
        if math.isfinite(value(run)):
            found.setdefault((run.seed, run.draw), value(run))
    return found


def mean_of(scores: Scores) -> float:
    """NaN if there are none."""
    return stats.mean_interval(scores.values()).mean


def _mean_or_least(runs: Sequence[Run], value: Value) -> float:
    scores = by_seed(runs, value)
    return mean_of(scores) if scores else -math.inf
