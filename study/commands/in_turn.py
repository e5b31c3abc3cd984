"""`--sizes auto`: a study that finds its sizes itself, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from study.commands.common import DONE
from study.planning import crossing
from study.planning.confirming.enough import MARGIN
from study.planning.design import Design
from study.planning.plan import Plan
from study.storage.run_dir import StudyDir


def first(asked: Design, study: StudyDir) -> Design:
    """The design with the sizes that the study has; a new one begins with its two ends."""
    sizes = asked.space.scientific.sizes
    if study.exists:
        return with_sizes(asked, tuple(study.manifest["question"]["sizes"]))
    return with_sizes(asked, tuple(sorted({sizes[0], sizes[-1]})))


def with_sizes(asked: Design, sizes: tuple[int, ...]) -> Design:
    """The design with other sizes."""
    scientific = replace(asked.space.scientific, sizes=tuple(sorted(sizes)))
    return replace(asked, space=replace(asked.space, scientific=scientific))


def run(
    asked: Design, begin: Callable[[Design], tuple[int, Plan]], say: Callable[[str], None]
) -> int:
    """Begin the design, and again with a further size while that tells more.

    Args:
        asked: with the sizes to begin with.
        begin: runs a design to its end; returns the exit status and the plan that was followed.
        say: is told in a line which size comes next, or why none does.

    Returns:
        The exit status of the last run.
    """
    while True:
        status, plan = begin(asked)
        if status != DONE:
            return status
        known = crossing.leads(plan)
        others = [size for size in asked.space.scientific.sizes if size not in known]
        size, why = crossing.next_size(known, asked.budget.within or MARGIN, others)
        if size is None:
            say(f"sizes: no further one: {why}")
            return status
        say(f"sizes: {size:,} images come next: {why}")
        asked = with_sizes(asked, (*asked.space.scientific.sizes, size))
