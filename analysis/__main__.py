"""python -m analysis: is it worth it? A study's answer in words and tables, and a page to read.

Reads files only, so a study that still runs gives what it has found so far. Writes index.html,
which needs nothing else and no network, and every table as CSV and as Parquet.

Exit status: 0 done, 1 a failure of ours, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys

from analysis.options import Analysis
from study.commands.common import exit_status
from study.commands.options.parsing import parsed


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments

    def act() -> int:
        command = parsed(Analysis, arguments, "python -m analysis", __doc__)
        from analysis.analysing import analyse  # here: what a package refuses is told, as all is

        return analyse(command)

    return exit_status(act, arguments)


if __name__ == "__main__":
    sys.exit(main())
