"""Options of the commands: misspelt, of the wrong kind, beyond what they can be."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.case import Case


def sweep(*options: str):
    """A sweep of the embedded data with these options."""

    def command(_: Path) -> list[str]:
        return ["study.sweep", "shapes", "--run-dir", "runs/x", *options]

    return command


CASES = [
    Case(
        "a space that is none", lambda _: ["study.sweep", "shapse", "--run-dir", "r"], ("shapes",)
    ),
]
