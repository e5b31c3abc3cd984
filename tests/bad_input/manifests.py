"""Values that JSON can hold and no study writes, in study.json, standing.json and events.jsonl."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case
from tests.bad_input.run_directories import COMMANDS, TRIAL, finished

EVENTS = f"{TRIAL}/events.jsonl"
BACK = "bring it back from a copy of the folder"
NOTE = {
    "standing": {"part": 0, "parts": 2, "ended": 1, "total": 8},
    "seconds": 1.0,
    "seconds_left": None,
    "time": 1.7e9,
}
Change = Callable[[dict[str, Any]], None]


def _put(name: str, value: object) -> Change:
    """A dotted name's value is another one; `...`: it is not there."""

    def change(content: dict[str, Any]) -> None:
        *above, last = name.split(".")
        for part in above:
            content = content[part]
        if value is ...:
            del content[last]
        else:
            content[last] = value

    return change


def _case(command: str, file: str, name: str, value: object, *says: str) -> Case:
    def make(folder: Path) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        place = folder / "run" / file
        if file == "standing.json":
            place.write_text(json.dumps(NOTE))
        first, *others = (
            [place.read_text()] if file.endswith(".json") else place.read_text().splitlines(True)
        )
        content = {k: v for k, v in json.loads(first).items() if k != "check"}
        if file == "study.json":
            content["command"] = ["python", "-m", "study.sweep"]
        _put(name, value)(content)
        place.write_text(json.dumps(content) + "\n" + "".join(others))
        (folder / "run" / f"{file}.copy").unlink(missing_ok=True)
        return list(COMMANDS[command])

    shown = "is not there" if value is ... else f"= {value!r}"
    return Case(f"{command}: {file}: {name} {shown}", make, (f"run/{file}: ", *says))


KINDS: tuple[tuple[str, object, str], ...] = (
    ("command", None, "must be a list of words"),
    ("command", ["python", 3], "must be a list of words"),
    ("command", "python", "must be a list of words"),
    ("completed", None, "as text"),
    ("chance", "x", "an object of numbers"),
    ("chance", {"tune": None}, "an object of numbers"),
    ("per_image", "x", "an object of numbers"),
    ("per_image", {"24": {"instances": "x"}}, "an object of numbers"),
    ("report_images", -1, "the folder of the images"),
    ("versions", "x", "an object of texts"),
    ("budget", "x", "an object"),
    ("budget", None, "an object"),
    ("budget.max_hours", "x", "a number"),
    ("question.space", 3, "must be text"),
    ("question.sizes", [10**30], "whole numbers from 1 on"),
    ("question.sizes", [None], "whole numbers from 1 on"),
    ("question.search", 3, "names of strategies"),
    ("question.stopping", "x", "null, or an object"),
    ("question.nuisance", None, "an object"),
    ("question.nuisance.ranges", [], "an object of ranges"),
    ("question.fixed.model", None, "an object"),
    ("question.fixed.optim.batch_size", 1.5, "a whole number"),
    ("question.data", [], "an object of digests"),
)
"""Fields of study.json: whoever reads it refuses them."""
VALUES: tuple[tuple[str, object, str], ...] = (
    ("question.search.points", float("nan"), "question.search = "),
    ("budget.trials", "x", "budget: "),
    ("budget.trials", -3, "at least 1"),
    ("budget.confirm", 10**30, "confirm = "),
    ("question.nuisance.lengths", "x", "question.nuisance: "),
    ("question.nuisance.ranges.lr", {"low": "x", "high": 1}, "question.nuisance: "),
    ("question.fixed.schedule", {"tail": "x"}, "question.fixed.schedule: "),
    ("question.fixed.model.body", 3, "question.fixed.model: "),
)
"""Those that a configuration of ours refuses: one line, with the file and the field."""
MISSING = ("space", "arms", "sizes", "search", "schedule", "nuisance", "nuisance.ranges")
NUMBERS: tuple[tuple[str, object], ...] = (
    ("seconds", None),
    ("seconds", "x"),
    ("seconds_left", "x"),
    ("time", float("inf")),
    ("time", []),
    ("standing.part", 99),
    ("standing.part", "x"),
    ("standing.ended", None),
    ("standing.total", 1.5),
)

CASES = [
    *(
        _case(command, "study.json", name, value, f"{name} = ", rule, BACK)
        for name, value, rule in KINDS
        for command in (COMMANDS if name == "command" else ("status", "analysis"))
    ),
    *(
        _case(command, "study.json", name, value, rule, BACK)
        for name, value, rule in VALUES
        for command in ("status", "analysis")
    ),
    *(
        _case(command, "study.json", f"question.{name}", ..., "has no question.", BACK)
        for name in MISSING
        for command in COMMANDS
        if (command, name) != ("analysis", "nuisance")  # one that searches nothing has an answer
    ),
    _case("status", "study.json", "budget", ..., "has no budget", BACK),
    _case(
        *("analysis", "study.json", "question.stopping", {"rule": "luck", "by": "tail"}),
        *("question.stopping = ", "must be a rule of this program"),
    ),
    *(
        _case("status", "standing.json", name, value, f"{name} = ", "the sweep writes it anew")
        for name, value in NUMBERS
    ),
    *(
        _case("status", EVENTS, name, value, f"line 1: {name} = ", "sets it aside")
        for name, value in (
            ("device_seconds", "x"),
            ("images_spent", [1]),
            ("images_spent", 10**30),
            ("time", "now"),
            ("time", 1e30),
        )
    ),
]
