"""Which arm a study prefers, at which size, with which setting, and why it says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.config import RunConfig
from study.planning.preferred import preferred
from study.planning.trials.tuning import chosen
from tests.simulated import Simulation, bowl, design


def crossing(run: RunConfig, length: int) -> float:
    """Pretext is best on the tuning split, scratch on the report split, by 2 AP each."""
    ahead = "pretext" if run.split == "tune" else "scratch"
    return bowl(replace(run, arm="scratch"), length) + 2.0 * (run.arm == ahead) + run.size


def studied(path: Path, objective: Callable[..., float] = crossing, **budget: int) -> Simulation:
    return Simulation(design(**budget), path, objective).run()


def test_confirm_runs_decide_though_the_tuning_split_says_otherwise(tmp_path: Path):
    done = studied(tmp_path)
    found = preferred(done.study)
    mine, choice = found.candidate, found.candidate.choice
    assert (mine.arm, mine.size) == ("scratch", 16)
    assert len(mine.confirmed) == 2
    reported = crossing(replace(mine.run, split="report"), choice.length)
    assert mine.confirmed == pytest.approx([reported] * 2)
    scores = f"scratch {mine.confirmed[0]:.1f}, pretext {mine.confirmed[0] - 2:.1f}"
    assert found.why == f"highest box AP on the report split (confirm runs) at 16 images: {scores}"


def test_without_confirm_runs_the_tuning_split_decides(tmp_path: Path):
    found = preferred(studied(tmp_path, confirm=0).study)
    assert (found.candidate.arm, found.candidate.confirmed) == ("pretext", ())
    assert found.why.startswith(
        "highest box AP on the tuning split (no confirm runs) at 16 images: pretext "
    )


def test_the_setting_is_the_one_that_tuning_chose_with_its_length_alone(tmp_path: Path):
    done = studied(tmp_path)
    mine = preferred(done.study).candidate
    (cell,) = [
        cell
        for cell in done.plan.design.cells
        if (cell.arm.name, cell.size) == (mine.arm, mine.size)
    ]
    best = chosen(done.plan.tuning_trials(cell))
    assert best and mine.choice.AP_box == best.AP_box  # the plan keeps less of each record
    assert (mine.choice.trial.trial_id, mine.choice.length, mine.choice.factor) == (
        *(best.trial.trial_id, best.length, best.factor),
    )
    plan = mine.run.schedule
    assert (plan.lengths, plan.factors) == ((best.length,), (best.factor,))
    assert (plan.tails, plan.watch, plan.shared) == ("every", (), True)
    assert mine.run.optim == best.trial.run.optim


def test_an_arm_or_a_size_that_is_asked_for_is_taken(tmp_path: Path):
    study = studied(tmp_path).study
    worse = preferred(study, "pretext")
    assert (worse.candidate.arm, worse.candidate.size) == ("pretext", 16)
    assert worse.why == "it was asked for"
    assert preferred(study, size=8).candidate.size == 8
    with pytest.raises(ValueError, match=r"arm = 'pretxt': .* has pretext, scratch"):
        preferred(study, "pretxt")
    with pytest.raises(ValueError, match=r"size = 9: .* has 8, 16"):
        preferred(study, size=9)


def test_a_study_without_results_prefers_nothing(tmp_path: Path):
    study = Simulation(design(), tmp_path, crossing).study
    with pytest.raises(ValueError, match="any arm has no result yet; let the study go on"):
        preferred(study)
    with pytest.raises(ValueError, match="the arm scratch has no result yet at size 8"):
        preferred(study, "scratch", 8)


@pytest.mark.slow
@pytest.mark.parametrize(("ap", "learnt"), [(0.9, False), (1.0, True), (30.0, True)])
def test_less_than_a_guess_is_told_as_not_learnt(tmp_path: Path, ap: float, learnt: bool):
    done = studied(tmp_path, lambda *_: ap)
    assert preferred(done.study).learnt is learnt


def test_the_largest_size_at_which_every_arm_has_a_result(tmp_path: Path):
    """Not the largest at which one has: the arms would not be compared there."""
    done = Simulation(design(confirm=0), tmp_path, crossing, concurrent=1)
    while not any(t.id.startswith("scratch-16") and t.records() for t in done.study.trials()):
        done.run(1)
    at_16 = [t.id for t in done.study.trials() if "-16-" in t.id and t.records()]
    assert not [one for one in at_16 if one.startswith("pretext")]
    assert preferred(done.study).candidate.size == 8
    assert preferred(done.study, "scratch").candidate.size == 16


def test_runs_with_the_other_arms_setting_do_not_count(tmp_path: Path):
    def apart(run: RunConfig, _: int) -> float:
        """Each arm wants another rate."""
        wanted = {"scratch": 0.002, "pretext": 0.02}[run.arm]
        return 30 - 10 * abs(math.log10(run.optim.lr / wanted))

    mine = preferred(studied(tmp_path, apart, cross=2).study).candidate
    reported = apart(replace(mine.run, split="report"), mine.choice.length)
    assert mine.confirmed == pytest.approx([reported] * 2)
