"""Options that fit, and would change nothing: whoever gives one believes that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.config.checks.require import require
from study.planning.design import Design

if TYPE_CHECKING:
    from study.commands.options.sweep import Sweep

ALL_RUN = "no trial stops early with --stopping none; leave one of them out"


def require_used(sweep: Sweep, asked: Design) -> None:
    """Refuse an option that the study has no use for.

    Raises:
        ValueError: names the option, and what it needs.
    """
    spend, tuning, budget = sweep.budget, sweep.tuning, asked.budget
    all_run = asked.stopping is None
    for name, value, usual, idle, rule in (
        (
            *("most_confirm", spend.most_confirm, None, budget.within is None),
            "only with --within AP, which says when runs are enough; or give --confirm",
        ),
        (
            *("max_length", spend.max_length, None, not asked.grows),
            "only where lengths grow: give --growth 1.5 too, or --lengths",
        ),
        ("audit", spend.audit or None, None, all_run, ALL_RUN),
        ("compare", tuning.compare, type(tuning).compare, all_run, ALL_RUN),
        (
            *("paired", tuning.paired, type(tuning).paired, asked.search.then is None),
            "says when --then takes over, and nothing does here; leave it out",
        ),
        (
            *("cross", spend.cross, None, (spend.cross or 0) > budget.confirm),
            f"of {budget.confirm} confirm runs; at most so many, or give more with --confirm",
        ),
    ):
        require(value == usual or not idle, name, value, rule)
