"""Which trials stop early: a file for each rule, and the rungs at which all of them decide.

A new rule is a file with a `Rule` in it, and its field in `Rules`: the field's name is what
`--stopping` takes, its own fields are its options (`--halving.eta 3`), and its places at each rung
are what the bill counts with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from study.config.checks.meant import hint
from study.config.checks.require import require
from study.planning.stopping.halving import Halving
from study.planning.stopping.keep_best import KeepBest
from study.planning.stopping.rule import Rule
from study.planning.stopping.rungs import (
    Decision,
    Metric,
    Rungs,
    Stopping,
    Wait,
    box_ap,
    is_audited,
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Every rule with its options."""

    halving: Halving = field(default_factory=Halving)
    best: KeepBest = field(default_factory=KeepBest)

    def named(self, name: str) -> Rule | None:
        """The rule of that name with its options; None for "none".

        Raises:
            ValueError: no such rule; or options of one that is not chosen.
        """
        names = [one.name for one in fields(self)]
        choices = (*names, "none")
        rule = f"{hint(name, choices)}one of {', '.join(choices)}"
        require(name in choices, "stopping", name, rule)
        for one in fields(self):
            own = getattr(self, one.name)
            for option in fields(own):
                value = getattr(own, option.name)
                unused = one.name != name and value != option.default
                rule = f"only with --stopping {one.name}, which this study does not use"
                require(not unused, f"{one.name}.{option.name}", value, rule)
        return None if name == "none" else getattr(self, name)


def recorded(question: dict[str, Any] | None) -> Stopping | None:
    """How a study stops trials, from what its manifest says (`Stopping.question`)."""
    if question is None:
        return None
    options = {key: value for key, value in question.items() if key not in ("rule", "by")}
    rule = Rules().named(question["rule"])
    assert rule is not None
    return Stopping(type(rule)(**options), question["by"])


__all__ = [
    "Decision",
    "Halving",
    "KeepBest",
    "Metric",
    "Rule",
    "Rules",
    "Rungs",
    "Stopping",
    "Wait",
    "box_ap",
    "is_audited",
    "recorded",
]
