"""What the analysis is given: no study, and records that cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case

STUDY = Path(__file__).parents[1] / "storage" / "older" / "first"
TRIAL = "pretext-64-t000"
WRITTEN = ("s/.*",)  # a lock that reading leaves


def study(folder: Path) -> Path:
    """A small study, written by the first version."""
    shutil.copytree(STUDY, folder / "s")
    return folder / "s" / "trials" / TRIAL


def record(**changes: Any):
    """The analysis of a study whose first record says something else."""

    def command(folder: Path) -> list[str]:
        file = study(folder) / "records.jsonl"
        first, *others = file.read_text().splitlines()
        found = json.loads(first) | changes
        found = {key: value for key, value in found.items() if value is not ...}
        file.write_text("\n".join([json.dumps(found), *others]) + "\n")
        return ["analysis.__main__", "s"]

    return command


def file(name: str, content: bytes):
    """The analysis of a study of which a file has another content."""

    def command(folder: Path) -> list[str]:
        study(folder)
        (folder / "s" / name).write_bytes(content)
        return ["analysis.__main__", "s"]

    return command


def options(*words: str):
    """The analysis of a study with these options."""

    def command(folder: Path) -> list[str]:
        study(folder)
        (folder / "taken").write_text("")
        (folder / "empty").mkdir()
        return ["analysis.__main__", *words]

    return command


def page_taken(folder: Path) -> list[str]:
    """The analysis of a study where the report's page would replace a folder."""
    study(folder)
    (folder / "out" / "index.html").mkdir(parents=True)
    return ["analysis.__main__", "s", "--out", "out"]


IN_TRIAL = f"trials/{TRIAL}"
LINE = "records.jsonl: line 1"

CASES = [
    *(
        Case(f"{name} = {value!r}", record(**{name: value}), (LINE, name, says))
        for name, value, says in (
            ("AP_box", float("nan"), "nan"),
            ("AP_box", float("inf"), "inf"),
            ("AP_box", 1e9, "1000000000.0"),
            ("AP_box", 100.5, "from 0 to 100"),
            ("AP_box", -1, "from 0 to 100"),
            ("AP_box", "31", "'31'"),
            ("AP_box", [31], "[31]"),
            ("AP_box", True, "True"),
            ("AP_mask", float("nan"), "nan"),
            ("AP_mask", 1e9, "1000000000.0"),
            ("AP_mask", "high", "'high'"),
            ("AP_box", ..., "has no AP_box"),
            ("iteration", ..., "has no iteration"),
            ("length", ..., "has no length"),
            ("split", ..., "has no split"),
        )
    ),
    Case("a broken study", file("study.json", b"{"), ("study.json", "JSON")),
    Case("a broken configuration", file(f"{IN_TRIAL}/config.json", b"{"), ("config.json",)),
    Case("an empty configuration", file(f"{IN_TRIAL}/config.json", b"{}"), ("config.json",)),
    Case(
        "an unknown state",
        file(f"{IN_TRIAL}/events.jsonl", b'{"state": "lost", "time": 1}\n'),
        ("events.jsonl", "line 1", "'lost'"),
    ),
    Case("an empty folder", options("empty"), ("empty", "no study.json", "--run-dir")),
    Case("a folder that is not there", options("none"), ("none", "no such folder")),
    Case("a file for a study", options("taken"), ("taken",)),
    Case("a study's own file", options("s/study.json"), ("give the folder that it lies in",)),
    Case("a report without a name", options("s", "--out", ""), ("--out = ''", "is empty")),
    Case("watched, without a name", options("s", "--watch", "--out", ""), ("--out", "is empty")),
    Case("a line's end in the path", options("s\nx"), ("end of a line", "rename the folder")),
    Case("a folder for the page", page_taken, ("index.html in it is a folder", "--out")),
    Case("no study", options(), ("RUN_DIR: is missing",)),
    Case("two studies", options("s", "empty"), ("empty",)),
    Case("a report in a file", options("s", "--out", "taken"), ("--out", "taken", "is a file")),
    Case(
        "a report at an address",
        options("s", "--out", "s3://b/report"),
        ("--out = 's3://b/report'", "is an address, and must be a path on this machine"),
    ),
    Case("within a file", options("s", "--out", "taken/x/y"), ("--out", "taken is a file")),
    Case("against itself", options("s", "--against", "s"), ("--against = 's'", "itself")),
    Case("by another name", options("s", "--against", "./s/"), ("--against", "itself")),
    Case("against nothing", options("s", "--against", "none"), ("none", "no such folder")),
    Case("against no study", options("s", "--against", "empty"), ("empty", "no study.json")),
    Case("a port without --watch", options("s", "--port", "80"), ("--port", "--watch")),
    Case("a host without --watch", options("s", "--host", "x"), ("--host", "--watch")),
    Case("a port too high", options("s", "--watch", "--port", "70000"), ("--port", "65535")),
    Case("a port below 0", options("s", "--watch", "--port", "-1"), ("--port", "65535")),
    Case("a port in words", options("s", "--watch", "--port", "web"), ("--port: 'web'",)),
    Case(
        "a host that is none",
        options("s", "--watch", "--host", "no.such.host.invalid"),
        ("--host", "no.such.host.invalid", "an address of this machine"),
    ),
    Case("all with --watch", options("s", "--watch", "--all"), ("--all", "--watch")),
    Case("an unknown option", options("s", "--agianst", "x"), ("did you mean --against?",)),
]
