"""python -m analysis: is it worth it? A study's answer in words and tables, and a page to read.

Reads files only, so a study that still runs gives what it has found so far. Writes index.html,
which needs nothing else and no network, and every table as CSV.

Exit status: 0 done, 1 a failure of ours, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from analysis import load, report, terminal
from study.cli import DONE, exit_status


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Print a study's answer and write its report."""

    run_dir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN_DIR")]]
    """The study's folder, as given to `python -m study.sweep --run-dir`."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for the page and the tables (default: RUN_DIR/report)."""
    pictures: bool = True
    """Show some of the evaluation images in the page, if detections on them were kept."""


def analyse(command: Analysis) -> int:
    """Read, print, write.

    Raises:
        ValueError: no study in the run directory, or `out` cannot be written to.
    """
    results = load(command.run_dir)
    terminal.show(results)
    out = command.out or command.run_dir / "report"
    try:
        page = report.write(results, out, command.pictures)
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"report folder {out}: {why}; choose another with --out") from error
    print(f"\nreport: {page}")
    return DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    command = tyro.cli(Analysis, prog="python -m analysis", args=arguments, description=__doc__)
    return exit_status(lambda: analyse(command))


if __name__ == "__main__":
    sys.exit(main())
