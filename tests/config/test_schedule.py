"""Trunk and tails: the learning rate is a list of expected factors, legs share their trunk."""

from dataclasses import replace

import pytest

from study.config import ScheduleConfig, schedule
from study.config.schedule import Leg

PAPER = ScheduleConfig(lengths=(180, 270, 360, 450, 540), tail=(60, 20), warmup=0)


def test_rate_drops_at_fixed_distances_from_the_end():
    config = ScheduleConfig(lengths=(100,), tail=(44, 14), warmup=4)
    trunk, tail = schedule.legs(config)
    expected = [
        (trunk, 0, 0.25),  # warm-up: (i + 1) / 4
        (trunk, 3, 1.0),
        (trunk, 55, 1.0),
        (tail, 56, 0.1),  # T - 44
        (tail, 85, 0.1),
        (tail, 86, 0.01),  # T - 14
        (tail, 99, 0.01),
    ]
    for leg, iteration, factor in expected:
        assert schedule.lr(0.02, config, leg, iteration) == pytest.approx(0.02 * factor)


def test_every_iteration_of_a_length_is_walked_once():
    walk = schedule.legs(PAPER)
    for length in PAPER.lengths:
        tail = next(leg for leg in walk if leg.length == length)
        trunk = [leg for leg in walk if not leg.is_tail and leg.stop <= tail.start]
        assert trunk[0].start == 0
        assert [leg.start for leg in trunk[1:]] == [leg.stop for leg in trunk[:-1]]
        assert trunk[-1].stop == tail.start
        assert tail.stop == length


def test_paper_lengths_cost_780k_instead_of_1800k():
    assert schedule.iterations(PAPER) == 780
    assert schedule.independent_iterations(PAPER) == 1800
    assert schedule.iterations(PAPER, lengths=1) == 180


def test_one_length_is_a_plain_run():
    config = ScheduleConfig(lengths=(100,), tail=(44, 14))
    assert schedule.legs(config) == [Leg(0, 56), Leg(56, 100, 100, 0.1, evaluated=("tail",))]
    assert schedule.iterations(config) == 100


def test_separate_runs_walk_each_length_from_the_beginning():
    alone = replace(PAPER, shared=False, factors=(0.1, 0.02))
    walk = schedule.legs(alone)
    assert [leg.start for leg in walk if not leg.is_tail] == [0] * 10
    assert sum(leg.stop - leg.start for leg in walk) == schedule.independent_iterations(alone)
    assert schedule.iterations(alone) == 3600
    done = {(leg.name, "tail") for leg in walk if leg.length == 180}
    assert schedule.remaining(alone, done) == walk[4:]


def test_a_watched_trunk_ends_in_one_tail():
    lazy = replace(PAPER, tails="last", watch=(120, 210))
    assert [leg.name for leg in schedule.legs(lazy)] == [
        "trunk-120",
        "trunk-210",
        "trunk-480",
        "tail-540-0.1",
    ]
    assert schedule.iterations(lazy) == 540
    assert schedule.iterations(lazy, lengths=2) == 270
    assert schedule.legs(lazy.up_to(180)) == [
        Leg(0, 120, evaluated=("average",)),
        Leg(120, 180, 180, 0.1, evaluated=("tail",)),
    ]
    recorded = {("trunk-120", "average"), ("trunk-210", "average")}
    assert [leg.stop for leg in schedule.remaining(lazy, recorded)] == [120, 210, 480, 540]
    trunk, tail = schedule.legs(lazy.up_to(180))
    assert schedule.remaining(lazy.up_to(180), recorded) == [replace(trunk, evaluated=()), tail]
    assert tail.needs(trunk) and not tail.needs(Leg(120, 210))


def test_nothing_remains_when_all_is_recorded():
    everything = {(leg.name, "tail") for leg in schedule.legs(PAPER)}
    assert schedule.remaining(PAPER, everything) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": (200, 100)}, r"schedule.lengths = \(200, 100\): .*ascending"),
        ({"lengths": (40,)}, r"longer than the tail of 50"),
        ({"tail": (10, 20)}, r"schedule.tail"),
        ({"factors": (2.0,)}, r"schedule.factors"),
        ({"watch": (351,)}, r"schedule.watch = \(351,\): .*trunk of 350 iterations"),
        ({"watch": (20, 10)}, r"schedule.watch"),
        ({"shared": False, "watch": (20,)}, r"schedule.shared = False: .*no common trunk"),
    ],
)
def test_impossible_schedules_are_refused(change: dict, words: str):
    with pytest.raises(ValueError, match=words):
        ScheduleConfig(**change)


def test_a_cascade_has_all_its_stages_in_the_last_iterations():
    late = ScheduleConfig(lengths=(100,), tail=(44, 14), cascade_last=30)
    assert [schedule.cascades(late, i) for i in (0, 69, 70, 99)] == [False, False, True, True]
    assert schedule.cascades(replace(late, cascade_last=None), 0)
    assert schedule.cascades(replace(late, cascade_last=200), 0)


def test_the_trunks_average_looks_back_as_far_as_a_tail_is_long():
    config = ScheduleConfig(lengths=(1000,), tail=(50, 10))
    assert schedule.averaging(config, 900) == pytest.approx(1 - 1 / 50)
    assert schedule.averaging(config, 0) == pytest.approx(1 / 10)  # the first weights weigh little
    early = [schedule.averaging(config, iteration) for iteration in range(900)]
    assert early == sorted(early)
