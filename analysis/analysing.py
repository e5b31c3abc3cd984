"""Read a study, print its answer and write its report: once, or on every change."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from analysis.answers import comparison
from analysis.options import Analysis
from analysis.reading.load import load
from analysis.reading.standing import standing
from analysis.report import page, terminal
from analysis.report.derived import derived
from analysis.serving.server import LOCAL, listening
from analysis.serving.watching import watch
from study.commands.common import DONE
from study.commands.options.given import require_path
from study.config.printable import printable, shown
from study.storage import opened

LONG = 4096  # characters of a path: all that there can be


def analyse(command: Analysis, pause: Callable[[float], None] = time.sleep) -> int:
    """Read, print and write; or read, write and serve, again and again.

    Raises:
        ValueError: no study in the run directory, `out` cannot be written to, options that do
            not fit one another, or an address at which nothing can be served.
    """
    if command.out is not None:
        _refuse_file(command.out)
    if command.watch:
        _refuse(all=command.all or None, against=command.against, why="leave it out with --watch")
        with listening(command.host or LOCAL, command.port) as server:
            watch(command.run_dir, lambda: _made(command), server, pause)
        return DONE
    _refuse(host=command.host, port=command.port, why="only with --watch")
    if command.against is not None:
        _refuse_itself(command.against, str(command.run_dir))
    results = load(command.run_dir)
    made = derived(results)
    (terminal.show_all if command.all else terminal.show)(results, made)
    if command.against is not None:
        both = comparison.compare(load([command.against, command.run_dir]))
        lines = comparison.told(both) or ["no arm is confirmed at the same size in both"]
        print(printable("\n" + "\n".join(f"{line}." for line in lines)))
    more = "" if command.all else "--all prints every table; "
    written = _put(page.contents(results, made, command.pictures), command)
    print(f"\n{more}report: {shown(str(written), LONG)}", flush=True)
    return DONE


def _refuse(why: str, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} = {value!r}: {why}")


def _refuse_itself(against: str, run_dir: str) -> None:
    """Raises ValueError where a study would be compared with itself, by whatever name."""
    both = [opened(one).folder for one in (against, run_dir)]
    same = against.rstrip("/") == run_dir.rstrip("/")
    if same or (None not in both and len({one.resolve() for one in both if one}) == 1):
        raise ValueError(f"against = {against!r}: is the study itself; name another one")


def _refuse_file(out: Path | str) -> None:
    """Raises ValueError where the report's folder has no name, or is an address or in a file."""
    folder = Path(out)
    if not str(out):  # which as a path would be the folder that one is in
        raise ValueError("out = '': is empty; name a folder, or . for this one")
    require_path("out", out)
    for one in (folder, *folder.parents):
        if one.exists():
            if not one.is_dir():
                what = f"out = {shown(str(folder), 200)}: {shown(str(one), 200)}"
                raise ValueError(f"{what} is a file; give a folder with --out")
            return


def _made(command: Analysis) -> tuple[dict[str, bytes], str]:
    """The files of the report, which are written, and how far the study is."""
    results = load(command.run_dir)
    files = page.contents(results, pictures=command.pictures)
    _put(files, command)
    return files, standing(results, next(iter(results.manifests))).told


def _put(files: dict[str, bytes], command: Analysis) -> Path:
    try:
        return page.put(files, command.folder)
    except OSError as error:
        why = f"report folder {shown(str(command.folder), LONG)}: {error.strerror or error}"
        raise ValueError(f"{why}; choose another with --out") from error
