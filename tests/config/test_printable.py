"""Text from elsewhere on a terminal, in a message and in a table."""

from __future__ import annotations

import pytest

from study.config.printable import UNPRINTABLE, brief, cell, printable, shown


def test_what_moves_the_cursor_or_turns_the_writing_is_replaced():
    assert printable("a\x1b[31mb\u202ec\n") == f"a{UNPRINTABLE}[31mb{UNPRINTABLE}c\n"


def test_a_name_has_one_line_of_at_most_so_many_signs():
    assert shown("a\nb") == f"a{UNPRINTABLE}b"
    assert shown("x" * 80) == "x" * 80
    assert shown("x" * 81) == "x" * 79 + "…"
    assert len(shown("x" * 500, 300)) == 300


def test_a_wrong_value_is_told_without_its_middle():
    assert brief("a") == "'a'" and brief(None) == "None"
    assert len(brief("x" * 10**6)) == 80 and len(brief("x" * 10**6, 320)) == 320
    assert brief(list(range(100))).startswith("[0, 1, 2,") and len(brief(list(range(100)))) < 80
    assert len(brief(9**1000)) == 80


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_a_formula_is_a_text_in_a_spreadsheet(formula: str):
    assert cell(formula) == f"'{formula}" and cell("1") == "1"
