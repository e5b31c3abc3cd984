"""Run directories of earlier versions, read as this one writes them.

They are people's data. What an earlier version wrote otherwise is translated here, where it is
read, and nowhere else; a file that this version wrote comes back as it is.
"""

from __future__ import annotations

from typing import Any

BODY = {
    "backbone": "name",
    "norm": "norm",
    "norm_groups": "norm_groups",
    "frozen_stages": "frozen_stages",
    "stride_1x1": "stride_1x1",
    "pixel_mean": "pixel_mean",
    "pixel_std": "pixel_std",
}
"""Fields that a model had before its body was a configuration of its own, and their names now."""


INIT_REPORT = "init_audit.json"
"""What a trial's init_report.json was called."""


def trial_config(config: dict[str, Any]) -> dict[str, Any]:
    """The contents of a trial's config.json."""
    return config | {"run": run(config["run"])} if "run" in config else config


def manifest(content: dict[str, Any]) -> dict[str, Any]:
    """The contents of study.json."""
    question = content.get("question", {})
    if "fixed" in question:
        question = question | {"fixed": run(question["fixed"])}
    if "lr" in question.get("nuisance", {}):
        question = question | {"nuisance": _nuisance(question["nuisance"])}
    if isinstance(question.get("search"), str):
        question = {key: value for key, value in question.items() if key not in ("grid", "paired")}
        question["search"] = _search(content["question"])
    stopping = question.get("stopping") or {}
    if "best" in stopping:
        others = {key: value for key, value in stopping.items() if key != "best"}
        question = question | {"stopping": others | {"trials": stopping["best"]}}
    return content | {"question": question}


def run(config: dict[str, Any]) -> dict[str, Any]:
    """A run's configuration, or what a question holds of one."""
    model = config.get("model", {})
    if "backbone" not in model:
        return config
    own = {key: value for key, value in model.items() if key not in (*BODY, "name")}
    body = {now: model[before] for before, now in BODY.items() if before in model}
    return config | {"model": own | {"body": body}}


def _nuisance(before: dict[str, Any]) -> dict[str, Any]:
    """Learning rate and weight decay were fields of their own before any could be searched."""
    names = ("lr", "weight_decay")
    others = {key: value for key, value in before.items() if key not in names}
    return others | {"ranges": {name: before[name] for name in names}}


def _search(question: dict[str, Any]) -> dict[str, Any]:
    """`sobol+tpe` was one strategy before the start and what follows it were two choices."""
    first, _, then = question["search"].partition("+")
    return {
        "first": first,
        "then": then or None,
        "paired": question.get("paired"),
        "points": question.get("grid"),
    }
