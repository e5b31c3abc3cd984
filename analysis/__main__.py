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
from analysis.reading.load import Results, load
from analysis.report import page, terminal
from analysis.report.derived import Tables, derived
from study.commands.common import DONE, exit_status, usable
from study.storage import opened

PAUSE = 10.0  # seconds between two looks at a study that runs

Stamp = dict[str, tuple[int, int]]
"""Time of the last change, in nanoseconds, and size of every file that the analysis reads."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Print a study's answer and write its report."""

    run_dir: tyro.conf.Positional[
        Annotated[Path | str, tyro.conf.arg(metavar="RUN_DIR", constructor=str)]
    ]
    """The study's folder or address, as given to `python -m study.sweep --run-dir`."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for the page and the tables (default: RUN_DIR/report; of a study on an
    object store, report)."""
    all: bool = False
    """Print every table, not one screen."""
    pictures: bool = True
    """Show some of the evaluation images in the page, if detections on them are stored."""
    against: Annotated[str | None, tyro.conf.arg(metavar="RUN_DIR")] = None
    """Another study, whose arms are compared with those of this one."""
    watch: bool = False
    """Write them again whenever the study has recorded something, until Ctrl-C."""

    @property
    def folder(self) -> Path:
        return self.out or (opened(self.run_dir).folder or Path()) / "report"


def analyse(command: Analysis, pause: Callable[[float], None] = time.sleep) -> int:
    """Read, print, write; if asked to, again and again.

    Raises:
        ValueError: no study in the run directory, or `out` cannot be written to.
    """
    known = stamp(command.run_dir)
    results = load(command.run_dir)
    made = derived(results)
    (terminal.show_all if command.all else terminal.show)(results, made)
    if command.against is not None:
        both = comparison.compare(load([command.against, command.run_dir]))
        lines = comparison.told(both) or ["no arm is confirmed at the same size in both"]
        print("\n" + "\n".join(f"{line}." for line in lines))
    more = "" if command.all else "--all prints every table; "
    print(f"\n{more}report: {_write(results, made, command)}", flush=True)
    while command.watch:
        try:
            pause(PAUSE)
        except KeyboardInterrupt:  # the way to end it
            return DONE
        if (now := stamp(command.run_dir)) != known:
            known, results = now, load(command.run_dir)
            _write(results, derived(results), command)
            states = results.trials["state"].tolist()
            told = f"{len(states)} trials, {states.count('running')} running"
            print(f"{time.strftime('%H:%M:%S')}  {told}: page written again", flush=True)
    return DONE


def stamp(run_dir: Path | str) -> Stamp:
    """What the analysis reads, as it is now: two stamps differ if anything was recorded."""
    return usable(run_dir, writing=False).stamps("study.json", "trials/*/*.json*")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    command = tyro.cli(Analysis, prog="python -m analysis", args=arguments, description=__doc__)
    return exit_status(lambda: analyse(command))


def _write(results: Results, made: Tables, command: Analysis) -> Path:
    try:
        return page.write(results, command.folder, made, command.pictures)
    except OSError as error:
        why = f"report folder {command.folder}: {error.strerror or error}"
        raise ValueError(f"{why}; choose another with --out") from error


if __name__ == "__main__":
    sys.exit(main())
