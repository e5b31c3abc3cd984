"""Numbers of training images that a study compares where none are given.

An eighth, a third and all of the images: enough to see whether the lead of an arm shrinks. They
follow from the number of images alone, and whether a GPU trains.
"""

from __future__ import annotations

from dataclasses import replace

from study.config import Nuisance

SHARES = (1 / 8, 1 / 3)
LEAST = 8  # images of a size
ONE, TWO = 16, 48  # below so many images there is one size, or two
CPU_MOST = 1000  # images of a size, where only CPUs train: more take days


def proposed(images: int, *, gpu: bool) -> tuple[int, ...]:
    """Ascending sizes of a set of `images` that can be trained on.

    Args:
        images: at least 1.
        gpu: whether one trains; otherwise the largest size is at most `CPU_MOST`.
    """
    most = images if gpu else min(images, CPU_MOST)
    shares = () if images < ONE else SHARES[-1:] if images < TWO else SHARES
    return tuple(sorted({*(max(LEAST, _friendly(most * share)) for share in shares), most}))


def longer_ladders(nuisance: Nuisance, largest: int) -> Nuisance:
    """Lengths that double with four times the images, from the longest that are given on."""
    longer = dict(nuisance.longer)
    while longer and (start := 4 * max(longer)) <= largest:
        longer[start] = tuple(2 * length for length in longer[max(longer)])
    return replace(nuisance, longer=longer)


def _friendly(number: float) -> int:
    """With two digits that are not 0."""
    return int(float(f"{number:.2g}"))
