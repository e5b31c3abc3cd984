"""How long work takes in so many places, and what a trial's parts take."""

from __future__ import annotations

import math

import pytest

from study.planning.standing import time_left
from study.planning.standing.stints import Sign, Stint
from study.planning.standing.time_left import (
    Speed,
    Stage,
    Work,
    at_once,
    seconds_left,
    speed,
)

COST = Speed(image=1.0, evaluation=10.0, start=5.0)


def tuning(images: float, trial_id: str | None = None, size: int = 8) -> Work:
    return Work(size, Stage.TUNING, images, 0, trial_id)


def confirming(images: float, size: int = 8) -> Work:
    return Work(size, Stage.CONFIRMING, images, 0)


def left(work: list[Work], places: int, running: dict[str, float] | None = None) -> float:
    return seconds_left(work, running or {}, COST, places, 1000.0)


def test_trials_take_the_next_free_place():
    assert left([tuning(100)], 2) == 105
    assert left([tuning(100)] * 2, 2) == 105
    assert left([tuning(100)] * 3, 2) == 210
    assert left([tuning(100), tuning(300), tuning(100)], 2) == 305
    assert left([Work(8, Stage.TUNING, 100, 3)], 1) == 135
    under_way = [tuning(100, "a"), tuning(50, "b")]  # in the place that is free first
    assert left([*under_way, tuning(10)], 2, {"a": 1000, "b": 1000}) == 100


def test_in_the_tail_the_longest_trial_counts_however_many_places_there_are():
    assert left([tuning(100, "a"), tuning(400, "b")], 8, {"a": 1000, "b": 1000}) == 400


def test_a_running_trial_has_gone_on_since_its_last_sign_of_life():
    assert left([tuning(100, "a")], 1, {"a": 970.0}) == 70
    assert left([tuning(100, "a")], 1, {"a": 500.0}) == 0  # any moment now
    assert left([tuning(100, "a"), tuning(50)], 1, {"a": 970.0}) == 125


def test_confirm_runs_wait_for_the_tuning_of_their_size_alone():
    assert left([tuning(100, size=8), confirming(50, size=8)], 2) == 160
    work = [tuning(100, size=8), tuning(20, size=16), confirming(50, size=8)]
    assert left(work, 2) == 160
    assert left([*work, confirming(50, size=16)], 2) == 160  # in the place that is free


def test_the_memory_is_as_long_as_five_steps_where_these_are_long():
    def third(seconds: float, apart: float) -> float:
        """What a step counts that is so much older than the newest one."""
        ends = (0.0, apart)
        steps = [time_left._Step(end, seconds, 8, first=False, evaluates=False) for end in ends]
        old, new = time_left._weights(steps)
        return old / new

    assert third(10.0, 240.0) == pytest.approx(math.exp(-1))
    assert third(600.0, 5 * 600.0) == pytest.approx(math.exp(-1))


def test_nothing_is_left_of_nothing():
    assert left([], 4) == 0


def stint(*signs: tuple[float, int, str | None]) -> Stint:
    return Stint(tuple(Sign(*sign) for sign in signs))


def test_start_steps_and_evaluations_are_told_apart():
    one = stint((0, 0, None), (30, 10, None), (50, 20, None), (70, 30, None), (77, 30, "tune"))
    found = speed([one], since=0)
    assert found == Speed(image=2.0, evaluation=7.0, start=10.0)


def test_a_start_is_counted_from_the_end_before_it():
    first = stint((0, 0, None), (10, 10, None), (20, 20, None))
    second = stint((24, 0, None), (34, 10, None), (44, 20, None))
    found = speed([first, second], since=0)
    assert found == Speed(image=1.0, evaluation=0.0, start=4.0)


def test_a_trial_under_way_has_left_no_place():
    first = stint((0, 0, None), (10, 10, None), (20, 20, None))
    running = stint((2, 0, None), (12, 10, None), (23, 20, None))
    third = stint((25, 0, None), (35, 10, None), (45, 20, None))
    stints = [first, running, third]
    ended, going = speed(stints, since=0), speed(stints, since=0, under_way=[running])
    assert ended and going and (ended.start, going.start) == (2.0, 5.0)


def test_what_is_new_counts_more_than_what_is_old():
    slow = stint((0, 0, None), (100, 10, None), (200, 20, None), (300, 30, None))
    fast = stint((3000, 0, None), (3010, 10, None), (3020, 20, None), (3030, 30, None))
    found = speed([slow, fast], since=0)
    assert found and found.image == pytest.approx(1.0, abs=0.05)


def test_what_a_session_before_took_counts_until_this_one_knows():
    before = stint((0, 0, None), (100, 10, None), (200, 20, None))
    now = stint((500, 0, None), (510, 10, None), (520, 20, None))
    resumed = speed([before], since=400)
    assert resumed and resumed.image == 10.0
    later = speed([before, now], since=400)
    assert later and later.image == 1.0


def test_without_a_step_nothing_is_known():
    assert speed([stint((0, 0, None))], since=0) is None
    assert speed([], since=0) is None


def test_places_are_counted_where_trials_ran_beside_each_other():
    pair = [stint((0, 0, None), (100, 9, None)), stint((50, 0, None), (150, 9, None))]
    after = stint((150, 0, None), (200, 9, None))
    assert at_once([*pair, after], 1, 250, since=0) == 2
    assert at_once([*pair, after], 3, 250, since=0) == 3
    assert at_once([*pair, after], 1, 250, since=160) == 1  # this sweep has fewer
    assert at_once([*pair, after], 1, 5000, since=0) == 1  # long ago
