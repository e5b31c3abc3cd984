"""The paper's claims as hypotheses, and what a study, runs, or the paper's numbers say of each.

What counts as support is in the docstring of each claim's function, in `analysis.published.claims`
and `analysis.published.regimes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import pandas as pd

from analysis.answers import stats
from analysis.answers.seen import Seen
from analysis.published import claims, regimes
from analysis.published.columns import HYPOTHESES
from analysis.published.judging import Finding
from analysis.published.numbers import paper
from analysis.published.observed import System
from analysis.published.systems import systems
from analysis.reading.frames import frame, rows
from analysis.reading.load import Results

_BESIDE = {"": "verdict", "_evidence": "evidence"}
Verdict = Literal["supported", "contradicted", "not tested here"]
SUPPORTED, CONTRADICTED, UNTESTED = get_args(Verdict)


@dataclass(frozen=True)
class Hypothesis:
    """A claim of the paper, and how it is tested."""

    id: str
    claim: str
    test: Callable[[Sequence[System]], Iterator[Finding]] | None  # None: no numbers to test it by
    needs: str  # what is missing where nothing tests it


ALL = (
    Hypothesis(
        "H1",
        "From scratch needs longer: far behind after short training, level after long",
        claims.convergence,
        "needs both arms at two lengths",
    ),
    Hypothesis(
        "H2",
        "With enough data and length, from scratch ends no worse than pre-trained",
        claims.final_accuracy,
        "needs both arms, on all of COCO or on other data",
    ),
    Hypothesis(
        "H3",
        "The pre-trained arm saturates early",
        claims.saturation,
        "needs a pre-trained arm at two lengths",
    ),
    Hypothesis(
        "H4",
        "The pre-trained arm's hyper-parameters suffice; only the length must change",
        claims.same_settings,
        "needs runs from scratch with the other arm's values",
    ),
    Hypothesis(
        "H5",
        "From scratch needs GroupNorm or synchronised BatchNorm",
        claims.normalisation,
        "needs the same network from scratch with frozen BatchNorm",
    ),
    Hypothesis(
        "H6",
        "A tail of constant length beats one in proportion to the training",
        None,
        "needs the same runs with two tails, which no study or recipe has",
    ),
    Hypothesis(
        "H7",
        "From scratch catches up when it has seen as many pixels",
        claims.sample_budget,
        "needs lengths around the catch-up, and what pre-training saw",
    ),
    Hypothesis(
        "H8",
        "What from scratch gains is localisation: more in AP75 than in AP50; keypoints",
        claims.localisation,
        "needs arms less than 1 AP apart, or keypoints",
    ),
    Hypothesis(
        "H9",
        "With fewer images, too, values tuned for pre-training make both arms equal",
        regimes.regularisation,
        "needs runs from scratch with the other arm's tuned values",
    ),
    Hypothesis(
        "H10",
        "With 10,000 images of COCO both arms are equal; from scratch needs longer",
        regimes.tenth,
        "needs about 10,000 images of COCO",
    ),
    Hypothesis(
        "H11",
        "With few images from scratch breaks down: on COCO between 3,500 and 10,000",
        regimes.breakdown,
        "needs both arms at two sizes",
    ),
    Hypothesis(
        "H12",
        "Where it breaks down, training losses meet: it is generalisation",
        regimes.generalisation,
        "needs losses of both arms where from scratch is behind",
    ),
    Hypothesis(
        "H13",
        "Few instances and classes matter: on VOC from scratch stays behind",
        regimes.instances,
        "needs VOC",
    ),
    Hypothesis(
        "H14",
        "Stronger augmentation shrinks the advantage of pre-training",
        regimes.augmentation,
        "needs both arms with and without scale augmentation",
    ),
    Hypothesis(
        "H15",
        "Larger networks from scratch do not overfit more",
        regimes.larger_models,
        "needs two networks from scratch, the larger at two lengths",
    ),
)


def hypotheses(
    of: Results | pd.DataFrame,
    pretraining: Mapping[str, Seen] | None = None,
    level: float = stats.LEVEL,
) -> pd.DataFrame:
    """Each claim with a verdict and its evidence, as `columns.HYPOTHESES`.

    A verdict is given where all systems that decide agree; the evidence then names those, else
    everything that was looked at.

    Args:
        of: one or more studies, or the rows of `paper` or `load_runs`.
        pretraining: what the pre-training of an arm has seen, as `analysis.seen` takes it.
        level: of all intervals.

    Raises:
        ValueError: see `stats.require_level`.
    """
    stats.require_level(level)
    found = systems(of, pretraining, level)
    return frame((_row(one, found) for one in ALL), HYPOTHESES)


def _row(hypothesis: Hypothesis, found: Sequence[System]) -> dict[str, Any]:
    findings = list(hypothesis.test(found)) if hypothesis.test else []
    decided = [one for one in findings if one.verdict is not None]
    said: Verdict = UNTESTED
    if len({one.verdict for one in decided}) == 1:
        said = SUPPORTED if decided[0].verdict else CONTRADICTED
    row = {"id": hypothesis.id, "claim": hypothesis.claim, "verdict": said}
    if not findings:
        return row | {"evidence": f"{hypothesis.needs[0].upper()}{hypothesis.needs[1:]}."}
    shown = findings if said == UNTESTED else decided
    text = "; ".join(one.text for one in shown)
    if said == UNTESTED:
        text += "; these disagree" if decided else "; not decided by these runs"
    elif all(one.single for one in shown):
        text += "; one run each"
    return row | {"evidence": f"{text[0].upper()}{text[1:]}."}


def beside_paper(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The claims, each with what the paper's own numbers say of it: `paper`, `paper_evidence`."""
    return [
        row | {f"paper{end}": _papers()[row["id"]][name] for end, name in _BESIDE.items()}
        for row in rows(table)
    ]


@cache
def _papers() -> dict[str, dict[str, Any]]:
    """What the paper's own numbers say of each claim, by its id."""
    return {row["id"]: row for row in rows(hypotheses(paper()))}


def told(table: pd.DataFrame) -> str:
    """How the claims fare, in a sentence."""
    counts = {verdict: 0 for verdict in get_args(Verdict)}
    for row in rows(table):
        counts[row["verdict"]] += 1
    return (
        f"Of {len(table)} claims, {counts[SUPPORTED]} {_are(counts[SUPPORTED])} supported here,"
        f" {counts[CONTRADICTED]} contradicted, and {counts[UNTESTED]} not tested."
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
