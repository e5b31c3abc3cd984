"""A case of the corpus, and how it is judged.

Each runs in this process, in an empty folder of its own. A refusal is what the README promises:
exit status 2 (or the case's own), one line on stderr that says what was wrong and what to do, no
traceback, nothing written but what the case itself wrote, no lock left behind, within seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.powerless import powerless

LIMIT_S = 60  # a case takes a fraction of a second, and the first one imports torch
LINES = 1  # that a refusal has, unless the case says otherwise


@dataclass(frozen=True)
class Case:
    """Something that a user can cause, and what must be said about it."""

    name: str
    """What is wrong, for the test's name."""
    command: Callable[[Path], list[str]]
    """Writes what the command reads into the empty folder it is given, and returns the command:
    a module with a `main` ("study.sweep", "analysis.__main__", …), then its arguments. Relative
    paths are of that folder."""
    says: tuple[str, ...]
    """Texts that must all be in the refusal: the place, the value, the rule, the remedy."""
    never: tuple[str, ...] = ()
    """Texts that must not be in it, besides those of `FORBIDDEN`."""
    status: int = 2
    lines: int = LINES
    """At most so many lines, for a list of problems."""
    may_write: tuple[str, ...] = ()
    """Patterns of files that may be written all the same."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables and their values; `{folder}` in a value stands for the case's folder."""
    modes: tuple[tuple[str, int], ...] = ()
    """Paths in the folder, and their permissions while the command runs; they bind root too."""


FORBIDDEN = ("Traceback", "weights_only", 'File "', "<class ", "NoneType", "site-packages")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str
    written: tuple[str, ...]


class TookTooLong(Exception):
    """A command that hung."""


def outcome(case: Case, folder: Path) -> Outcome:
    """Run a case in `folder`, which is empty."""
    module, *arguments = case.command(folder)
    before = _state(folder)
    out, err = io.StringIO(), io.StringIO()
    says = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    given = {name: value.format(folder=folder) for name, value in case.environment}
    bound = powerless(folder, case.modes) if case.modes else contextlib.nullcontext()
    with _at(folder), _with(given), _within(LIMIT_S), bound, says[0], says[1]:
        try:
            status = importlib.import_module(module).main(arguments)
        except SystemExit as end:  # how tyro refuses
            status = end.code if isinstance(end.code, int) else 1
    after = _state(folder)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    allowed = {name for name in changed if any(Path(name).match(p) for p in case.may_write)}
    return Outcome(status, out.getvalue(), err.getvalue(), tuple(sorted(changed - allowed)))


def faults(case: Case, found: Outcome) -> list[str]:
    """Everything in which an outcome is not the refusal that the case asks for."""
    said = found.err.strip("\n")
    flat = " ".join(said.split())
    wrong = [f"exit status {found.status}, not {case.status}"] * (found.status != case.status)
    wrong += [f"does not say {text!r}" for text in case.says if text not in flat]
    wrong += [f"says {text!r}" for text in (*FORBIDDEN, *case.never) if text in found.out + said]
    if said.count("\n") >= case.lines:
        wrong.append(f"{said.count(chr(10)) + 1} lines, not {case.lines}")
    wrong += [f"wrote {name}" for name in found.written]
    return [*wrong, f"stderr was: {said}", f"stdout was: {found.out}"] if wrong else []


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file, and that every folder is there."""
    return {
        str(path.relative_to(folder)): (0, 0)
        if path.is_dir()
        else (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
    }


@contextlib.contextmanager
def _at(folder: Path) -> Iterator[None]:
    before, modules = Path.cwd(), set(sys.modules)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        for name in set(sys.modules) - modules:  # a space file of one case is none of the next
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@contextlib.contextmanager
def _with(environment: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TookTooLong(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
