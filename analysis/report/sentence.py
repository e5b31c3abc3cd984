"""python -m analysis.report.sentence RUN_DIR [SIZE]: a study's answer in words, and no more.

For programs that want it without the analysis in their process. With a size also what is shown
there, with intervals.
"""

from __future__ import annotations

import sys

import analysis
from analysis.answers import starts
from analysis.reading.frames import rows
from analysis.reading.load import Results, load
from analysis.text import words
from study.commands.common import DONE, exit_status


def sentence(results: Results, size: int | None = None) -> str:
    """The headline of the study's report, and each arm against the reference at that size."""
    answer, found = analysis.answer(results), starts.starts(results)
    said = " ".join(starts.told(found)) if starts.several(found) else words.headline(answer)
    shown = [f"{words.in_words(row)}." for row in rows(answer) if row["size"] == size]
    return " ".join(dict.fromkeys([said, *shown]))


def main(arguments: list[str] | None = None) -> int:
    """Print it; returns the exit status."""
    run_dir, *size = sys.argv[1:] if arguments is None else arguments

    def said() -> int:
        print(sentence(load(run_dir), *map(int, size)))
        return DONE

    return exit_status(said)


if __name__ == "__main__":
    sys.exit(main())
