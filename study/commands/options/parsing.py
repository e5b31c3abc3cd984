"""Options of a command line, and one line where they are none of the command's.

tyro says what is wrong in a box of many lines. What it says is read here, and said as all our
refusals are: the option, the value, the rule. `--help` is tyro's own.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import TypeVar

import tyro

from study.commands.options.given import (
    OPTION,
    at_home,
    is_repeated,
    require_here,
    require_once,
    values,
)
from study.config.checks.meant import close
from study.config.printable import shown

T = TypeVar("T")

MEANINGS = {
    "learning-rate": "lr",
    "wd": "weight-decay",
    "decay": "weight-decay",
    "batch": "batch-size",
    "bs": "batch-size",
    "backbone": "model",
    "network": "model",
    "arch": "model",
    "weights": "arms",
    "init": "arms",
    "epochs": "lengths",
    "steps": "lengths",
    "iterations": "lengths",
    "schedule-length": "lengths",
    "n-trials": "trials",
    "num-trials": "trials",
    "samples": "trials",
    "num-samples": "trials",
    "hours": "max-hours",
    "time": "max-hours",
    "jobs": "max-concurrent",
    "concurrency": "max-concurrent",
    "parallel": "max-concurrent",
    "num-workers": "workers",
    "processes": "workers",
    "gpus": "gpus-per-trial",
    "gpu": "device",
    "price": "price-per-hour",
    "cost": "price-per-hour",
    "output": "out",
    "output-dir": "out",
    "folder": "data",
    "dataset": "data",
    "threshold": "score-threshold",
    "score": "score-threshold",
    "random-seed": "seed",
    "repeats": "confirm",
    "runs": "confirm",
    "amp": "compute",
    "log": "log-to",
    "logger": "log-to",
}
"""What other programs call some of our options; the first that a command has is meant."""
INSTEAD = {"arms": "arm", "sizes": "size", "out": "run-dir", "lengths": "max-length"}
"""What the same means where a command lacks the option."""

ALSO = {
    "factors": ("factor",),
    "arms": ("arm",),
    "name": ("model",),
    "run-dir": ("status", "watch", "best", "against"),
}
"""What fields are called on the command lines where their own name is no option."""

NARROWEST = 40  # columns of a terminal; of fewer than eight, tyro would draw its boxes for ever
READ = 80  # columns of a help that is read here: in a wide one boxes stand side by side
TITLE = re.compile(
    r"^(Value error|Missing argument|Invalid choice|Required options|Unrecognized options) "
)
"""Above a box, and in ASCII, which has no frame, within it."""
VALUES = {
    "INT": "a whole number",
    "N": "a whole number",
    "T": "a whole number of iterations",
    "PORT": "a whole number",
    "FLOAT": "a number",
    "H": "a number of hours",
    "F": "a number",
    "G": "a number of GPUs",
    "AP": "a number of AP points",
    "SHARE": "a number from 0 to 1",
    "N ...": "whole numbers, with blanks between them",
    "T ...": "whole numbers of iterations, with blanks between them",
    "T T": "two whole numbers of iterations",
    "FLOAT ...": "numbers, with blanks between them",
    "{N ...,auto}": "whole numbers, with blanks between them, or auto",
}
"""What an option takes, by how its help calls the value."""
NUMBERS = {name for name, value in VALUES.items() if "number" in value}


def parsed(
    kind: type[T], arguments: Sequence[str], prog: str, description: str | None = None
) -> T:
    """The options of a command; ends the program after `--help`.

    Raises:
        ValueError: an option that is none, is not complete, is there twice, or has another name
            now, or an address where a path must be; in one line.
    """
    arguments = at_home(arguments)
    old = next((a for a in arguments if a.partition("=")[0] == "--data.folder"), None)
    if old is not None:
        raise ValueError(f"{old}: the option is called --data now; give the path as --data PATH")
    if is_repeated(arguments):
        require_once(arguments, _known(kind, prog))
    said = io.StringIO()
    try:
        with (
            contextlib.redirect_stderr(said),
            _columns(max(NARROWEST, shutil.get_terminal_size().columns)),
        ):
            found = tyro.cli(kind, prog=prog, args=arguments, description=description)
    except SystemExit as end:
        if not end.code:
            raise
    else:
        require_here(found)
        return found
    raise ValueError(_refusal(kind, arguments, prog, _flat(said.getvalue())))


@contextlib.contextmanager
def _columns(number: int) -> Iterator[None]:
    """So many for what tyro writes."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def as_typed(refusal: str, arguments: Sequence[str]) -> str:
    """A refusal that names a field, with the option by which the field was given.

    `schedule.lengths = (20, 40): …` is said of `--lengths 20 40`, and so it is called that.
    """
    typed = {a.partition("=")[0].replace("_", "-") for a in arguments if OPTION.match(a)}
    found = re.match(r"([a-z][\w-]*(?:\.[\w-]+)*)(?= = |: )", refusal)
    if not found or found[1] == "data" or (found[1].startswith("data.") and "_" in found[1]):
        return refusal
    full = found[1].replace("_", "-")
    last = full.rpartition(".")[2]
    for name in (full, last, *ALSO.get(last, ())):
        if f"--{name}" in typed:
            return f"--{name}{refusal[found.end() :]}"
    return refusal


def _refusal(kind: type, arguments: Sequence[str], prog: str, said: str) -> str:
    """What is wrong, in a line."""
    known = _known(kind, prog)
    for place, argument in enumerate(arguments):
        name = argument.partition("=")[0]
        if OPTION.fullmatch(name) and name.replace("_", "-") not in known:
            return _unknown(name, [*arguments[place + 1 :], ""][0], known, prog)
    if found := re.match(
        r"Error parsing [a-z][\w.]*: (.* = .*)", said
    ):  # refused where it is born
        return as_typed(found[1].partition(" For full")[0], arguments)
    if found := re.search(r"argument '(--[\w.-]+)", said) or re.search(
        r"Error parsing (--[\w.-]+)", said
    ):
        return _bad_value(found[1], known.get(found[1], ""), arguments, said)
    if found := re.match(r"Unrecognized options: (.*?)(?: Perhaps | For full|$)", said):
        given = shown(found[1].partition(", ")[0])
        given_with = next((a for a in arguments if a.endswith(f"={given}")), "")
        if flag := given_with.partition("=")[0]:
            return f"{flag}: {given!r}: the option takes no value; leave it out"
        return f"{given}: no option, and no value of one; see {prog} --help"
    if said.startswith("Missing from"):
        first = _lacking(said)
        value = known.get(first, "")
        return f"{first}: is missing; give it as `{f'{first} {value}'.strip()}`"
    return shown(said.partition(" For full")[0], 300)


def _unknown(name: str, value: str, known: dict[str, str], prog: str) -> str:
    """An option that the command has not."""
    plain = {one.removeprefix("--"): metavar for one, metavar in known.items()}
    meant = MEANINGS.get(name.removeprefix("--").replace("_", "-"), "")
    meant = meant if meant in plain else INSTEAD.get(meant, "")
    asked = name.removeprefix("--").replace("_", "-").lower()
    is_number = bool(re.fullmatch(r"-?[\d.]+(e-?\d+)?", value))
    misfits = [one for one, metavar in plain.items() if is_number != (metavar in NUMBERS)]
    near = close(asked, plain, {asked: meant} if meant else None, misfits)
    question = f"did you mean --{near[0]}? " if near else ""
    return f"{shown(name)}: no such option; {question}{prog} --help lists them"


def _bad_value(name: str, metavar: str, arguments: Sequence[str], said: str) -> str:
    """An option whose value is none of its."""
    given = _given(name, arguments)
    if choices := re.search(r"Expected one of \((.*?)\)", said):
        allowed = [one for one in re.findall(r"'([^']*)'", choices[1]) if one != "None"]
        allowed = re.findall(r"[\w.-]+", metavar) if metavar.startswith("{") else allowed
        near = [one for value in given for one in close(value, allowed)]
        question = f"; did you mean {near[0]}?" if near else ""
        wrong = next((value for value in given if value not in allowed), "")
        return f"{name}: {shown(wrong)!r}: one of {', '.join(allowed)}{question}"
    rule = VALUES.get(metavar, f"a value, {name} {metavar}".rstrip())
    if not given:
        return f"{name}: has no value; give {rule}"
    return f"{name}: {shown(' '.join(given))!r}: must be {rule}"


def _given(name: str, arguments: Sequence[str]) -> list[str]:
    """The values after an option, at its last place."""
    found: list[str] = []
    for place, argument in enumerate(arguments):
        if argument.partition("=")[0].replace("_", "-") == name:
            found = values(arguments, place)
    return found


def _known(kind: type, prog: str) -> dict[str, str]:
    """The options of a command, each with what its help calls the value."""
    text = io.StringIO()
    quietly = contextlib.suppress(SystemExit), contextlib.redirect_stdout(text)
    with quietly[0], quietly[1], _columns(READ):
        tyro.cli(kind, prog=prog, args=["--help"])
    found: dict[str, str] = {}
    for line in text.getvalue().splitlines():
        inside = line.strip("│| ")
        if match := re.match(r"((?:-h, )?--[\w.-]+(?:, --[\w.-]+)*)(?: (.*))?$", inside):
            value = re.split(r"\s{2,}", match[2] or "")[0]
            found |= dict.fromkeys(OPTION.findall(match[1]), value)
    return found


def _lacking(said: str) -> str:
    """The first option that is missing, or how the help calls an argument without a name."""
    found = re.search(r"Missing from .*?: (\S+)", said)
    return found[1] if found else "an argument"


def _flat(box: str) -> str:
    """What a box says, in a line and without its frame and title."""
    lines = [
        line.strip("│| ") for line in box.splitlines() if not line.startswith(("╭", "╰", "+"))
    ]
    said = " ".join(" ".join(line for line in lines if line.strip("─- ")).split())
    return TITLE.sub("", said)
