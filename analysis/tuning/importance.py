"""Which hyper-parameter matters: shares of the variance of AP over the space that was searched.

A quadratic surface in the logarithms of length and of every hyper-parameter that was searched is
fitted to the tuning trials of an arm and size. In polynomials that are orthonormal over the
searched space its variance is the sum of the squared coefficients, and a hyper-parameter's share
is that of its own (Sobol's indices by polynomial chaos: Sudret 2008, Reliab. Eng. Syst. Saf. 93,
964-979; the same question is asked of random forests by Hutter, Hoos and Leyton-Brown, ICML 2014).


Whether the surface is any good is said by how it predicts trials that it has not seen. Where it
does not, or where trials are few, nothing is said but why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers.ranges import Searched, searched
from analysis.reading.columns import widened
from analysis.reading.frames import frame, rows, scored, values, where
from analysis.reading.load import Results
from analysis.text.table import ARM, IMAGES, Column, Table
from analysis.text.words import number, titled
from analysis.tuning import columns

FEWEST = 10  # trials
SPARE = 2  # trials more than the surface has coefficients


@dataclass(frozen=True)
class Terms:
    """The surface's terms at some points: one column each, and what each belongs to."""

    values: np.ndarray  # [points, terms]
    of: tuple[str, ...]


def importance(results: Results) -> pd.DataFrame:
    """Shares by hyper-parameter, one row per size and arm, as `columns.IMPORTANCE`.

    A trial counts with every length it came to, and by the best drop factor there. One that
    diverged counts with 0 AP at every length.
    """
    tuned = scored(where(results.tails, role="tune"))
    lost = where(results.trials, role="tune", state="diverged")
    found: list[dict[str, Any]] = []
    for study in results.manifests:
        for size in results.sizes(study):
            limits = searched(results, study, size)
            ranges = {name: limits[name] for name in results.searched(study)}
            for arm in results.arms(study):
                place = {"study": study, "size": size, "arm": arm}
                points = _points(where(tuned, **place), where(lost, **place), list(ranges))
                found.append(place | _shares(points, ranges))
    return frame(found, widened(columns.IMPORTANCE, results.hyper_parameters))


def foremost(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The hyper-parameters by what they decide, most first; in their order where none has shares.

    Args:
        table: rows of `importance` of one study, those that have shares.
        names: the hyper-parameters to rank.
    """
    shares = {name: float(np.mean(values(table, name))) if len(table) else 0.0 for name in names}
    return sorted(names, key=lambda name: -shares[name])


def layout(table: pd.DataFrame, names: Sequence[str]) -> Table:
    """Rows that have shares, as people read them; `names`: what their study searched."""
    together = {"interaction": "both together" if len(names) == 2 else "together"}
    titles = {name: titled(name) for name in names}
    titles |= (together if len(names) > 1 else {}) | {"length": "length", "r2": "predicted"}
    found = [
        [number(row["size"]), row["arm"], *(_percent(row[name]) for name in titles)]
        for row in rows(table)
    ]
    caption = (
        "What the AP of trials depends on: shares of its variance over all that was searched."
        " Predicted: share of the variance that is told right of trials left out of the fit"
    )
    return Table(caption, [IMAGES, ARM, *map(Column, titles.values())], found)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def _points(tails: pd.DataFrame, lost: pd.DataFrame, searched: list[str]) -> pd.DataFrame:
    """trial_id, what was searched, length and AP_box, one row per trial and length."""
    names = ["trial_id", *searched, "length", "AP_box"]
    best = tails.sort_values(by="AP_box").drop_duplicates(["trial_id", "length"], keep="last")
    reached = set(best["trial_id"])
    lengths = sorted(set(best["length"]))
    zeros = [
        {name: row[name] for name in names[:-2]} | {"length": length, "AP_box": 0.0}
        for row in rows(lost)
        if row["trial_id"] not in reached
        for length in lengths
    ]
    return pd.DataFrame([*rows(best.loc[:, names]), *zeros], columns=pd.Index(names))


def _shares(points: pd.DataFrame, ranges: dict[str, Searched]) -> dict[str, Any]:
    trials = points["trial_id"].to_numpy()
    count = len(set(trials))
    row: dict[str, Any] = {"trials": count, "records": len(points)}
    varied = [name for name, of in ranges.items() if of.low < of.high]
    fewest = max(FEWEST, _coefficients(len(varied)) + SPARE)
    if count < fewest:
        return row | {"withheld": f"{count} trials, at least {fewest} are needed"}
    terms, scores = _terms(points, ranges), points["AP_box"].to_numpy(dtype=float)
    if np.linalg.matrix_rank(terms.values) < terms.values.shape[1]:
        return row | {"withheld": "the points tried do not span a quadratic surface"}
    if np.ptp(scores) == 0:
        return row | {"withheld": "all trials scored the same"}
    row["r2"] = left_out(terms.values, scores, trials)
    if row["r2"] <= 0:
        return row | {"withheld": "the surface predicts trials left out no better than their mean"}
    coefficients = _fit(terms.values, scores)
    parts = {
        name: float(sum(c**2 for c, of in zip(coefficients, terms.of, strict=True) if of == name))
        for name in (*ranges, "interaction", "length")
    }
    total = sum(parts.values())
    shares = {name: part / total for name, part in parts.items()}
    return row | shares | {"sd": math.sqrt(total), "withheld": ""}


def left_out(terms: np.ndarray, scores: np.ndarray, trials: np.ndarray) -> float:
    """R² of trials that the surface was fitted without: 1 - their squared errors' share.

    A trial's lengths share its seed, so they are left out together.
    """
    errors = []
    for trial in dict.fromkeys(trials.tolist()):
        out = trials == trial
        errors += list(scores[out] - terms[out] @ _fit(terms[~out], scores[~out]))
    return 1 - float(np.square(errors).sum() / np.square(scores - scores.mean()).sum())


def _fit(terms: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(terms, scores, rcond=None)[0]


def _coefficients(varied: int) -> int:
    """Of a surface over so many hyper-parameters and the length."""
    return 1 + 2 * varied + math.comb(varied, 2) + 2


def _terms(points: pd.DataFrame, ranges: dict[str, Searched]) -> Terms:
    """A constant, two terms of each hyper-parameter that was searched, and a product for each
    two of them."""
    found: list[np.ndarray] = [np.ones(len(points))]
    of: list[str] = [""]
    first: list[np.ndarray] = []
    for name, limits in ranges.items():
        low, high = limits.low, limits.high
        if low < high:
            unit = np.log(points[name].to_numpy(dtype=float) / low) / math.log(high / low)
            linear, square = _legendre(unit)
            found += [linear, square]
            of += [name, name]
            first.append(linear)
    for one, other in itertools.combinations(first, 2):
        found.append(one * other)
        of.append("interaction")
    for term in _of_lengths(points["length"].to_numpy()):
        found.append(term)
        of.append("length")
    return Terms(np.stack(found, axis=1), tuple(of))


def _legendre(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two Legendre polynomials, orthonormal for uniform values in [0, 1]."""
    x = 2 * unit - 1
    return math.sqrt(3) * x, math.sqrt(5) * (3 * x**2 - 1) / 2


def _of_lengths(lengths: np.ndarray) -> list[np.ndarray]:
    """Up to two polynomials in log T, orthonormal over the ladder with all its rungs alike."""
    ladder = np.array(sorted(set(lengths.tolist())))
    degree = min(2, len(ladder) - 1)
    powers = np.stack([np.log(ladder) ** k for k in range(degree + 1)], axis=1)
    basis = np.linalg.qr(powers)[0] * math.sqrt(len(ladder))
    at = np.searchsorted(ladder, lengths)
    return [basis[at, k] for k in range(1, degree + 1)]
