"""python -m analysis: is it worth it? A study's answer in words and tables, and a page to read.

Reads files only, so a study that still runs gives what it has found so far. Writes index.html,
which needs nothing else and no network, and every table as CSV and as Parquet.

Exit status: 0 done, 1 a failure of ours, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from analysis.answers import comparison
from analysis.reading.load import load
from analysis.reading.standing import standing
from analysis.report import page, terminal
from analysis.report.derived import derived
from analysis.serving.server import LOCAL, listening
from analysis.serving.watching import watch
from study.commands.common import DONE, exit_status
from study.commands.options.parsing import parsed
from study.config.printable import printable, shown
from study.storage import opened

LONG = 4096  # characters of a path: all that there can be


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Print a study's answer and write its report."""

    run_dir: tyro.conf.Positional[
        Annotated[Path | str, tyro.conf.arg(metavar="RUN_DIR", constructor=str)]
    ]
    """The study's folder or address, as given to `python -m study.sweep --run-dir`."""
    out: Annotated[Path | str | None, tyro.conf.arg(metavar="DIR", constructor=str)] = None
    """Folder for the page and the tables (default: RUN_DIR/report; of a study on an
    object store, report)."""
    all: bool = False
    """Print every table, not one screen."""
    pictures: bool = True
    """Show some of the evaluation images in the page, if detections on them are stored."""
    against: Annotated[str | None, tyro.conf.arg(metavar="RUN_DIR")] = None
    """Another study, whose arms are compared with those of this one."""
    watch: bool = False
    """Instead of printing: serve the page to a browser on this machine, and write it again
    whenever the study has recorded something, until Ctrl-C."""
    host: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """With --watch: the address to serve at (default: 127.0.0.1, this machine alone). At
    another one everybody who reaches this machine can read the page."""
    port: Annotated[int | None, tyro.conf.arg(metavar="PORT", help_behavior_hint="")] = None
    """With --watch: the port (default: the first free one from 8765 on)."""

    @property
    def folder(self) -> Path:
        if self.out is not None:
            return Path(self.out)
        return (opened(self.run_dir).folder or Path()) / "report"


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


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m analysis"
    return exit_status(lambda: analyse(parsed(Analysis, arguments, prog, __doc__)), arguments)


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
    """Raises ValueError where the report's folder has no name, is a file, or lies within one."""
    folder = Path(out)
    if not str(out):  # which as a path would be the folder that one is in
        raise ValueError("out = '': is empty; name a folder, or . for this one")
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


if __name__ == "__main__":
    sys.exit(main())
