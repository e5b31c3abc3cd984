"""Which runs repeat the chosen settings, with fresh seeds and draws on the report split."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from study.planning.confirming import enough
from study.planning.design import Cell, Design
from study.planning.stopping import box_ap
from study.planning.trials import specs
from study.planning.trials.index import TrialIndex
from study.planning.trials.specs import TrialSpec
from study.planning.trials.tuning import Choice

Finalists = Mapping[Cell, Sequence[Choice]]
"""The best settings of each cell that has been tuned, best first."""


class Confirming:
    """The confirm runs that a study ought to have, and those that it has."""

    def __init__(self, design: Design, trials: TrialIndex) -> None:
        self._design = design
        self._trials = trials
        self._enough: dict[int, int] | None = None  # runs by size, once the first have ended

    def specs(self, best: Finalists) -> Iterator[tuple[Cell, TrialSpec]]:
        """Runs of each cell's own finalists and, for cross-tuning, of the other arms' best."""
        budget, runs = self._design.budget, self.repeats(best)
        for repeat in range(max(runs.values())):
            for cell, choices in best.items():
                if repeat >= runs[cell.size]:
                    continue
                crossed = [
                    others[0]
                    for other, others in best.items()
                    if other.size == cell.size and other != cell and others
                ]
                if repeat >= budget.crossed or not choices:
                    crossed = []
                # as in the paper, an arm that is given another's values keeps its own length
                crossed = [replace(one, length=choices[0].length) for one in crossed]
                for choice in (*choices, *crossed):
                    own = choice in choices
                    spec = specs.confirmation(self._design, cell, choice, repeat, own)
                    yield cell, spec

    def repeats(self, best: Finalists) -> dict[int, int]:
        """Runs of each finalist, by size: the first, and those that make intervals short enough.

        How many follow is decided once, when the first of all arms and sizes have ended.
        """
        budget, sizes = self._design.budget, self._design.space.scientific.sizes
        if budget.within is None:
            return dict.fromkeys(sizes, budget.confirm)
        if self._enough is None:
            scores = self._first_scores(best)
            if scores is None:
                return dict.fromkeys(sizes, budget.first)
            self._enough = enough.repeats(scores, budget.within, budget.first, budget.most_runs)
        return self._enough

    def _first_scores(self, best: Finalists) -> dict[int, dict[str, dict[Hashable, float]]] | None:
        """Box AP of the first runs of every arm's best setting; None until all have ended.

        An arm of which no trial has an AP at a size is left out there: nothing of it will follow.
        """
        found: dict[int, dict[str, dict[Hashable, float]]] = {}
        for cell in self._design.cells:
            here = found.setdefault(cell.size, {})
            if cell in best and not best[cell]:
                continue
            mine = self.scores(cell, best, self._design.budget.first)
            if mine is None:
                return None
            here[cell.arm.name] = mine
        return found

    def scores(self, cell: Cell, best: Finalists, runs: int) -> dict[Hashable, float] | None:
        """Box AP of so many runs of a cell's best setting, by (seed, draw); None until all ended.

        Runs without an AP are left out.
        """
        found: dict[Hashable, float] = {}
        for repeat in range(runs):
            if not best.get(cell):
                return None
            spec = specs.confirmation(self._design, cell, best[cell][0], repeat, own=True)
            trial_id = self.existing(cell, spec)
            if trial_id is None or not self._trials.has_ended(trial_id):
                return None
            for record in self._trials.study.trial(trial_id).records():
                found[record["seed"], record["draw"]] = box_ap(record)
        return {key: ap for key, ap in found.items() if math.isfinite(ap)}

    def number(self, cell: Cell, best: Finalists) -> int:
        """How many the cell has or will have, as far as that is known."""
        confirms = {specs.repeated(run) for run in self._trials.of[cell].confirming.values()}
        if cell not in best:
            return len(confirms) + max(0, self._design.confirm_runs - len(confirms))
        # what is wanted is known: an arm may have chosen another's setting
        own = (spec for other, spec in self.specs(best) if other == cell)
        return len(confirms | {specs.repeated(spec.run) for spec in own})

    def existing(self, cell: Cell, spec: TrialSpec) -> str | None:
        """The confirm run that has this setting, seed and draw already, whoever wanted it."""
        for trial_id, there in self._trials.of[cell].confirming.items():
            if specs.repeated(there) == specs.repeated(spec.run):
                return trial_id
        return None

    def write(self, cell: Cell, spec: TrialSpec) -> str:
        """Write a confirm run; numbered on, for those of settings since overtaken remain."""
        trial_id = f"{cell.name}-c{len(self._trials.of[cell].confirming)}"
        return self._trials.write(cell, replace(spec, run=replace(spec.run, trial_id=trial_id)))
