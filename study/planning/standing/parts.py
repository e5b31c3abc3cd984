"""Which part of a study runs, and how many of its trainings have ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.planning.plan import Plan

PARTS = ("tuning", "confirm runs", "audits of stopped trials")


@dataclass(frozen=True)
class Standing:
    """How far a study is. What it will need is known as far as it has decided it."""

    part: int  # the earliest of PARTS that has something left; their number if none has
    parts: int  # that the study has
    ended: int  # trainings
    total: int

    @property
    def told(self) -> str:
        """In words: `tuning (part 1 of 2), 3 of 12 trainings ended`."""
        counted = f"{self.ended} of {self.total} trainings ended"
        if self.part == len(PARTS):
            return counted
        # sizes are tuned one by one, so that one may be confirmed while another is tuned
        return f"{PARTS[self.part]} (part {self.part + 1} of {self.parts}), {counted}"


def standing(plan: Plan) -> Standing:
    """How far the study is now."""
    remaining = plan.remaining().values()
    audits = len(plan.audits_left())
    left = [sum(tuning for tuning, _ in remaining), sum(runs for _, runs in remaining), audits]
    states = [state for cell in plan.design.cells for state in plan.states(cell).values()]
    ended = sum(state is not None and state.is_final for state in states)
    budget = plan.design.budget
    parts = 3 if audits or budget.audit else 2 if plan.design.confirm_runs else 1
    part = next((at for at, number in enumerate(left) if number > 0), len(PARTS))
    return Standing(part, parts, ended, ended + sum(left))
