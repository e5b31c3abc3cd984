"""Studies made in memory are those that a sweep would leave, and the analysis is right on them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.reading.frames import where
from benchmarks.calibration.scenarios import EQUAL, SCENARIOS
from benchmarks.calibration.studies import Studies, Study
from benchmarks.calibration.tally import calibrated
from benchmarks.calibration.truth import CONFIRM, SIZES
from study.config import RunConfig
from study.config.schedule import Leg
from study.planning.search.proposal import Proposal
from tests.simulated import Simulation

SIDES = ("reference", "arm")
SPENT = [f"{what}_{side}" for what in ("images", "device_seconds") for side in SIDES]


class OnTruth(Simulation):
    """The product's own plan, with the scores of a study made in memory."""

    def __init__(self, study: Study, path: Path) -> None:
        super().__init__(study.design, path)
        self._truth = study

    def score(self, run: RunConfig, leg: Leg, weights: str) -> float:
        place, optim = (run.size, run.arm), run.optim
        if run.split == "tune":
            point = Proposal(optim.values(("lr", "weight_decay")), "sobol")
            index = int(run.trial_id.rpartition("-t")[2])
            return self._truth.tuned(*place, index, point, leg.stop)
        expected = self._truth.surfaces[place].ap(optim.lr, optim.weight_decay, leg.stop)
        return self._truth.confirmed(*place, run.draw - 1, expected)


@pytest.mark.slow
def test_a_study_made_in_memory_is_the_one_that_a_sweep_leaves(tmp_path: Path):
    made = Studies(replace(EQUAL, sizes=SIZES[:2]), [4])
    (study,) = made.every.values()
    OnTruth(study, tmp_path).run()
    found = analysis.load(tmp_path)
    tuned = where(found.tails, role="tune")
    assert len(tuned) == len(made.results.tails) < 2 * 2 * 8 * 3  # some were stopped
    for frame in (
        analysis.best,
        analysis.answer,
        analysis.crossover,
        analysis.worth,
        analysis.catch_up,
    ):
        theirs, ours = (
            frame(results).drop(columns=["study", *SPENT], errors="ignore")
            for results in (found, made.results)
        )
        assert theirs.equals(ours)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["equal as tuned", pytest.param("apart by the margin", marks=pytest.mark.slow)]
)
def test_the_analysis_is_as_often_right_as_it_says(name: str):
    (scenario,) = (one for one in SCENARIOS if one.name == name)
    tallies = calibrated(scenario, 24)
    assert tallies.keys() == set(CONFIRM)
    for tally in tallies.values():
        slack = 3 * math.sqrt(0.05 * 0.95 / tally.rows)
        assert tally.covered / tally.rows == pytest.approx(0.95, abs=slack)
        assert tally.off / tally.rows <= 0.05 + slack
        assert tally.crossed / tally.leads >= 0.8
        assert tally.valued / tally.rows >= 0.95 - slack
        assert tally.caught / tally.rows >= 0.95 - slack
        assert tally.wrong == (0 if scenario.pinned else tally.rows - tally.covered)
