"""Confirm runs go on until differences are as sharp as asked, in all arms alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from study.config import RunConfig
from study.planning.confirming import enough, scatter
from study.planning.confirming.enough import earliest, needed, repeats
from study.planning.confirming.scatter import Spread
from study.storage.run_dir import State, TrialDir
from tests.simulated import Simulation, bowl, design, outcome

SHARP = {"trials": 3, "confirm": 2, "within": 1.0}


def noisy(spread: float) -> Callable[[RunConfig, int], float]:
    """AP that scatters between confirm runs, by their seed and arm."""

    def objective(run: RunConfig, length: int) -> float:
        if run.split == "tune":
            return bowl(run, length)
        drawn = np.random.default_rng((run.seed, run.draw, ord(run.arm[0]), run.size))
        return 30 + spread * float(drawn.normal())

    return objective


def confirmed(done: Simulation) -> dict[str, int]:
    ids = [trial.id.rpartition("-c")[0] for trial in done.study.trials() if "-c" in trial.id]
    return {cell.name: ids.count(cell.name) for cell in done.plan.design.cells}


@pytest.mark.slow
def test_quiet_runs_need_the_first_alone_and_noisy_ones_more(tmp_path: Path):
    quiet = confirmed(Simulation(design(**SHARP), tmp_path / "quiet", noisy(0.05)).run())
    assert set(quiet.values()) == {7}  # half of what 1 AP is likely to need
    loud = confirmed(Simulation(design(**SHARP), tmp_path / "loud", noisy(0.8)).run())
    assert max(loud.values()) > 7
    assert loud["scratch-8"] == loud["pretext-8"] and loud["scratch-16"] == loud["pretext-16"]
    endless = design(**SHARP, most_confirm=9)
    found = confirmed(Simulation(endless, tmp_path / "endless", noisy(30.0)).run())
    assert set(found.values()) == {9}


def test_the_first_runs_decide_and_nobody_looks_again(tmp_path: Path):
    asked = design(**SHARP)
    done = Simulation(asked, tmp_path, noisy(0.8)).run()
    by_size: dict[int, dict[str, dict[Hashable, float]]] = {}
    for cell in asked.cells:
        mine = by_size.setdefault(cell.size, {}).setdefault(cell.arm.name, {})
        for at in range(7):
            (record,) = done.study.trial(f"{cell.name}-c{at}").records()
            mine[record["seed"], record["draw"]] = record["AP_box"]
    told = repeats(by_size, 1.0, 7, 24)
    assert {f"{cell.name}": told[cell.size] for cell in asked.cells} == confirmed(done)


@pytest.mark.slow
def test_killed_anywhere_as_many_runs_are_made(tmp_path: Path):
    asked = design(**SHARP)
    whole = outcome(Simulation(asked, tmp_path / "whole", noisy(0.8)).run().study)
    rng = np.random.default_rng(4)
    for _ in range(10):
        seed = int(rng.integers(99))
        Simulation(asked, tmp_path / "killed", noisy(0.8), seed=seed).run(steps=9)
    killed = Simulation(asked, tmp_path / "killed", noisy(0.8)).run()
    assert outcome(killed.study) == whole


@pytest.mark.slow
def test_a_run_that_diverged_does_not_hold_up_the_others(tmp_path: Path):
    asked = design(**SHARP)
    half = Simulation(asked, tmp_path, noisy(0.8))
    while not (there := [t for t in half.study.trials() if t.id == "scratch-8-c1"]):
        half.run(steps=1)
    there[0].mark(State.DIVERGED)
    done = Simulation(asked, tmp_path, noisy(0.8)).run()
    assert not done.plan.unended()
    assert min(confirmed(done).values()) >= 7


def test_a_run_without_an_ap_is_left_out(tmp_path: Path):
    asked = design(trials=3, confirm=3)
    done = Simulation(asked, tmp_path, noisy(0.8)).run()
    cell = next(cell for cell in asked.cells if cell.name == "scratch-8")
    assert len(done.plan.confirmed(cell)) == 3
    trial = done.study.trial("scratch-8-c1")
    (record,) = trial.records()
    trial.store.remove("records.jsonl")
    trial.append(record | {"AP_box": None})  # no object that it was to find
    found = done.plan.confirmed(cell)
    assert len(found) == 2 and all(map(math.isfinite, found))


def test_without_the_option_runs_are_as_many_as_asked(tmp_path: Path):
    plain = confirmed(Simulation(design(trials=3, confirm=2), tmp_path, noisy(9.0)).run())
    assert set(plain.values()) == {2}


def test_the_interval_is_at_most_as_wide_as_asked():
    for variance, freedom, within in ((1.0, 3.0, 1.0), (4.0, 6.0, 0.5), (2.2, 10.5, 2.0)):
        runs = needed(Spread(variance, freedom), within, 0.95)
        half = scipy_stats.t.ppf(0.975, freedom) * math.sqrt(variance / runs)
        assert half <= within
        assert needed(Spread(variance, freedom), 2 * within, 0.95) < runs


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [1.0, 8.0])
def test_two_stages_cover_as_they_say(ratio: float):
    """At each size, also where they scatter differently."""
    rng, covered, equal, rounds = np.random.default_rng(0), [0, 0], 0, 1000
    deviations = (1.0 * math.sqrt(ratio), 1.0 / math.sqrt(ratio))
    for _ in range(rounds):
        scores = {
            size: {arm: _drawn(rng, sd, 4) for arm in ("scratch", "pretext")}
            for size, sd in zip((64, 256), deviations, strict=True)
        }
        runs = repeats(scores, 1.0, 4, 10_000)
        known = scatter.differences(scores)
        for at, size in enumerate(scores):
            spread = known.spreads[size, "pretext", "scratch"]
            drawn = rng.normal(0.0, math.sqrt(2) * deviations[at], runs[size])
            gaps = [  # the first are those that decided, the others new
                *scatter.pairs(scores[size]["pretext"], scores[size]["scratch"]),
                *drawn[4:],
            ]
            mean = float(np.mean(gaps))
            half = scipy_stats.t.ppf(0.975, spread.freedom) * math.sqrt(
                spread.variance / len(gaps)
            )
            assert half <= 1.0
            covered[at] += int(abs(mean) <= half)
            margin = scipy_stats.t.ppf(0.95, spread.freedom) * math.sqrt(
                spread.variance / len(gaps)
            )
            equal += abs(mean) + margin < 1.0
    for count in covered:
        assert count / rounds == pytest.approx(0.95, abs=0.018)  # 2.6 standard errors
    assert equal / (2 * rounds) > 0.5  # equal arms are shown equal in most studies


def _drawn(rng: np.random.Generator, sd: float, runs: int) -> dict[Hashable, float]:
    return {(1000 + at, 1 + at): float(rng.normal(0, sd)) for at in range(runs)}


def test_repeats_are_known_by_their_draw():
    scores: dict[Hashable, float] = {(1000, 1): 1.0, (1001, 2): 2.0, (1004, 5): 3.0}
    assert earliest(scores, 4) == {(1000, 1): 1.0, (1001, 2): 2.0}
    assert earliest(scores, 2) == {(1000, 1): 1.0, (1001, 2): 2.0}
    assert earliest(scores, None) == scores
    assert 0 < enough.EQUAL < 1


def test_of_three_arms_all_intervals_at_once_are_at_most_as_wide_as_asked():
    rng = np.random.default_rng(0)
    scores = {8: {arm: _drawn(rng, 1.0, 4) for arm in ("scratch", "pretext", "imagenet")}}
    runs = repeats(scores, 1.0, 4, 10_000)[8]
    for spread in scatter.differences(scores).spreads.values():
        quantile = scipy_stats.t.ppf(1 - 0.05 / 3 / 2, spread.freedom)
        assert quantile * math.sqrt(spread.variance / runs) <= 1.0


class Dying(Simulation):
    """In which every tuning trial of scratch with 8 images diverges."""

    def _advance(self, trial: TrialDir) -> None:
        if trial.id.startswith("scratch-8-t"):
            trial.mark(State.DIVERGED)
            self.plan.heard_from(trial.id)
            self._active.remove(trial.id)
        else:
            super()._advance(trial)


def test_an_arm_without_any_score_at_a_size_does_not_end_the_repeats_elsewhere(tmp_path: Path):
    whole = confirmed(Simulation(design(**SHARP), tmp_path / "whole", noisy(0.8)).run())
    done = Dying(design(**SHARP), tmp_path / "dying", noisy(0.8)).run()
    found = confirmed(done)
    assert (found["scratch-8"], found["pretext-8"]) == (0, 7)  # nothing to compare
    assert found["scratch-16"] == found["pretext-16"] == whole["scratch-16"] > 7
