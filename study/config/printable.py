"""Text from elsewhere, as a terminal may get it: nothing in it moves the cursor."""

from __future__ import annotations

import reprlib

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # some languages write with them
_KEPT = f"\n\t{_JOINERS}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"


def printable(text: str) -> str:
    """The text with a sign for each control character but ends of lines and tabs.

    Those that reverse the direction of writing are such too: a name could read like another one.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _KEPT else UNPRINTABLE for one in text)


def shown(text: str, most: int = 80) -> str:
    """A name on one line, cut to `most` characters."""
    plain = "".join(one if one.isprintable() else UNPRINTABLE for one in text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def one_line(text: str) -> str:
    """A whole message on one line: names of files may have breaks of lines in them."""
    return printable(text).replace("\n", UNPRINTABLE)


def is_text(value: object) -> bool:
    """Whether it is a text that UTF-8 can hold: no half of a character."""
    return isinstance(value, str) and value.encode(errors="ignore").decode() == value


def brief(value: object, most: int = 80) -> str:
    """`repr` of a value that is wrong, without its middle where it has more than `most` signs."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = most
    short.maxlist = short.maxdict = 12
    short.maxlevel = 4
    return short.repr(value)


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With what a cell of a CSV file begins that a spreadsheet would compute."""


def cell(text: str) -> str:
    """Text for a cell of a CSV file: with an apostrophe before what would be a formula."""
    whole = text.encode(errors="replace").decode()  # a file's name may be no text at all
    return f"'{whole}" if whole.startswith(FORMULA) else whole
