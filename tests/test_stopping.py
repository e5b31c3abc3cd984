"""Successive halving: verdicts are a function of records, within one arm and size."""

from __future__ import annotations

import itertools
import math

import pytest

from study.rundir import Record
from study.stopping import Arrival, Halving, expected_survivors, goes_on, stops_at

LENGTHS = (60, 80, 120)


def record(length: int, ap: float | None, at: float, factor: float = 0.1) -> Record:
    return {"length": length, "factor": factor, "AP_box": ap, "time": at}


def arrivals(values: list[float]) -> dict[str, list[Record]]:
    """Trials a, b, c, … that reach the first rung one after another with these values."""
    names = map(chr, itertools.count(ord("a")))
    return {
        name: [record(60, ap, at)]
        for at, (name, ap) in enumerate(zip(names, values, strict=False))
    }


def test_the_best_half_of_what_was_seen_goes_on():
    records = arrivals([5.0, 3.0, 9.0, 4.0, 4.5])
    #  a: first, always on | b: 2nd of 2, ceil(2/2) = 1 passes | c: best | d: 3rd of 4, 2 pass
    #  e: 3rd of 5, ceil(5/2) = 3 pass
    stops = {name: stops_at(name, records, LENGTHS, Halving()) for name in records}
    assert stops == {"a": None, "b": 60, "c": None, "d": 60, "e": None}


def test_a_verdict_does_not_change_when_later_values_arrive():
    records = arrivals([5.0, 3.0, 9.0, 4.0, 4.5, 8.0, 8.5, 2.0])
    for name in records:
        until = {k: v for k, v in records.items() if k <= name}
        then = stops_at(name, until, LENGTHS, Halving())
        assert stops_at(name, records, LENGTHS, Halving()) == then


def test_a_larger_eta_stops_more():
    records = arrivals([1.0, 2.0, 3.0, 2.5, 2.8, 1.5])
    passed = {
        eta: "".join(n for n in records if not stops_at(n, records, LENGTHS, Halving(eta)))
        for eta in (2, 3, 4, 6)
    }
    assert passed == {2: "abcde", 3: "abcde", 4: "abce", 6: "abc"}


def test_equal_values_go_on_together():
    records = arrivals([0.0] * 6)  # nothing learnt yet: no ground to stop anybody
    assert all(stops_at(name, records, LENGTHS, Halving()) is None for name in records)


def test_the_last_length_is_no_rung():
    records = {"a": [record(120, 9.0, 0)], "b": [record(120, 1.0, 1)]}
    assert stops_at("b", records, LENGTHS, Halving()) is None


def test_only_the_rung_reached_last_counts():
    records = arrivals([5.0, 3.0])
    records["b"].append(record(80, 1.0, 2))  # first to get there
    assert stops_at("b", records, LENGTHS, Halving()) is None


def test_a_rung_waits_for_all_drop_factors_and_takes_the_best():
    halving = Halving(num_factors=2)
    records = {
        "a": [record(60, 5.0, 0, 0.1), record(60, 2.0, 1, 0.5)],
        "b": [record(60, 1.0, 2, 0.1)],
    }
    assert stops_at("b", records, LENGTHS, halving) is None
    records["b"].append(record(60, 6.0, 3, 0.5))
    assert stops_at("b", records, LENGTHS, halving) is None
    records["b"][1] = record(60, 4.0, 3, 0.5)
    assert stops_at("b", records, LENGTHS, halving) == 60


@pytest.mark.parametrize("ap", [None, math.nan])
def test_an_ap_that_is_no_number_is_the_worst(ap: float | None):
    records = arrivals([0.0]) | {"z": [record(60, ap, 5)]}
    assert stops_at("z", records, LENGTHS, Halving()) == 60


def test_expected_survivors_is_the_mean_over_all_orders():
    for n, eta in ((4, 2), (5, 2), (5, 3)):
        counts = []
        for order in itertools.permutations(range(n)):
            seen = [Arrival(float(ap), at) for at, ap in enumerate(order)]
            passed = (goes_on(own, [o for o in seen if o is not own], eta) for own in seen)
            counts.append(sum(passed))
        assert expected_survivors(n, eta) == pytest.approx(sum(counts) / len(counts))


def test_eta_of_one_would_stop_nobody_and_is_refused():
    with pytest.raises(ValueError, match="eta = 1"):
        Halving(1)
