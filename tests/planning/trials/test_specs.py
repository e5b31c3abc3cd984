"""What a study runs besides its search: audits, strips beyond ranges, repeats, cross-tuning."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import LogUniform, RunConfig
from study.config.arms import parse
from study.planning.search.range_extension import Strip, beyond, edge, extended
from study.planning.stopping import Halving, Stopping, is_audited
from study.planning.trials.specs import in_strip
from study.planning.trials.tuning import chosen, finalists
from study.storage.run_dir import State
from tests.simulated import SPACE, Simulation, bowl, design, outcome


def configs(simulation: Simulation, **equal: Any) -> dict[str, dict[str, Any]]:
    found = {trial.id: trial.config() for trial in simulation.study.trials()}
    return {i: c for i, c in found.items() if all(c[k] == v for k, v in equal.items())}


def lengths(config: dict[str, Any]) -> tuple[int, ...]:
    return tuple(config["run"]["schedule"]["lengths"])


def test_all_arms_repeat_the_same_seeds_and_draws_which_no_tuning_trial_has(tmp_path: Path):
    done = Simulation(design(seed=3, confirm=3), tmp_path).run()
    runs = [c["run"] for c in configs(done, role="tune").values()]
    assert {(run["seed"], run["draw"], run["split"]) for run in runs} == {(3, 0, "tune")}
    assert {run["keep_trunk"] for run in runs} == {False}  # nothing grows here
    repeats = configs(done, role="confirm").values()
    for arm in ("scratch", "pretext"):
        for size in (8, 16):
            mine = [
                c["run"] for c in repeats if (c["run"]["arm"], c["run"]["size"]) == (arm, size)
            ]
            found = sorted((run["draw"], run["seed"], run["split"]) for run in mine)
            assert found == [(n + 1, 4000 + n, "report") for n in range(3)]
            assert all(run["keep_detections"] and not run["keep_trunk"] for run in mine)
    growing = Simulation(design(growth=1.5, max_times=2.0), tmp_path / "growing").run(1)
    (begun, *_) = configs(growing, role="tune").values()
    assert begun["run"]["keep_trunk"]


def test_what_the_plan_decides_is_not_taken_from_the_space(tmp_path: Path):
    of_the_plan = {"arm": "scratch", "init": None, "size": 8, "draw": 0, "seed": 3}
    of_the_plan |= {"split": "tune", "keep_trunk": False}
    odd = {"arm": "pretext", "init": "pretext", "size": 5, "draw": 7, "seed": 99}
    odd |= {"split": "report", "keep_trunk": True}
    space = replace(SPACE, fixed=replace(SPACE.fixed, **odd))
    begun = Simulation(design(space=space, seed=3), tmp_path).run(steps=1)
    run = configs(begun, role="tune")["scratch-8-t000"]["run"]
    assert {name: run[name] for name in of_the_plan} == of_the_plan


LAZY = {"stopping": Stopping(Halving(), "average"), "tails": "last", "trials": 9, "confirm": 1}


@pytest.mark.slow
def test_compared_by_their_trunks_all_trials_end_in_one_tail(tmp_path: Path):
    done = Simulation(design(**LAZY), tmp_path).run()
    ended = []
    for trial_id in configs(done, role="tune"):
        trial = done.study.trial(trial_id)
        assert trial.state in (State.FINISHED, State.STOPPED)
        tails = [r["length"] for r in trial.records() if r["weights"] == "tail"]
        assert tails == [lengths(trial.config())[-1]]
        assert trial.config().get("stopped_at", 120) == tails[0]
        ended += tails
    assert {n: ended.count(n) for n in (60, 80, 120)} == {60: 4 * 4, 80: 4 * 2, 120: 4 * 3}


@pytest.mark.slow
def test_by_trunk_or_by_tail_the_same_go_on_where_both_rank_alike(tmp_path: Path):
    """The bowl ranks settings alike at every iteration; so who is stopped does not differ."""
    by_tail = Simulation(design(trials=9), tmp_path / "tail").run()
    by_trunk = Simulation(design(**LAZY), tmp_path / "trunk").run()
    for trial_id, config in configs(by_trunk, role="tune").items():
        assert config.get("stopped_at") == by_tail.study.trial(trial_id).config().get("stopped_at")


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [3])
def test_killed_anywhere_a_lazy_audited_extended_study_is_the_same(
    concurrent: int, tmp_path: Path
):
    asked = design(**LAZY, audit=0.3, extend=2, cross=1)
    undisturbed = outcome(Simulation(asked, tmp_path / "whole", objective=at_edge).run().study)
    rng = np.random.default_rng(2)
    for _ in range(30):
        seed = int(rng.integers(99))
        Simulation(asked, tmp_path / "killed", at_edge, concurrent, seed).run(steps=5)
    killed = Simulation(asked, tmp_path / "killed", at_edge, concurrent).run()
    assert outcome(killed.study) == undisturbed
    assert {v[0] for v in undisturbed.values()} == {"tune", "audit", "confirm"}


@pytest.mark.slow
def test_audits_go_on_from_the_fork_and_change_nothing(tmp_path: Path):
    plain = Simulation(design(trials=9), tmp_path / "plain").run()
    done = Simulation(design(trials=9, audit=0.4), tmp_path / "audited").run()
    audits, others = configs(done, role="audit"), outcome(done.study)
    assert {i: v for i, v in others.items() if i not in audits} == outcome(plain.study)
    stopped = [t.id for t in done.study.trials() if t.state is State.STOPPED]
    assert 2 < len(audits) < len(stopped)
    # whatever the trials were worth: what audits find is a fair sample of all stops
    assert audits.keys() == {f"{one}-audit" for one in stopped if is_audited(one, 0, 0.4)}
    for trial_id, config in audits.items():
        of = done.study.trial(config["of"])
        assert of.state is State.STOPPED
        rest = tuple(n for n in (60, 80, 120) if n > of.config()["stopped_at"])
        assert lengths(config) == rest
        assert done.study.trial(trial_id).state is State.FINISHED
        assert config["run"]["optim"] == of.config()["run"]["optim"]


def test_an_audit_is_given_the_trunk_of_the_stopped_trial(tmp_path: Path):
    asked = design(trials=4, audit=1.0, confirm=0)
    simulation = Simulation(asked, tmp_path)
    while not configs(simulation, role="audit"):
        simulation.run(steps=1)
    (trial_id,) = list(configs(simulation, role="audit"))[:1]
    assert simulation.study.trial(trial_id).load("trunk") == b"60"
    assert simulation.study.trial(trial_id.removesuffix("-audit")).load("trunk") is None


def at_edge(run: RunConfig, length: int) -> float:
    """The pre-trained arm wants a higher rate than the range has."""
    away = np.log10(run.optim.lr / (0.3 if run.arm == "pretext" else 0.01))
    decay = np.log10(run.optim.weight_decay / 3e-5)
    return float(40 * np.exp(-(away**2) - decay**2 / 9) * (1 - np.exp(-length / 60)))


@pytest.mark.slow
def test_a_best_setting_at_the_edge_extends_the_range_for_all_arms(tmp_path: Path):
    asked = design(trials=12, confirm=1, extend=1)
    done = Simulation(asked, tmp_path, objective=at_edge).run()
    strips = configs(done, strategy="strip")
    rates = {i: c["run"]["optim"]["lr"] for i, c in strips.items()}
    assert all(0.1 < rate < 1.0 for rate in rates.values())
    for size in (8, 16):
        each = {
            arm: {
                i.partition("-lr-")[2]: rates[i] for i in rates if i.startswith(f"{arm}-{size}-")
            }
            for arm in ("scratch", "pretext")
        }
        assert each["scratch"] == each["pretext"]  # the same points, as many for each
        assert len(each["scratch"]) == asked.budget.extra == 3
    before = max(c["run"]["optim"]["lr"] for c in configs(done, strategy="sobol").values())
    best = chosen(done.plan.tuning_trials(done.plan.design.cells[1]))
    assert best and best.trial.run.arm == "pretext" and best.values["lr"] > before
    confirmed = configs(done, role="confirm")["pretext-8-c0"]
    assert confirmed["of"] == best.trial.trial_id


@pytest.mark.slow
def test_told_never_to_extend_it_does_not(tmp_path: Path):
    done = Simulation(design(trials=12, confirm=1), tmp_path, objective=at_edge).run()
    assert not configs(done, strategy="strip")


@pytest.mark.slow
def test_in_the_middle_of_the_ranges_nothing_is_extended(tmp_path: Path):
    done = Simulation(design(trials=16, confirm=1, extend=3), tmp_path).run()
    assert not configs(done, strategy="strip")


def test_strips_lie_end_to_end():
    base = LogUniform(low=0.01, high=0.1)
    first, second = Strip("lr", "high", 1), Strip("lr", "high", 2)
    assert first.of(base).low == base.high
    assert second.of(base).low == pytest.approx(first.of(base).high)
    assert Strip("lr", "low", 1).of(base).high == base.low
    assert extended(base, "lr", [first, second]).high == pytest.approx(1.0)
    ranges = {"lr": base, "weight_decay": LogUniform(low=1e-4, high=1e-2)}
    arms = [{"lr": 0.099, "weight_decay": 1e-3}, {"lr": 0.02, "weight_decay": 1.1e-4}]
    assert beyond(ranges, [], arms) == [first, Strip("weight_decay", "low", 1)]
    assert beyond(ranges, [first], arms) == [Strip("weight_decay", "low", 1)]
    at_border = {"lr": base.at(5 / 6), "weight_decay": 1e-3}  # of three columns, the last
    assert beyond(ranges, [], [at_border]) == []
    highest = {"momentum": LogUniform(low=0.8, high=0.95)}
    assert beyond(highest, [], [{"momentum": 0.949}]) == []  # no optimiser takes 1 and more
    assert beyond(ranges, [], [at_border], grid=9) == [first]
    assert edge(0.05, 0.05, 0.05) is None  # a range of one value has no edge


@pytest.mark.slow
def test_the_best_few_settings_are_confirmed(tmp_path: Path):
    done = Simulation(design(trials=8, finalists=3, confirm=2), tmp_path).run()
    for cell in done.plan.design.cells:
        best = finalists(done.plan.tuning_trials(cell), 3)
        assert [c.AP_box for c in best] == sorted((c.AP_box for c in best), reverse=True)
        runs = [c for i, c in configs(done, role="confirm").items() if i.startswith(cell.name)]
        expected = sorted((c.trial.trial_id, seed) for c in best for seed in (1000, 1001))
        assert sorted((c["of"], c["run"]["seed"]) for c in runs) == expected


@pytest.mark.slow
def test_each_arm_is_run_with_the_other_arms_best_setting(tmp_path: Path):
    def overfitting(run: RunConfig, length: int) -> float:
        return at_edge(run, length) / (length if run.arm == "pretext" else 1)

    done = Simulation(design(trials=12, cross=1), tmp_path, objective=overfitting).run()
    crossed = configs(done, strategy="cross")
    assert len(crossed) == len(done.plan.design.cells)
    for cell in done.plan.design.cells:
        other = next(c for c in done.plan.design.cells_at(cell.size) if c != cell)
        best = chosen(done.plan.tuning_trials(other))
        (config,) = (c for i, c in crossed.items() if i.startswith(cell.name + "-"))
        own = done.study.trial(f"{cell.name}-c0").config()["run"]
        run = config["run"]
        assert best and run["optim"]["lr"] == best.values["lr"] != own["optim"]["lr"]
        # as in the paper, the length is the arm's own
        assert run["schedule"] == own["schedule"] and lengths(config) != (best.length,)
        assert (run["arm"], run["init"]) == (cell.arm.name, cell.arm.init)
        assert [run[k] for k in ("seed", "draw", "split")] == [
            own[k] for k in ("seed", "draw", "split")
        ]


def test_arms_that_choose_the_same_setting_need_no_cross_runs(tmp_path: Path):
    done = Simulation(design(trials=4, cross=2), tmp_path, objective=bowl).run()
    assert len(configs(done, role="confirm")) == 4 * 2
    assert not configs(done, strategy="cross")


def test_three_arms_are_crossed_pairwise(tmp_path: Path):
    weights = tmp_path / "mine.pt"
    weights.write_bytes(b"any")
    arms = tuple(parse(text) for text in ("scratch", "pretext", str(weights)))
    space = replace(SPACE, scientific=replace(SPACE.scientific, sizes=(8,)))
    asked = design(space=space, arms=arms, trials=12, confirm=1, cross=1)

    def each_its_own(run: RunConfig, length: int) -> float:
        rate = {"scratch": 0.005, "pretext": 0.02, "mine": 0.06}[run.arm]
        return float(30 - 10 * np.log10(run.optim.lr / rate) ** 2)

    done = Simulation(asked, tmp_path / "study", objective=each_its_own).run()
    assert len(configs(done, strategy="cross")) == 3 * 2
    assert asked.confirm_runs == 3


def test_each_strip_has_a_sequence_of_its_own():
    """Else what is tried beyond both ends of a range would have the same other values."""
    asked = design(extend=1)
    (cell, *_), seen = asked.cells, set[tuple[float, ...]]()
    strips = [Strip(*own) for own in product(("lr", "weight_decay"), ("low", "high"), (1, 2))]
    for strip in strips:
        values = in_strip(asked, cell, strip, 0).run.optim
        ranges = asked.ranges_at(cell.size)
        ranges = ranges | {strip.name: strip.of(ranges[strip.name])}
        seen.add(
            tuple(
                round(math.log(getattr(values, name) / own.low) / math.log(own.high / own.low), 6)
                for name, own in ranges.items()
            )
        )
    assert len(seen) == len(strips)
