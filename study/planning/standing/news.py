"""What a study has decided, in words: said once, when it happens."""

from __future__ import annotations

from study.config import LogUniform
from study.planning.ladder.growing import Lengthening
from study.planning.ladder.growth import MARGIN
from study.planning.search.range_extension import Extension
from study.planning.stopping import Wait


def waits(trial_id: str, wait: Wait) -> str:
    """Why a trial is set aside."""
    have = "has" if wait.come == 1 else "have"
    return (
        f"{trial_id} waits at length {wait.length}: {wait.come} of the {wait.number} trials"
        f" compared there {have} come so far; decided when all have, at the latest"
    )


def extends(extension: Extension, trials: int) -> str:
    """Why a range is extended; `trials` of each arm search beyond its end."""
    name, before, after = extension.strip.name, extension.before, extension.after
    end = {"low": "lower", "high": "upper"}[extension.strip.side]
    number = "1 more trial" if trials == 1 else f"{trials} more trials"
    return (
        f"{name.replace('_', ' ')} at {extension.size} images: the best of"
        f" {' and '.join(extension.arms)} lies at the {end} end of {_range(before)}; extended to"
        f" {_range(after)}, with {number} of every arm there"
    )


def lengthens(longer: Lengthening) -> str:
    """Why trials go on to a longer length."""
    why = "it was asked for"
    if longer.arms:
        gains = "gains" if len(longer.arms) == 1 else "gain"
        why = (
            f"{' and '.join(longer.arms)} {gains} more than {MARGIN:g} AP from the longest,"
            f" {longer.before}"
        )
    number = "1 trial goes" if longer.trials == 1 else f"{longer.trials} trials go"
    return f"lengths at {longer.size} images: {why}; {number} on to {longer.after}"


def _range(limits: LogUniform) -> str:
    return f"{limits.low:.3g} to {limits.high:.3g}"
