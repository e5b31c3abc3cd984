"""Run directories that were damaged after they were written, or that a newer version wrote."""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from study.config import Scientific
from study.storage.run_dir.json_text import sealed
from tests.analysis.synthetic import SPACE, write_study
from tests.bad_input.case import Case

Damage = Callable[[bytes], bytes]
TRIAL = "trials/scratch-24-t000"
COMMANDS = {
    "status": ("study.sweep", "--status", "run"),
    "analysis": ("analysis.__main__", "run"),
    "best": ("study.train", "--best", "run", "--out", "detector"),
}


@functools.cache
def finished() -> Path:
    """One small study, written once."""
    path = Path(tempfile.mkdtemp()) / "run"
    space = replace(SPACE, scientific=Scientific(sizes=(24,)))
    study = write_study(path, space=space, trials=2, confirm=1, rng=np.random.default_rng(0))
    assert study is None or study.path == path
    (path / "standing.json").write_bytes(sealed({"seconds": 1.0}))
    return path


def _middle(line: bytes) -> Damage:
    """Another line in the place of the second."""

    def damage(content: bytes) -> bytes:
        first, _, *others = content.split(b"\n")
        return b"\n".join([first, line, *others])

    return damage


def _flipped(content: bytes) -> bytes:
    """A digit of the first number that has a point is another one."""
    at = content.index(b".", content.index(b": ")) + 1
    return content[:at] + (b"3" if content[at : at + 1] != b"3" else b"4") + content[at + 1 :]


def _changed(name: str, value: object) -> Damage:
    """An object as an earlier version wrote it, with another value."""

    def damage(content: bytes) -> bytes:
        found = json.loads(content)
        return json.dumps(
            {k: v for k, v in found.items() if k != "check"} | {name: value}
        ).encode()

    return damage


def _record(name: str, value: object) -> Damage:
    """The same of the first line."""

    def damage(content: bytes) -> bytes:
        first, *others = content.split(b"\n")
        return b"\n".join([_changed(name, value)(first), *others])

    return damage


def _run(name: str, value: object) -> Damage:
    """A trial's configuration, with another value for its run."""
    return lambda content: _changed("run", json.loads(content)["run"] | {name: value})(content)


def _another_question(folder: Path) -> list[str]:
    shutil.copytree(finished(), folder / "run")
    return ["study.sweep", "shapes", "--run-dir", "run"]


WHOLE: dict[str, tuple[Damage, str]] = {
    "empty": (lambda _: b"", "empty"),
    "cut off": (lambda content: content[: len(content) // 2], "not JSON"),
    "a list": (lambda _: b"[1, 2]", "a JSON list, not an object"),
    "not UTF-8": (lambda _: b'{"a": "\xff"}', "not UTF-8"),
    "zeros": (lambda content: bytes(len(content)), "not JSON"),
    "nested": (lambda _: b"[" * 100_000, "nested too deep"),
}
LINES: dict[str, tuple[Damage, str]] = {
    "zeros in the middle": (_middle(bytes(40)), "line 2: not JSON"),
    "half a line in the middle": (_middle(b'{"trial_id": "x", "a'), "line 2: not JSON"),
    "a line that is not UTF-8": (_middle(b'{"a": "\xff"}'), "line 2: not JSON (not UTF-8)"),
    "a number in the middle": (_middle(b"17"), "line 2: a JSON int, not an object"),
    "a flipped digit": (_flipped, "line 1: its checksum does not fit it"),
}


def _case(what: str, file: str, damage: Damage, command: str, *says: str) -> Case:
    def make(folder: Path) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        for path in (folder / "run" / file, folder / "run" / f"{file}.copy"):
            if path.exists():
                path.write_bytes(damage(path.read_bytes()))
        return list(COMMANDS[command])

    return Case(f"{command}: {Path(file).name}: {what}", make, (f"run/{file}", *says))


def _no_configuration(command: str) -> Case:
    """Records whose trial nobody can tell: left out, the answer would be another one."""

    def make(folder: Path) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        for path in (folder / "run" / TRIAL).glob("config.json*"):
            path.unlink()
        return list(COMMANDS[command])

    says = (f"run/{TRIAL}: has records, and no config.json", "bring it back from a copy")
    return Case(f"{command}: a trial without its configuration", make, says)


def _its_file(command: str):
    """A file of the study in the place of its folder."""

    def make(folder: Path) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        return [word if word != "run" else "run/study.json" for word in COMMANDS[command]]

    return make


def _one_seed_twice(command: str, folder: Path) -> list[str]:
    """A confirm run that is another one again, under a name of its own."""
    shutil.copytree(finished(), folder / "run")
    trials, again = folder / "run" / "trials", "scratch-24-c9"
    shutil.copytree(trials / "scratch-24-c0", trials / again)
    (trials / again / "config.json.copy").unlink()
    file = trials / again / "config.json"
    file.write_bytes(_run("trial_id", again)(file.read_bytes()))
    file = trials / again / "records.jsonl"
    lines = map(_changed("trial_id", again), file.read_bytes().splitlines())
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return list(COMMANDS[command])


def _at_no_text(folder: Path) -> list[str]:
    """In a folder whose name is of another encoding."""
    name = os.fsdecode(b"m\xe9decins")
    shutil.copytree(finished(), folder / name)
    return ["analysis.__main__", name]


HALF = "pretext\ud800"  # of a character: no file in UTF-8 can name it
CASES = [
    *map(_no_configuration, COMMANDS),
    *(
        Case(f"{command}: a file of the study", _its_file(command), ("study.json: is a file",))
        for command in COMMANDS
    ),
    _case(
        "two records of one place",
        f"{TRIAL}/records.jsonl",
        lambda content: content + _changed("AP_box", 9.0)(content.splitlines()[-1]) + b"\n",
        "analysis",
        *("records 3 and 4 are both of leg", "and AP_box differs", "sets it aside and computes"),
    ),
    _case(
        "half a character in an arm's name",
        "study.json",
        _changed("question", {"arms": {"scratch": "scratch", HALF: "pretext"}}),
        "analysis",
        *("question.arms", "letters, digits", "bring it back from a copy"),
    ),
    _case(
        "a number of arms",
        "study.json",
        _changed("question", {"arms": 3}),
        "analysis",
        *("question.arms = 3", "each has a name"),
    ),
    _case(
        "half a character in its arm's name",
        f"{TRIAL}/config.json",
        _run("arm", HALF),
        "analysis",
        "arm = 'pretext\\ud800': must be text",
    ),
    _case(
        "a size in words",
        f"{TRIAL}/config.json",
        _run("size", "many"),
        "analysis",
        "size = 'many': must be a whole number",
    ),
    *(
        Case(
            f"{command}: two confirm runs of one seed",
            functools.partial(_one_seed_twice, command),
            ("confirm runs scratch-24-c0 and scratch-24-c9 have one setting", "out of trials/"),
        )
        for command in ("analysis", "best")
    ),
    Case(
        "a path that is not UTF-8",
        _at_no_text,
        ("run directory m�decins", "is not UTF-8", "rename the folder"),
    ),
    Case(
        "a path that is not UTF-8, for a sweep",
        lambda _: ["study.sweep", "shapes", "--run-dir", os.fsdecode(b"m\xe9decins")],
        ("run directory m�decins", "is not UTF-8", "choose another"),
    ),
    *(
        _case(what, file, damage, command, said, remedy)
        for what, (damage, said) in WHOLE.items()
        for file, commands, remedy in (
            ("study.json", ("status", "analysis", "best"), "bring it back from a copy"),
            (f"{TRIAL}/config.json", ("status", "analysis"), "move the trial's folder away"),
            (f"{TRIAL}/init_report.json", ("analysis",), "sets it aside and computes again"),
            ("standing.json", ("status",), "the sweep writes it anew"),
        )
        for command in commands
    ),
    *(
        _case(what, f"{TRIAL}/{file}", damage, command, said, "sets it aside and computes again")
        for what, (damage, said) in LINES.items()
        for file in ("records.jsonl", "events.jsonl")
        for command in ("status", "analysis")
        if not (what == "a flipped digit" and file == "events.jsonl")
    ),
    *(
        _case(
            "of a newer version",
            "study.json",
            _changed("format", 99),
            command,
            *("format = 99", "newer version", "update it"),
        )
        for command in COMMANDS
    ),
    *(
        _case(
            f"format {value!r}", "study.json", _changed("format", value), "analysis", "format = "
        )
        for value in (0, -1, "2", None, 1.5)
    ),
    *(
        _case(
            f"question {value!r}", "study.json", _changed("question", value), command, "question"
        )
        for value in (None, [])
        for command in COMMANDS
    ),
    *(
        _case(
            f"{name} = {value!r}",
            f"{TRIAL}/records.jsonl",
            _record(name, value),
            "analysis",
            f"1: {name} = ",
            "sets it aside",
        )
        for name, value in (
            ("AP_box", "high"),
            ("AP_box", float("nan")),
            ("AP_box", float("inf")),
            ("iteration", None),
            ("images_seen", 1.5),
            ("length", "long"),
            ("leg", 3),
            ("time", "now"),
            ("device_seconds", []),
        )
    ),
    _case(
        "of another trial",
        f"{TRIAL}/records.jsonl",
        _record("trial_id", "pretext-24-t000"),
        "analysis",
        "is of trial 'pretext-24-t000'",
    ),
    _case(
        "an unknown state",
        f"{TRIAL}/events.jsonl",
        _record("state", "gone"),
        "status",
        "line 1: state = 'gone': one of running, finished",
    ),
    *(
        _case(
            f"run = {value!r}", f"{TRIAL}/config.json", _changed("run", value), command, "run = "
        )
        for value in (None, 3, "x")
        for command in ("status", "analysis")
    ),
    Case(
        "a sweep with another question leaves no lock",
        _another_question,
        ("run directory run holds a study with another question", "choose another --run-dir"),
        lines=100,
    ),
]
