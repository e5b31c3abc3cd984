"""Whether a trial's configuration is one, and of the study in whose folder it lies.

A folder that was merged from two, or restored by half, holds trials of another question. Each of
them is whole, and together they would give a wrong answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from study.config.printable import brief, is_text
from study.storage.run_dir.json_text import Damaged
from study.storage.run_dir.study_dir import flat
from study.storage.run_dir.trial_dir import TrialDir

ROLES = ("tune", "audit", "confirm")
PLACE = ("arm", "size", "seed", "draw")
"""What a trial's run says of its place in the study, and beside the run its configuration."""
ROLE = ("role", "index", "strategy")
REPEATED = ("arm", "size", "optim", "schedule", "seed", "draw")
"""In what two confirm runs of a study are never the same, all of it together."""
WHOLE = ("size", "seed", "draw", "index")  # numbers among them; the others are text


def require_configured(trial: TrialDir, config: dict[str, Any]) -> None:
    """Refuse a trial's configuration that lacks what all readers need, or has other kinds of it.

    Raises:
        Damaged: names the file and the field.
    """
    file = trial.store.at("config.json")
    try:
        run = config["run"]
        found = {key: run[key] for key in PLACE} | {key: config[key] for key in ROLE}
        _ = [run["schedule"][key][-1] for key in ("lengths", "factors")]
        _ = run["split"], run["optim"]["batch_size"]
    except KeyError as error:
        raise Damaged(f"{file}: has no {error.args[0]}") from error
    except (TypeError, IndexError, AttributeError) as error:
        raise Damaged(f"{file}: is not what a study writes ({error})") from error
    for key, value in found.items():
        if not (type(value) is int if key in WHOLE else is_text(value)):
            rule = "must be a whole number" if key in WHOLE else "must be text"
            raise Damaged(f"{file}: {key} = {brief(value)}: {rule}")


def require_own(trial: TrialDir, config: dict[str, Any], question: dict[str, Any]) -> None:
    """Refuse a trial of another study, and a configuration that is none (`require_configured`).

    Args:
        config: the trial's.
        question: the study's. Only what both of them say is compared.

    Raises:
        Damaged: names the file, the field, and both values.
    """
    require_configured(trial, config)
    run = config["run"]
    said = [("role", config["role"], ROLES)]
    said += [(key, run[key], question.get(f"{key}s")) for key in ("arm", "size")]
    for key, value, allowed in said:
        if allowed and value not in allowed:
            there = ", ".join(map(str, allowed))
            _refuse(trial, f"{key} = {brief(value)}, and the study has {there}")
    asked, own = flat(question.get("fixed") or {}), flat(run)
    for key in asked.keys() & own.keys():
        if asked[key] != own[key]:
            _refuse(
                trial, f"run.{key} = {brief(own[key])}, and the study's is {brief(asked[key])}"
            )


def require_repeats(study: object, runs: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse two confirm runs that are one, of which only one would count.

    Args:
        study: the folder, or where it lies.
        runs: of the confirm runs the id and the configuration's run.

    Raises:
        Damaged: names both, their seed and their draw.
    """
    first: dict[str, str] = {}
    for there, run in runs:
        repeated = json.dumps({name: run.get(name) for name in REPEATED}, sort_keys=True)
        if (other := first.setdefault(repeated, there)) != there:
            raise Damaged(
                f"{study}: confirm runs {other} and {there} have one setting, seed {run['seed']}"
                f" and draw {run['draw']}: no study runs it twice; move the one that is none of it"
                " out of trials/"
            )


def _refuse(trial: TrialDir, why: str) -> None:
    raise Damaged(
        f"{trial.store.at('config.json')}: {why}: it is of another study; move its folder out of"
        " trials/"
    )
