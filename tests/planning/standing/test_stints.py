"""A trial's time on workers, as its files show it."""

from __future__ import annotations

from study.config.schedule import Leg
from study.planning.standing.stints import past, seconds

EVENTS = [
    {"state": "running", "time": 10.0, "device": "cpu", "images_spent": 0},
    {"state": "running", "time": 20.0, "images_spent": 8, "leg": "trunk-4", "iteration": 2},
    {"state": "preempted", "time": 300.0},
    {"state": "running", "time": 400.0, "device": "cpu", "images_spent": 8},
    {"state": "running", "time": 410.0, "images_spent": 16, "leg": "trunk-4", "iteration": 4},
]
RECORD = {"leg": "trunk-4", "weights": "average", "split": "tune", "time": 415.0}


def test_a_resumed_trial_has_two_stints_and_the_driver_adds_none():
    found = past(EVENTS, [RECORD | {"images_spent": 16}])
    assert [(one.start, one.end) for one in found.stints] == [(10.0, 20.0), (400.0, 415.0)]
    assert [sign.split for sign in found.stints[1].signs] == [None, None, "tune"]
    assert found.recorded == {("trunk-4", "average")}


def test_iterations_left_are_those_since_the_last_checkpoint():
    found = past(EVENTS[:2], [])
    assert found.left(Leg(0, 4)) == 2
    assert found.left(Leg(4, 8)) == 4
    assert found.left(Leg(4, 9), begun=6) == 3
    assert past(EVENTS, []).left(Leg(0, 4)) == 0


def test_time_beside_each_other_counts_once_and_pauses_do_not_count():
    beside = past([EVENTS[0] | {"time": 15.0}, EVENTS[1] | {"time": 35.0}], [])
    both = [*past(EVENTS, []).stints, *beside.stints]
    assert seconds(both) == (35 - 10) + (410 - 400)


def test_what_older_versions_did_not_write_is_left_out():
    found = past([{"state": "running", "time": 1.0}, {"state": "finished"}], [])
    assert found.stints == () and seconds(found.stints) == 0
