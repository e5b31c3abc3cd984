"""Whether a trial is one of the study in whose folder it lies.

A folder that was merged from two, or restored by half, holds trials of another question. Each of
them is whole, and together they would give a wrong answer.
"""

from __future__ import annotations

from typing import Any

from study.config.printable import brief
from study.storage.run_dir.json_text import Damaged
from study.storage.run_dir.study_dir import flat
from study.storage.run_dir.trial_dir import TrialDir

ROLES = ("tune", "audit", "confirm")


def require_own(trial: TrialDir, config: dict[str, Any], question: dict[str, Any]) -> None:
    """Refuse a trial of another study.

    Args:
        config: the trial's.
        question: the study's. Only what both of them say is compared.

    Raises:
        Damaged: names the file, the field, and both values.
    """
    run = config.get("run")
    if not isinstance(run, dict):
        return
    said = [("role", config.get("role"), ROLES)]
    said += [(key, run.get(key), question.get(f"{key}s")) for key in ("arm", "size")]
    for key, value, allowed in said:
        if value is not None and allowed and value not in allowed:
            there = ", ".join(map(str, allowed))
            _refuse(trial, f"{key} = {brief(value)}, and the study has {there}")
    asked, own = flat(question.get("fixed") or {}), flat(run)
    for key in asked.keys() & own.keys():
        if asked[key] != own[key]:
            _refuse(
                trial, f"run.{key} = {brief(own[key])}, and the study's is {brief(asked[key])}"
            )


def _refuse(trial: TrialDir, why: str) -> None:
    raise Damaged(
        f"{trial.store.at('config.json')}: {why}: it is of another study; move its folder out of"
        " trials/"
    )
