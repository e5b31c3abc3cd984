"""The paper's claims H9 to H15, a function each: with fewer images, other data, other networks.

Tables, figures and sections are those of "Rethinking ImageNet Pre-training"; `judging`
says when a number decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from analysis.published.judging import (
    BROKEN,
    FEWER,
    MARGIN,
    Finding,
    above,
    compared,
    enough,
    finding,
    in_brackets,
    largest,
    opposite,
    said,
    sizes_near,
    within,
)
from analysis.published.observed import SCRATCH, Run, System, mean_of, score
from analysis.text.words import listed, number

LOSSES_MEET = 0.1  # share by which training losses may differ; ours, the paper shows curves
LARGER = ("resnet18", "resnet50", "resnet101", "resnext101_32x8d", "resnext152_32x8d")


def regularisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H9 (Sec. 5.2, Fig. 7). With the values tuned for the pre-trained arm, scratch equals it: the
    difference is shown to be within the margin, at the largest size where both had them.
    Contradicted on 10,000 or more images of COCO alone. That pre-training overfits with full
    COCO's settings is in a curve only.
    """
    for system, arm in compared(systems):
        main = system.main(arm)
        for size in reversed(system.sizes(arm)):
            gap = system.paired((SCRATCH, arm), (arm, arm), size, main)
            if gap is None:
                continue
            verdict = within(system, gap)
            text = f"with {arm}'s values {SCRATCH} minus {arm} {said(gap)}"
            if verdict is False and not enough(system, size):
                verdict, text = None, text + FEWER
            yield finding(system, size, verdict, text, gap)
            break


def tenth(systems: Sequence[System]) -> Iterator[Finding]:
    """H10 (Sec. 5.2). With 10,000 images of COCO, a quarter more or less, the arms are shown to be
    within the margin of each other, and scratch needs the longer training.
    """
    for system, arm in compared(systems):
        for size in sizes_near(system, arm, BROKEN):
            main = system.main(arm)
            gap = system.gap(arm, size)
            (_, own), (_, other) = (
                system.reached(name, size, main, main) for name in (SCRATCH, arm)
            )
            verdict, longer = within(system, gap), own and other and own > other
            text = f"{SCRATCH} minus {arm} {said(gap)}"
            if own and other:
                times = f", {own / other:.1f} times as many" if longer else ""
                text += f", after {number(own)} and {number(other)} iterations{times}"
            verdict = verdict if verdict is False or longer else None
            yield finding(system, size, verdict, text, gap)


def breakdown(systems: Sequence[System]) -> Iterator[Finding]:
    """H11 (Sec. 5.2). With the fewest images scratch is more than the margin behind, and further
    than with the most. On COCO, if there are runs of both: within the margin at 10,000 images, and
    behind at 3,500. Contradicted where scratch is behind with the most alone, or where one of the
    two on COCO is shown not to be so. With hardly any AP there is little to be behind by,
    so that a smaller gap at the fewest images refutes nothing.
    """
    for system, arm in compared(systems):
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
        parts = [opposite(above(system, gaps[least], -MARGIN)), opposite(grows)]
        parts += [within(system, gaps[size]) for size in sizes_near(system, arm, BROKEN)]
        behind = [above(system, gaps[size], -MARGIN) for size in sizes_near(system, arm, 3_500)]
        parts += map(opposite, behind)
        verdict = True if all(parts) else None
        upside_down = parts[0] is False and above(system, gaps[most], -MARGIN) is False
        if upside_down or any(part is False for part in parts[2:]):
            verdict = False
        shown = listed(f"{said(gaps[size])} with {number(size)}" for size in sizes)
        text = f"{SCRATCH} minus {arm} {shown} images"
        yield finding(system, None, verdict, text, gaps[least])


def generalisation(systems: Sequence[System]) -> Iterator[Finding]:
    """H12 (Sec. 5.2, Fig. 8). At the smallest size, if scratch is shown to be more than the margin
    behind there: its training loss at the end is shown to be no more than a tenth above the
    pre-trained arm's. Contradicted where it is shown to be more. The paper shows curves alone.
    """

    def logarithm(run: Run) -> float:
        loss = score("loss")(run)
        return math.log(loss) if loss > 0 else math.nan

    for system, arm in compared(systems):
        size = system.sizes(arm)[0]
        gap, loss = system.gap(arm, size), system.gap(arm, size, logarithm)
        if above(system, gap, -MARGIN) is not False or math.isnan(loss.mean):
            continue
        verdict = opposite(above(system, loss, math.log1p(LOSSES_MEET)))
        ratios = [f"{math.exp(end):.2f}" for end in (loss.mean, loss.low, loss.high)]
        told = f"{ratios[0]}{in_brackets(loss, *ratios[1:])}"
        text = f"{SCRATCH} minus {arm} {said(gap)}, while its training loss is {told} times"
        yield finding(system, size, verdict, f"{text} the other's", loss)


def instances(systems: Sequence[System]) -> Iterator[Finding]:
    """H13 (Sec. 5.2). On VOC scratch is shown to stay more than the margin behind, however long it
    was trained, which is longer than the other. Contradicted where it is shown to catch up. That
    few instances and classes are the cause is not tested by it.
    """
    for system, arm, size in largest(systems):
        if system.data != "voc":
            continue
        main = system.main(arm)
        gap, (_, length) = system.gap(arm, size), system.reached(arm, size, main, main)
        longest = max(system.ladder(SCRATCH, size, main), default=0)
        behind = above(system, gap, -MARGIN)
        longer = length is not None and longest > length
        verdict = False if behind is True else True if behind is False and longer else None
        text = f"{SCRATCH} minus {arm} {said(gap)}"
        if length and longest:
            text += f", trained up to {longest / length:.1f} times as long"
        yield finding(system, size, verdict, text, gap)


def augmentation(systems: Sequence[System]) -> Iterator[Finding]:
    """H14 (Fig. 5). What scratch lacks is shown to be less with scale augmentation in
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
                text = f"{SCRATCH} minus {arm} changes by {said(more)} with scale augmentation"
                yield finding(strong, size, above(plain, more, 0), text, more)


def larger_models(systems: Sequence[System]) -> Iterator[Finding]:
    """H15 (Table 3). From scratch, a network larger than another here ends its longest
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
        text = f"{SCRATCH} changes by {said(change)} from {number(best)} to {number(last)}"
        verdict = above(system, change, -MARGIN)
        yield finding(system, size, verdict, f"{text} iterations", change)
