"""The answer on a terminal, or piped: words first, then tables that nothing cuts off."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import IO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from analysis.answers import pairs, starts
from analysis.answers.learnt import spoken
from analysis.reading.frames import values
from analysis.reading.load import Results
from analysis.report import chapters, tables
from analysis.report.derived import Tables
from analysis.report.flags import lines
from analysis.text.glossary import meanings
from analysis.text.table import Table
from analysis.text.words import headline
from analysis.tuning import cross_tuning, stop_audit
from study.config.terminal import Terminal

WIDE = 3  # sizes beside one another in a table of all pairs
LONG = 32  # characters of a name on one line of a table
FEW = 3  # sentences of a kind on the first screen
WIDTH = 100  # of prose, in characters, where the terminal has as many


def show(results: Results, made: Tables, file: IO[str] | None = None) -> None:
    """Print the answer and what weakens it, on one screen: 24 lines of 80 characters.

    `made` is `derived(results)`. Three sentences beside the answer are printed, and three of what
    weakens it, or two of each: of three arms and more, and where an arm has yet to learn.
    `show_all` and the report have the others.
    """
    console = _console(file)
    _prose(console, chapters.headline(results, made), style="bold")
    several = starts.several(made["starts"])
    unlearnt = bool({*values(made["learnt"], "stage")} - {"learnt"})  # a longer headline
    few = FEW - (several or unlearnt)
    if several:
        _table(console, starts.layout(made["starts"]))
    elif len(made["answer"]):
        _table(console, tables.by_size(made["answer"]))
    told, raised = chapters.beyond(results, made), lines(made["flags"])
    if told:
        console.print()
        _listed(console, told, few)
        if explained := meanings(text.replace(" AP", "") for text in told[:few]):
            _prose(console, explained)  # what AP is stands above the table
    if raised:
        console.print("\nBefore you believe it")
        _listed(console, raised, few)


def show_all(results: Results, made: Tables, file: IO[str] | None = None) -> None:
    """Print the answer, what weakens it, the chosen settings, what tuning did, and the bill.

    `made` is `derived(results)`.
    """
    console = _console(file)
    answer = made["answer"]
    _prose(console, chapters.headline(results, made), style="bold")
    if several := starts.several(made["starts"]):
        _table(console, starts.layout(made["starts"]))
        console.print()
        _prose(console, headline(answer))
    console.print()
    _prose(console, meanings())
    for text in chapters.beyond(results, made):
        console.print()
        _prose(console, text)
    if len(answer):
        _table(console, tables.answer(answer))
    if several and len(made["pairs"]):
        for one in pairs.layouts(made["pairs"], results, WIDE):
            _table(console, one)
    if raised := lines(made["flags"]):
        console.print("\nBefore you believe it")
        for line in raised:
            _prose(console, f"- {line}", indent="  ")
    best = tables.settings(made["best"], results.hyper_parameters)
    costs = tables.costs(results.costs)
    if best.rows:
        _table(console, best)
    stopped, crossed, stages = made["stop_audit"], made["cross_tuning"], made["learnt"]
    paper = cross_tuning.as_in_the_paper(results, crossed)
    for told, table in (
        (
            cross_tuning.told(spoken(paper, stages, "arm", "setting_of")),
            cross_tuning.layout(crossed, paper),
        ),
        (stop_audit.told(spoken(stopped, stages, "arm")), stop_audit.layout(stopped)),
    ):
        if table.rows:
            _table(console, table)
        for text in told:
            console.print()
            _prose(console, text)
    if costs.rows:
        _table(console, costs)
    console.print()
    _prose(console, tables.saving(results.costs))


def _console(file: IO[str] | None) -> Console:
    """A terminal that is too narrow for a table wraps its lines, and a pipe gets them whole: the
    console is told to be wide, because rich would otherwise cut columns.
    """
    return Terminal(file=file, width=1000, highlight=False, markup=False, emoji=False)


def _listed(console: Console, texts: Sequence[str], few: int) -> None:
    """The first few sentences, and how many more there are."""
    for text in texts[:few]:
        _prose(console, f"- {text}", indent="  ")
    if len(texts) > few:
        _prose(console, f"- {len(texts) - few} more: --all, or the report", indent="  ")


def _prose(console: Console, text: str, style: str = "", indent: str = "") -> None:
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    # not at hyphens, which stand in names
    filled = textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False)
    console.print(Text(filled, style=style))


def _table(console: Console, table: Table) -> None:
    look = {"box": box.SIMPLE_HEAD, "show_edge": False, "padding": (0, 1, 0, 0)}
    shown = RichTable(show_footer=bool(table.total), **look)
    for index, column in enumerate(table.columns):
        side = "right" if column.number else "left"
        footer = table.total[index] if table.total else ""
        most = LONG if column.arm or column.pair else None  # what is longer goes on below
        shown.add_column(
            *(column.title, footer),
            justify=side,
            no_wrap=most is None,
            overflow="fold",
            max_width=most,
        )
    grouped = len({row[0] for row in table.rows}) < len(table.rows)
    for row, below in zip(table.rows, [*table.rows[1:], None], strict=True):
        shown.add_row(*row, end_section=grouped and below is not None and below[0] != row[0])
    console.print()
    _prose(console, table.caption)
    console.print(shown)
