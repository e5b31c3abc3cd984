"""Trunk and tails: the learning rate is a list of expected factors, legs share their trunk."""

import pytest

from study import schedule
from study.config import ScheduleConfig
from study.schedule import Leg

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
    assert schedule.legs(config) == [Leg(0, 56), Leg(56, 100, 100, 0.1)]
    assert schedule.iterations(config) == 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": (200, 100)}, r"schedule.lengths = \(200, 100\): .*ascending"),
        ({"lengths": (40,)}, r"longer than the tail of 50"),
        ({"tail": (10, 20)}, r"schedule.tail"),
        ({"factors": (2.0,)}, r"schedule.factors"),
    ],
)
def test_impossible_schedules_are_refused(change: dict, words: str):
    with pytest.raises(ValueError, match=words):
        ScheduleConfig(**change)
