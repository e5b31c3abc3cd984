"""The paper's claims H1 to H8, a function each: how long, how well, and what for.

Tables, figures and sections are those of "Rethinking ImageNet Pre-training"; `judging`
says when a number decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from analysis.published.judging import (
    FEWER,
    MARGIN,
    ROUNDED,
    Finding,
    above,
    compared,
    enough,
    finding,
    largest,
    placed,
    said,
    signed,
    thousands,
)
from analysis.published.observed import SCRATCH, Run, System, by_seed, mean_of, score
from analysis.text.words import listed, number

SATURATED = 0.8  # AP; the most that the paper's pre-trained arms gained from 2x to 6x
FULL = 100_000  # images; more are all of COCO


def convergence(systems: Sequence[System]) -> Iterator[Finding]:
    """H1 (Table 1). The shortest and the longest length that both arms have, at the
    largest size: scratch is behind by more than the margin at first, catches up some of it, and is
    no more than the margin behind at last. Contradicted where the gap is shown to grow, on 10,000
    or more images of COCO.
    """
    for system, arm, size in largest(systems):
        value = system.main(arm)
        own, other = (system.ladder(name, size, value) for name in (SCRATCH, arm))
        lengths = [length for length in own if length in other]
        if len(lengths) < 2:
            continue
        pairs = [(own[length], other[length]) for length in lengths]
        gaps = [system.contrast([(1, a), (-1, b)], value) for a, b in pairs]
        (a, b), (c, d) = pairs[0], pairs[-1]
        closed = system.contrast([(1, c), (-1, d), (-1, a), (1, b)], value)
        first, last = above(system, gaps[0], -MARGIN), above(system, gaps[-1], -MARGIN)
        closes = above(system, closed, 0)
        held = first is False and closes is True and last is True
        verdict = True if held else False if closes is False and enough(system, size) else None
        means = listed(signed(gap.mean) for gap in gaps)
        at = listed(map(number, lengths))
        text = f"{SCRATCH} minus {arm} is {means} AP at {at} iterations"
        text += f"; first to last, {said(closed)}" if closed.has_interval else ""
        yield finding(system, size, verdict, text, closed)


def final_accuracy(systems: Sequence[System]) -> Iterator[Finding]:
    """H2 (Tables 2 and 3). At the largest size, each arm at its best length:
    scratch is shown to be less than the margin behind, or ahead. Contradicted only on all of COCO,
    where it is shown to be more than the margin behind. Less of COCO is H9's, VOC is H13's.
    """
    for system, arm, size in largest(systems):
        if system.data == "voc" or (system.data == "coco" and size < FULL):
            continue
        gap = system.gap(arm, size)
        verdict = above(system, gap, -MARGIN)
        text = f"{SCRATCH} minus {arm} {said(gap)}"
        if verdict is False and not enough(system, size):
            verdict, text = None, text + FEWER
        yield finding(system, size, verdict, text, gap)


def saturation(systems: Sequence[System]) -> Iterator[Finding]:
    """H3 (Table 1). The pre-trained arm gains at most 0.8 AP from a third of the longest length to
    the longest, as from 2x to 6x; where no length is just a third, from a shorter one.
    Contradicted where from a third, or later, it gains more than that, and more than scratch does:
    less than scratch it may gain because the longest length is short.
    """
    for system, arm, size in largest(systems):
        value = system.main(arm)
        found = system.ladder(arm, size, value)
        *before, last = found or [0]
        early = [length for length in before if 3 * length <= last]
        late = [length for length in before if 3 * length >= last]
        own = system.ladder(SCRATCH, size, value)
        verdict, shown = None, None
        for at in dict.fromkeys((*early[-1:], *late[:1])):
            terms = [(1, found[last]), (-1, found[at])]
            gain = system.contrast(terms, value)
            more = above(system, gain, SATURATED)
            text = f"{arm} gains {said(gain)} from {number(at)} to {number(last)} iterations"
            slower = None
            if at in own and last in own:
                scratch = [(1, own[last]), (-1, own[at])]
                slower = system.contrast(scratch, value)
                text += f", {SCRATCH} {said(slower)}"
                lead = system.contrast([*terms, *((-sign, of) for sign, of in scratch)], value)
                slower = above(system, lead, 0)
            if at in early and more is False:
                verdict = True
            elif at in late and more and slower and verdict is None:
                verdict = False
            if shown is None or verdict is not None:
                shown = text, gain
            if verdict is not None:
                break
        if shown:
            yield finding(system, size, verdict, *shown)


def same_settings(systems: Sequence[System]) -> Iterator[Finding]:
    """H4 (Sec. 5.2). Scratch with the pre-trained arm's values, at the largest size where that
    was run: shown to lose less than the margin against its own values. Where scratch never had its
    own: supported if it reaches the pre-trained arm all the same; if not, that may have any cause.
    Contradicted at any size: it is a claim about values.
    """
    for system, arm in compared(systems):
        main = system.main(arm)
        for size in reversed(system.sizes(arm)):
            own, mine = (SCRATCH, SCRATCH), system.of(SCRATCH, size)
            there = {run.setting_of for run in mine}
            given = next((one for one in (arm, "") if one in there), None)
            if given is None:
                continue
            lost = system.paired((SCRATCH, given), own, size, main)
            alike = {
                one: by_seed((run for run in mine if run.setting_of == one), main)
                for one in (SCRATCH, given)
            }
            if lost is None:
                gap = system.gap(arm, size)
                verdict = above(system, gap, -MARGIN) or None
                text = f"{SCRATCH} minus {arm}, with one setting for both, {said(gap)}"
                yield finding(system, size, verdict, text, gap)
            elif alike[SCRATCH] == alike[given]:
                text = f"{SCRATCH} and {arm} chose the same values, so that nothing can be lost"
                yield Finding(None, placed(system, size, text))
            else:
                text = f"{SCRATCH} with {arm}'s values minus with its own {said(lost)}"
                yield finding(system, size, above(system, lost, -MARGIN), text, lost)
            break


def normalisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H5. From scratch, the same network with frozen BatchNorm ends more than the margin
    below that with GroupNorm or synchronised BatchNorm. Contradicted where it is shown not to.
    """
    for control in (one for one in systems if one.norm == "frozen_batch"):
        for works in systems:
            same = [getattr(control, k) == getattr(works, k) for k in ("kind", "data", "backbone")]
            if works.norm not in ("group", "sync_batch") or not all(same):
                continue
            main = control.main(SCRATCH)
            if not (sizes := {*control.sizes(SCRATCH)} & {*works.sizes(SCRATCH)}):
                continue
            size = max(sizes)
            scores = [one.reached(SCRATCH, size, main, main)[0] for one in (control, works)]
            lost = works.contrast([(1, scores[0]), (-1, scores[1])], main)
            held = above(works, lost, -MARGIN)
            verdict = None if held is None else not held
            text = f"{SCRATCH} with frozen BatchNorm minus with {works.norm} {said(lost)}"
            yield finding(works, size, verdict, text, lost)


def sample_budget(systems: Sequence[System]) -> Iterator[Finding]:
    """H7 (Fig. 2). Scratch catches up when it has seen as many pixels, not instances or
    images. It does so after the last length at which it is shown to be more than the margin below
    the pre-trained arm's best, and no later than the first at which it is shown not to be. A
    currency fits if its break-even lies there, give or take a factor of two: the ladder's steps.
    Supported if pixels fit alone, contradicted if they do not and another does.
    """
    for system, arm, size in largest(systems):
        even = system.break_even.get(arm, {})
        if not even or not all(map(math.isfinite, even.values())):
            continue
        value = system.main(arm)
        own, other = (system.ladder(name, size, value) for name in (SCRATCH, arm))
        if not own or not other:
            continue
        target = max(other.values(), key=mean_of)
        gaps = {at: system.contrast([(1, own[at]), (-1, target)], value) for at in own}
        reached = {at: above(system, gap, -MARGIN - 2 * ROUNDED) for at, gap in gaps.items()}
        there = next((at for at in own if reached[at] is True), None)
        short = [at for at in own if reached[at] is False and (there is None or at < there)]
        if there is None or not short:
            continue
        low, high = short[-1] / 2, there * 2
        fits = {name for name, length in even.items() if low <= length <= high}
        verdict = True if fits == {"pixels"} else False if fits - {"pixels"} == fits else None
        verdict = verdict if fits else None
        ends = listed(f"{thousands(even[name])} by {name}" for name in even)
        text = (
            f"{SCRATCH} catches up with {arm} between {number(short[-1])} and {number(there)}"
            f" iterations; it has seen as much after {ends}"
        )
        yield finding(system, size, verdict, text, gaps[there])


def localisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H8 (Table 2, Fig. 6). Scratch minus pre-trained is larger in box AP75
    than in AP50, at the largest size. Only where the arms' box APs are less than 1 point apart:
    else the difference of the whole shows in AP50 most. Keypoints: at the shortest length scratch
    is shown to be less than the margin behind; contradicted where it is shown to be more.
    """
    for system, arm, size in largest(systems):
        value = system.main(arm)
        keypoints = "Keypoint" in system.kind
        if keypoints:
            own, other = (system.ladder(name, size, value) for name in (SCRATCH, arm))
            if lengths := [length for length in own if length in other]:
                at = lengths[0]
                gap = system.contrast([(1, own[at]), (-1, other[at])], value)
                text = f"{SCRATCH} minus {arm} {said(gap)} at {number(at)} iterations"
                yield finding(system, size, above(system, gap, -MARGIN), text, gap)
            continue
        gaps = [system.gap(arm, size, score(f"{name}_box")) for name in ("AP50", "AP75")]
        more = system.gap(arm, size, _sharper)
        apart = system.gap(arm, size)
        if math.isnan(more.mean) or abs(apart.mean) > 2 * MARGIN:
            continue
        less, most = (signed(gap.mean) for gap in gaps)
        text = f"{SCRATCH} minus {arm} is {less} in AP50 and {most} in AP75"
        text += f", so {said(more)} more" if more.has_interval else ""
        yield finding(system, size, above(system, more, 0), text, more)


def _sharper(run: Run) -> float:
    return score("AP75_box")(run) - score("AP50_box")(run)
