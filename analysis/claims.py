"""The paper's claims, a function each: what a system's runs say of it, in numbers.

Sections are those of "Rethinking ImageNet Pre-training". A claim holds where the whole interval of
a contrast lies on its side, or an equivalence test shows it to be within the margin; it fails
where the whole interval lies on the other side; else nothing is said. Numbers of one run each (the
paper's own, and runs of its recipes on its data) decide by their mean, and the evidence says so;
of a study's tuning trials, which are the best of many, single ones never do.

What the paper claims of enough data can be shown by any study, but refuted only with data enough:
with less, an arm that stays behind is what the paper saw too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis import stats
from analysis.observed import SCRATCH, Run, System, by_seed, mean_of, score
from analysis.words import images, listed, number, points

MARGIN = stats.MARGIN  # AP
SATURATED = 0.8  # AP; the most that the paper's pre-trained arms gained from 2x to 6x
LOSSES_MEET = 0.1  # share by which training losses may differ; ours, the paper shows curves
FULL, BROKEN = 100_000, 10_000  # images of COCO: all of them, and where nothing breaks down yet
ROUNDED = 1e-6  # the paper's numbers have one decimal
LARGER = ("resnet18", "resnet50", "resnet101", "resnext101_32x8d", "resnext152_32x8d")

FEWER = ", with less data than the claim is about"

Verdict = bool | None  # None: not decided


@dataclass(frozen=True)
class Finding:
    """What one system says of a claim."""

    verdict: Verdict
    text: str
    single: bool = False  # decided by single runs


def above(system: System, found: stats.Difference, limit: float) -> Verdict:
    """Whether a contrast is shown to be above a limit, or below."""
    if found.has_interval:
        return True if found.low > limit else False if found.high < limit else None
    if system.single and math.isfinite(found.mean):
        return found.mean > limit + ROUNDED
    return None


def within(system: System, found: stats.Difference) -> Verdict:
    """Whether a difference is shown to be less than the margin either way, or more."""
    if found.within(MARGIN):
        return True
    if found.has_interval:
        return False if found.low > MARGIN or found.high < -MARGIN else None
    if system.single and math.isfinite(found.mean):
        return abs(found.mean) < MARGIN + ROUNDED
    return None


def convergence(systems: Sequence[System]) -> Iterator[Finding]:
    """H1 (Sec. 4.1, Table 1). The shortest and the longest length that both arms have, at the
    largest size: scratch is behind by more than the margin at first, catches up some of it, and is
    no more than the margin behind at last. Contradicted where the gap is shown to grow, on 10,000
    or more images of COCO.
    """
    for system, arm, size in _largest(systems):
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
        verdict = True if held else False if closes is False and _enough(system, size) else None
        means = listed(_signed(gap.mean) for gap in gaps)
        at = listed(map(number, lengths))
        text = f"{SCRATCH} minus {arm} is {means} AP at {at} iterations"
        text += f"; first to last, {_said(closed)}" if closed.has_interval else ""
        yield _finding(system, size, verdict, text, closed)


def final_accuracy(systems: Sequence[System]) -> Iterator[Finding]:
    """H2 (Sec. 4.1, 4.2, Tables 2 and 3). At the largest size, each arm at its best length:
    scratch is shown to be less than the margin behind, or ahead. Contradicted only on all of COCO,
    where it is shown to be more than the margin behind. Less of COCO is H9's, VOC is H13's.
    """
    for system, arm, size in _largest(systems):
        if system.data == "voc" or (system.data == "coco" and size < FULL):
            continue
        gap = system.gap(arm, size)
        verdict = above(system, gap, -MARGIN)
        text = f"{SCRATCH} minus {arm} {_said(gap)}"
        if verdict is False and not _enough(system, size):
            verdict, text = None, text + FEWER
        yield _finding(system, size, verdict, text, gap)


def saturation(systems: Sequence[System]) -> Iterator[Finding]:
    """H3 (Table 1). The pre-trained arm gains at most 0.8 AP from a third of the longest length to
    the longest, as from 2x to 6x; where no length is just a third, from a shorter one.
    Contradicted where from a third, or later, it gains more than that, and more than scratch does:
    less than scratch it may gain because the longest length is short.
    """
    for system, arm, size in _largest(systems):
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
            text = f"{arm} gains {_said(gain)} from {number(at)} to {number(last)} iterations"
            slower = None
            if at in own and last in own:
                scratch = [(1, own[last]), (-1, own[at])]
                slower = system.contrast(scratch, value)
                text += f", {SCRATCH} {_said(slower)}"
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
            yield _finding(system, size, verdict, *shown)


def same_settings(systems: Sequence[System]) -> Iterator[Finding]:
    """H4 (Sec. 3, 5.2). Scratch with the pre-trained arm's values, at the largest size where that
    was run: shown to lose less than the margin against its own values. Where scratch never had its
    own: supported if it reaches the pre-trained arm all the same; if not, that may have any cause.
    Contradicted at any size: it is a claim about values.
    """
    for system, arm in _pairs(systems):
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
                text = f"{SCRATCH} minus {arm}, with one setting for both, {_said(gap)}"
                yield _finding(system, size, verdict, text, gap)
            elif alike[SCRATCH] == alike[given]:
                text = f"{SCRATCH} and {arm} chose the same values, so that nothing can be lost"
                yield Finding(None, _placed(system, size, text))
            else:
                text = f"{SCRATCH} with {arm}'s values minus with its own {_said(lost)}"
                yield _finding(system, size, above(system, lost, -MARGIN), text, lost)
            break


def normalisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H5 (Sec. 3). From scratch, the same network with frozen BatchNorm ends more than the margin
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
            text = f"{SCRATCH} with frozen BatchNorm minus with {works.norm} {_said(lost)}"
            yield _finding(works, size, verdict, text, lost)


def sample_budget(systems: Sequence[System]) -> Iterator[Finding]:
    """H7 (Sec. 4.1, Fig. 2). Scratch catches up when it has seen as many pixels, not instances or
    images. It does so after the last length at which it is shown to be more than the margin below
    the pre-trained arm's best, and no later than the first at which it is shown not to be. A
    currency fits if its break-even lies there, give or take a factor of two: the ladder's steps.
    Supported if pixels fit alone, contradicted if they do not and another does.
    """
    for system, arm, size in _largest(systems):
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
        ends = listed(f"{_thousands(even[name])} by {name}" for name in even)
        text = (
            f"{SCRATCH} catches up with {arm} between {number(short[-1])} and {number(there)}"
            f" iterations; it has seen as much after {ends}"
        )
        yield _finding(system, size, verdict, text, gaps[there])


def localisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H8 (Sec. 4.1, Table 2; Sec. 4.3, Fig. 6). Scratch minus pre-trained is larger in box AP75
    than in AP50, at the largest size. Only where the arms' box APs are less than 1 point apart:
    else the difference of the whole shows in AP50 most. Keypoints: at the shortest length scratch
    is shown to be less than the margin behind; contradicted where it is shown to be more.
    """
    for system, arm, size in _largest(systems):
        value = system.main(arm)
        keypoints = "Keypoint" in system.kind
        if keypoints:
            own, other = (system.ladder(name, size, value) for name in (SCRATCH, arm))
            if lengths := [length for length in own if length in other]:
                at = lengths[0]
                gap = system.contrast([(1, own[at]), (-1, other[at])], value)
                text = f"{SCRATCH} minus {arm} {_said(gap)} at {number(at)} iterations"
                yield _finding(system, size, above(system, gap, -MARGIN), text, gap)
            continue
        gaps = [system.gap(arm, size, score(f"{name}_box")) for name in ("AP50", "AP75")]
        more = system.gap(arm, size, _sharper)
        apart = system.gap(arm, size)
        if math.isnan(more.mean) or abs(apart.mean) > 2 * MARGIN:
            continue
        less, most = (_signed(gap.mean) for gap in gaps)
        text = f"{SCRATCH} minus {arm} is {less} in AP50 and {most} in AP75"
        text += f", so {_said(more)} more" if more.has_interval else ""
        yield _finding(system, size, above(system, more, 0), text, more)


def regularisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H9 (Sec. 5.2, Fig. 7). With the values tuned for the pre-trained arm, scratch equals it: the
    difference is shown to be within the margin, at the largest size where both had them.
    Contradicted on 10,000 or more images of COCO alone. That pre-training overfits with full
    COCO's settings is in a curve only.
    """
    for system, arm in _pairs(systems):
        main = system.main(arm)
        for size in reversed(system.sizes(arm)):
            gap = system.paired((SCRATCH, arm), (arm, arm), size, main)
            if gap is None:
                continue
            verdict = within(system, gap)
            text = f"with {arm}'s values {SCRATCH} minus {arm} {_said(gap)}"
            if verdict is False and not _enough(system, size):
                verdict, text = None, text + FEWER
            yield _finding(system, size, verdict, text, gap)
            break


def tenth(systems: Sequence[System]) -> Iterator[Finding]:
    """H10 (Sec. 5.2). With 10,000 images of COCO, a quarter more or less, the arms are shown to be
    within the margin of each other, and scratch needs the longer training.
    """
    for system, arm in _pairs(systems):
        for size in _near(system, arm, BROKEN):
            main = system.main(arm)
            gap = system.gap(arm, size)
            (_, own), (_, other) = (
                system.reached(name, size, main, main) for name in (SCRATCH, arm)
            )
            verdict, longer = within(system, gap), own and other and own > other
            text = f"{SCRATCH} minus {arm} {_said(gap)}"
            if own and other:
                times = f", {own / other:.1f} times as many" if longer else ""
                text += f", after {number(own)} and {number(other)} iterations{times}"
            verdict = verdict if verdict is False or longer else None
            yield _finding(system, size, verdict, text, gap)


def breakdown(systems: Sequence[System]) -> Iterator[Finding]:
    """H11 (Sec. 5.2). With the fewest images scratch is more than the margin behind, and further
    than with the most. On COCO, if there are runs of both: within the margin at 10,000 images, and
    behind at 3,500. Contradicted where scratch is behind with the most alone, or where one of the
    two on COCO is shown not to be so. With hardly any AP there is little to be behind by,
    so that a smaller gap at the fewest images refutes nothing.
    """
    for system, arm in _pairs(systems):
        sizes = system.sizes(arm)
        if len(sizes) < 2 or system.data == "voc":
            continue
        main = system.main(arm)
        least, most = sizes[0], sizes[-1]
        gaps = {size: system.gap(arm, size) for size in sizes}
        ends = [
            (sign, system.reached(name, size, main, main)[0])
            for size, name, sign in (
                *((least, SCRATCH, 1), (least, arm, -1)),
                *((most, SCRATCH, -1), (most, arm, 1)),
            )
        ]
        grows = above(system, system.contrast(ends, main), 0)
        parts = [_not(above(system, gaps[least], -MARGIN)), _not(grows)]
        parts += [within(system, gaps[size]) for size in _near(system, arm, BROKEN)]
        behind = [above(system, gaps[size], -MARGIN) for size in _near(system, arm, 3_500)]
        parts += map(_not, behind)
        verdict = True if all(parts) else None
        upside_down = parts[0] is False and above(system, gaps[most], -MARGIN) is False
        if upside_down or any(part is False for part in parts[2:]):
            verdict = False
        shown = listed(f"{_said(gaps[size])} with {number(size)}" for size in sizes)
        text = f"{SCRATCH} minus {arm} {shown} images"
        yield _finding(system, None, verdict, text, gaps[least])


def generalisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H12 (Sec. 5.2, Fig. 8). At the smallest size, if scratch is shown to be more than the margin
    behind there: its training loss at the end is shown to be no more than a tenth above the
    pre-trained arm's. Contradicted where it is shown to be more. The paper shows curves alone.
    """

    def logarithm(run: Run) -> float:
        loss = score("loss")(run)
        return math.log(loss) if loss > 0 else math.nan

    for system, arm in _pairs(systems):
        size = system.sizes(arm)[0]
        gap, loss = system.gap(arm, size), system.gap(arm, size, logarithm)
        if above(system, gap, -MARGIN) is not False or math.isnan(loss.mean):
            continue
        verdict = _not(above(system, loss, math.log1p(LOSSES_MEET)))
        ratios = [f"{math.exp(end):.2f}" for end in (loss.mean, loss.low, loss.high)]
        told = f"{ratios[0]}{_interval(loss, *ratios[1:])}"
        text = f"{SCRATCH} minus {arm} {_said(gap)}, while its training loss is {told} times"
        yield _finding(system, size, verdict, f"{text} the other's", loss)


def instances(systems: Sequence[System]) -> Iterator[Finding]:
    """H13 (Sec. 5.2). On VOC scratch is shown to stay more than the margin behind, however long it
    was trained, which is longer than the other. Contradicted where it is shown to catch up. That
    few instances and classes are the cause is not tested by it.
    """
    for system, arm, size in _largest(systems):
        if system.data != "voc":
            continue
        main = system.main(arm)
        gap, (_, length) = system.gap(arm, size), system.reached(arm, size, main, main)
        longest = max(system.ladder(SCRATCH, size, main), default=0)
        behind = above(system, gap, -MARGIN)
        longer = length is not None and longest > length
        verdict = False if behind is True else True if behind is False and longer else None
        text = f"{SCRATCH} minus {arm} {_said(gap)}"
        if length and longest:
            text += f", trained up to {longest / length:.1f} times as long"
        yield _finding(system, size, verdict, text, gap)


def augmentation(systems: Sequence[System]) -> Iterator[Finding]:
    """H14 (Sec. 4.2, Fig. 5). What scratch lacks is shown to be less with scale augmentation in
    training than without, in the same network and size. Contradicted where it is shown to be more.
    """
    for plain in systems:
        for strong in systems:
            same = [getattr(plain, k) == getattr(strong, k) for k in ("data", "backbone", "norm")]
            if strong.kind != f"{plain.kind} + train aug" or not all(same):
                continue
            for arm in (one for one in plain.arms if one in strong.arms):
                sizes = set(plain.sizes(arm)) & set(strong.sizes(arm))
                if not sizes:
                    continue
                size, main = max(sizes), plain.main(arm)
                terms = [
                    (sign * side, system.reached(name, size, main, main)[0])
                    for system, sign in ((strong, 1), (plain, -1))
                    for name, side in ((SCRATCH, 1), (arm, -1))
                ]
                more = plain.contrast(terms, main)
                text = f"{SCRATCH} minus {arm} changes by {_said(more)} with scale augmentation"
                yield _finding(strong, size, above(plain, more, 0), text, more)


def larger_models(systems: Sequence[System]) -> Iterator[Finding]:
    """H15 (Sec. 4.2, Table 3). From scratch, a network larger than another here ends its longest
    training shown to be no more than the margin below its best shorter one. Contradicted where it
    is shown to fall by more.
    """
    for system in systems:
        smaller = [
            other
            for other in systems
            if {system.backbone, other.backbone} <= set(LARGER)
            and LARGER.index(other.backbone) < LARGER.index(system.backbone)
            and (other.kind, other.data, other.norm) == (system.kind, system.data, system.norm)
        ]
        if not smaller or not (sizes := system.sizes(SCRATCH)):
            continue
        size, main = sizes[-1], system.main(SCRATCH)
        found = system.ladder(SCRATCH, size, main)
        if len(found) < 2:
            continue
        *before, last = found
        best = max(before, key=lambda length: mean_of(found[length]))
        change = system.contrast([(1, found[last]), (-1, found[best])], main)
        text = f"{SCRATCH} changes by {_said(change)} from {number(best)} to {number(last)}"
        verdict = above(system, change, -MARGIN)
        yield _finding(system, size, verdict, f"{text} iterations", change)


def _pairs(systems: Sequence[System]) -> Iterator[tuple[System, str]]:
    for system in systems:
        for arm in system.arms:
            yield system, arm


def _largest(systems: Sequence[System]) -> Iterator[tuple[System, str, int]]:
    for system, arm in _pairs(systems):
        yield system, arm, system.sizes(arm)[-1]


def _near(system: System, arm: str, size: int) -> list[int]:
    """The sizes of COCO that are that one, a quarter more or less."""
    if system.data != "coco":
        return []
    return [one for one in system.sizes(arm) if abs(one - size) <= size / 4]


def _enough(system: System, size: int) -> bool:
    """Whether there are so many images that the paper saw no breakdown."""
    return system.data == "coco" and size >= BROKEN


def _sharper(run: Run) -> float:
    return score("AP75_box")(run) - score("AP50_box")(run)


def _not(verdict: Verdict) -> Verdict:
    return None if verdict is None else not verdict


def _finding(
    system: System, size: int | None, verdict: Verdict, text: str, found: stats.Difference
) -> Finding:
    return Finding(verdict, _placed(system, size, text), not found.has_interval)


def _placed(system: System, size: int | None, text: str) -> str:
    place = [system.name] if system.name else []
    place += [images(size)] if size is not None else []
    return f"{', '.join(place)}: {text}" if place else text


def _said(found: stats.Difference) -> str:
    ends = points(found.low), points(found.high)
    return f"{_signed(found.mean)} AP{_interval(found, *ends)}"


def _interval(found: stats.Difference, low: str, high: str) -> str:
    level = f"{found.level * 100:g}\u00a0% interval"
    return f" ({level} {low} to {high})" if found.has_interval else ""


def _signed(value: float) -> str:
    value = round(value, 9) + 0.0  # the paper's decimals, and no minus before a zero
    return ("+" if value > 0 else "") + points(value)


def _thousands(value: float) -> str:
    return number(round(value, -3) if value >= 10_000 else round(value))
