"""Names of classes: what a name may be, and which two nobody could tell apart."""

from __future__ import annotations

import unicodedata

RULE = "must be a text of one letter or more, without control characters"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # some languages write with them
_AT_ENDS = " \t\r\n"  # that lists of names leave there


def is_name(name: object) -> bool:
    """Whether it is a text with something to read, that can be written down and shown."""
    if not isinstance(name, str) or not name.strip():
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # JSON may have halves of a letter
        return False
    return not any(unicodedata.category(one) == "Cc" for one in name.strip(_AT_ENDS))


def looks(name: str) -> str:
    """What names have in common that look the same."""
    seen = (one for one in name if one in _JOINERS or unicodedata.category(one) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(seen)).split())


def but(name: str, other: str) -> str:
    """In what two names differ that look the same, for the end of a sentence."""
    if name == other:
        return ""
    blanks = " ".join(name.split()) == " ".join(other.split())
    return " but for " + ("blanks" if blanks else "how its letters are made up, or signs not seen")
