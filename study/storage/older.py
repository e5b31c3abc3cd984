"""Run directories of earlier versions, read as this one writes them.

They are people's data. What an earlier version wrote otherwise is translated here, where it is
read, and nowhere else; a file that this version wrote comes back as it is.
"""

from __future__ import annotations

import itertools
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
    if "command" in content:
        content = content | {"command": command(content["command"])}
    return content | {"question": question}


OPTIONS: dict[str, tuple[str, ...]] = {
    "--no-stopping": ("--stopping", "none"),
    "--keep": ("--stopping", "best", "--best.trials"),
    "--eta": ("--halving.eta",),
    "--bracket": ("--halving.bracket",),
    "--earliest": ("--halving.earliest",),
    "--rung": ("--compare",),
}
"""Options of the sweep that had other names, and what is said now."""
VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("--search", "sobol+tpe"): ("--search", "sobol", "--then", "tpe"),
}


def command(words: list[str]) -> list[str]:
    """The command that a study was begun with, as it is typed now: it is shown, to go on with."""
    said: list[str] = []
    for word in itertools.chain.from_iterable(map(_parted, words)):
        before = said.pop() if said and (said[-1], word) in VALUES else None
        said += VALUES[before, word] if before else OPTIONS.get(word, (word,))
    return said


def _parted(word: str) -> list[str]:
    """--eta=3 as --eta 3."""
    name, equals, value = word.partition("=")
    return [name, value] if equals and (name in OPTIONS or (name, value) in VALUES) else [word]


def run(config: dict[str, Any]) -> dict[str, Any]:
    """A run's configuration, or what a question holds of one."""
    if "arithmetic" not in config:
        config = config | {"arithmetic": 1}
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
    return others | {"ranges": {name: before[name] for name in names if name in before}}


def _search(question: dict[str, Any]) -> dict[str, Any]:
    """`sobol+tpe` was one strategy before the start and what follows it were two choices."""
    first, _, then = question["search"].partition("+")
    return {
        "first": first,
        "then": then or None,
        "paired": question.get("paired"),
        "points": question.get("grid"),
    }
