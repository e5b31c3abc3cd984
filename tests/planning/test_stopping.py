"""Successive halving: decisions are a function of records, within one arm and size."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from study.config import ScheduleConfig
from study.planning.stopping import (
    Decision,
    Halving,
    KeepBest,
    Rungs,
    Stopping,
    is_audited,
    recorded,
)
from study.storage.run_dir import Record

SCHEDULE = ScheduleConfig(lengths=(60, 80, 120), tail=(40, 10))
GO, WAIT, STOP = Decision.GO, Decision.WAIT, Decision.STOP

Trials = dict[str, list[Record]]


def record(length: int, ap: float | None, factor: float = 0.1) -> Record:
    return {
        "length": length,
        "factor": factor,
        "weights": "tail",
        "iteration": length,
        "AP_box": ap,
    }


@pytest.mark.parametrize(
    "given", [Stopping(Halving(3)), Stopping(KeepBest(), "average"), Stopping(Halving(), "trunk")]
)
def test_how_a_study_stops_is_read_from_what_it_records(given: Stopping):
    assert recorded(given.question()) == given
    assert recorded(None) is None


def halving(eta: int = 2, **schedule) -> Rungs:
    return Rungs(Halving(eta), "tail", replace(SCHEDULE, **schedule))


def at_first_rung(values: str) -> Trials:
    """Trials a, b, c, … with these values at the first rung; `-`: not there yet."""
    names = "abcdefgh"
    return {
        name: [] if value == "-" else [record(60, float(value))]
        for name, value in zip(names, values.split(), strict=False)
    }


def decisions(
    trials: Trials, unborn: int = 0, rungs: Rungs | None = None, under_way: str = "abcdefgh"
) -> dict[str, Decision]:
    """Of the trials that have recorded something."""
    rungs = rungs or halving()
    return {
        name: rungs.decide(name, trials, under_way, unborn)[0]
        for name, rows in trials.items()
        if rows
    }


def test_the_best_half_goes_on():
    assert decisions(at_first_rung("5 3 9 4 4.5")) == dict(a=GO, b=STOP, c=GO, d=STOP, e=GO)


def test_nobody_goes_on_while_another_may_take_the_place():
    assert decisions(at_first_rung("5 - - -")) == {"a": WAIT}
    assert decisions(at_first_rung("5 3 - -")) == {"a": WAIT, "b": WAIT}
    # one better than c is known, and one may come: there are two places
    assert decisions(at_first_rung("5 3 4 -")) == {"a": GO, "b": STOP, "c": WAIT}
    assert decisions(at_first_rung("5 3 4"), unborn=1) == {"a": GO, "b": STOP, "c": WAIT}


def test_those_who_will_not_come_are_not_waited_for():
    assert decisions(at_first_rung("5 3 - -"), under_way="ab") == {"a": GO, "b": GO}


def test_a_verdict_never_turns_when_more_arrives():
    values = ["5", "3", "9", "4", "4.5", "8", "8.5", "2"]
    for seen in range(1, 9):
        then = decisions(at_first_rung(" ".join(values[:seen] + ["-"] * (8 - seen))))
        later = decisions(at_first_rung(" ".join(values)))
        assert all(later[name] is said for name, said in then.items() if said is not WAIT)


def test_a_larger_eta_stops_more():
    trials = at_first_rung("1 2 3 2.5 2.8 1.5")
    going = {
        eta: "".join(n for n, said in decisions(trials, 0, halving(eta)).items() if said is GO)
        for eta in (2, 3, 6)
    }
    assert going == {2: "cde", 3: "ce", 6: "c"}


def test_each_rung_has_fewer_places():
    assert halving().places(9) == {60: 5, 80: 3}
    trials = at_first_rung("5 6 7 8")
    for name, value in (("c", 1.0), ("d", 2.0)):
        trials[name].append(record(80, value))
    assert decisions(trials) == {"a": STOP, "b": STOP, "c": STOP, "d": WAIT}
    assert decisions(trials, under_way="cd")["d"] is GO


def test_lengths_too_early_to_tell_are_no_rungs():
    rungs = Rungs(Halving(), "tail", replace(SCHEDULE, lengths=(60, 200, 400, 660)))
    assert rungs.places(8) == {200: 4, 400: 2}
    assert Halving(earliest=0.0).places(8, (60, 200, 660)) == {60: 4, 200: 2}


def test_equal_values_go_on_together():
    trials = at_first_rung("0 0 0 0 0 0")  # nothing learnt yet: no ground to stop anybody
    assert set(decisions(trials).values()) == {GO}


def test_the_last_length_is_no_rung():
    trials = {"a": [record(120, 9.0)], "b": [record(120, 1.0)]}
    assert decisions(trials) == {"a": GO, "b": GO}


def test_a_rung_waits_for_all_drop_factors_and_takes_the_best():
    both = halving(factors=(0.1, 0.5))
    trials = {"a": [record(60, 5.0, 0.1), record(60, 2.0, 0.5)], "b": [record(60, 1.0, 0.1)]}
    assert decisions(trials, 0, both) == {"a": WAIT, "b": GO}  # b is not at the rung yet
    trials["b"].append(record(60, 6.0, 0.5))
    assert decisions(trials, 0, both) == {"a": STOP, "b": GO}


@pytest.mark.parametrize("ap", [None, math.nan])
def test_an_ap_that_is_no_number_is_the_worst(ap: float | None):
    trials = at_first_rung("0") | {"z": [record(60, ap)]}
    assert decisions(trials) == {"a": GO, "z": STOP}


def test_consecutive_trials_are_judged_with_each_other():
    assert halving().brackets(10) == [range(0, 4), range(4, 8), range(8, 10)]
    assert Rungs(KeepBest(2), "tail", SCHEDULE).brackets(10) == [range(10)]


def test_a_rule_that_would_stop_nobody_is_refused():
    with pytest.raises(ValueError, match="eta = 1"):
        Halving(1)
    with pytest.raises(ValueError, match="bracket = 1"):
        Halving(bracket=1)


def test_a_rung_at_the_end_would_stop_nobody_and_is_refused():
    with pytest.raises(ValueError, match=r"earliest = 1.0: a share of the longest"):
        Halving(earliest=1.0)


def test_the_simple_baseline_keeps_a_few_from_one_rung_on():
    rungs = Rungs(KeepBest(2), "tail", SCHEDULE)
    assert rungs.places(9) == {60: 2}
    trials = at_first_rung("5 3 9 4")
    assert decisions(trials, 0, rungs) == dict(a=GO, b=STOP, c=GO, d=STOP)
    trials["c"].append(record(80, 0.0))
    assert decisions(trials, 0, rungs)["c"] is GO  # no other rung


def test_a_trunk_is_compared_where_it_forks():
    rungs = Rungs(Halving(), "average", SCHEDULE)
    rows = {
        name: [
            {"weights": weights, "iteration": 20, "length": None, "factor": None, "AP_box": ap}
            for weights, ap in (("trunk", -value), ("average", value))
        ]
        for name, value in (("a", 1.0), ("b", 2.0))
    }
    assert rungs.value(rows["a"], 60) == 1.0
    assert rungs.value(rows["a"], 80) is None
    assert decisions(rows, 0, rungs) == {"a": STOP, "b": GO}


def test_the_audited_share_is_what_was_asked_for():
    names = [f"scratch-64-t{k:03d}" for k in range(2000)]
    drawn = [name for name in names if is_audited(name, 0, 0.1)]
    assert 150 < len(drawn) < 250
    assert set(drawn) <= {name for name in names if is_audited(name, 0, 0.2)}
    assert drawn != [name for name in names if is_audited(name, 1, 0.1)]
    assert not any(is_audited(name, 0, 0.0) for name in names)
    assert all(is_audited(name, 0, 1.0) for name in names)


@pytest.mark.parametrize(
    ("rule", "field"),
    [(Halving, "halving.eta"), (KeepBest, "best.trials"), (KeepBest, "best.rung")],
)
@pytest.mark.parametrize("value", ["2", None, True])
def test_a_rule_of_another_kind_of_value_is_refused_by_its_option(rule, field: str, value):
    with pytest.raises(ValueError, match=rf"^{field} = {value!r}: "):
        rule(**{field.partition(".")[2]: value})
