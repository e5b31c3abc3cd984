"""What was searched of each hyper-parameter, and whether a value lies at its edge."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.reading.frames import where
from analysis.reading.load import Results
from study.config import Nuisance, from_dict
from study.planning.search import range_extension


@dataclass(frozen=True)
class Searched:
    """What was searched of one hyper-parameter at one size."""

    low: float
    high: float
    ladder: bool = False  # rather than a range
    extended: frozenset[str] = frozenset()  # ends beyond which strips were searched: low, high
    outer: float = range_extension.OUTER  # share, in the logarithm, that counts as an edge


def searched(results: Results, study: str, size: int) -> dict[str, Searched]:
    """What was searched at a size, by name, with the strips by which ranges were extended."""
    values = results.manifests[study]["question"].get("nuisance")
    if values is None:
        return {}
    nuisance = from_dict(Nuisance, values).at(size)
    points = results.manifests[study]["question"]["search"]["points"]
    outer = range_extension.outer_shares(nuisance.ranges, points)
    tried = where(results.tails, study=study, size=size, role="tune")["length"]
    lengths = {*nuisance.lengths, *tried}  # the ladder may have grown
    found = {"length": Searched(min(lengths), max(lengths), ladder=True)}
    for name, base in nuisance.ranges.items():
        strips = where(results.strips, study=study, size=size, name=name)
        low, high = min([base.low, *strips["low"]]), max([base.high, *strips["high"]])
        ends = {"low": low < base.low, "high": high > base.high}
        beyond = frozenset(end for end in ends if ends[end])
        share = outer.get(name, range_extension.OUTER)
        found[name] = Searched(low, high, extended=beyond, outer=share)
    return found


def edge(value: float, of: Searched | None) -> str:
    """low or high: in the outer tenth of a range, or on the end of a ladder; else empty."""
    if of is None or of.low == of.high:
        return ""
    if of.ladder:
        return {of.low: "low", of.high: "high"}.get(value, "")
    return range_extension.edge(value, of.low, of.high, of.outer) or ""
