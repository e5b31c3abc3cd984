"""What is typed and would be taken without a word, though nobody means it.

A shell writes `~` out only where a word begins with it, the last of two values would count, and an
address is a path too: of folders that are made here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from study.config.printable import shown

OPTION = re.compile(r"--[A-Za-z][\w.-]*")
HOME = re.compile(r"(--[A-Za-z][\w.-]*=)(~.*)", re.DOTALL)
ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
SEVERAL = "["
"""With what the help's name of a value begins where the option may be there more than once."""


def at_home(words: Sequence[str]) -> list[str]:
    """`--run-dir=~/runs` with the home folder in it, as `--run-dir ~/runs` has it of the shell."""
    found: list[str] = []
    for word in words:
        if home := HOME.fullmatch(word):
            with contextlib.suppress(RuntimeError):  # no such user: as it is, as shells have it
                word = home[1] + str(Path(home[2]).expanduser())
        found.append(word)
    return found


def is_repeated(words: Sequence[str]) -> bool:
    """Whether an option may be there twice."""
    names = [_plain(word) for word in words if OPTION.match(word)]
    return len(set(names)) < len(names)


def require_once(words: Sequence[str], known: Mapping[str, str]) -> None:
    """Refuse an option with two values, of which the first would not count.

    Args:
        known: the command's options, each with what its help calls the value; "" of a switch.

    Raises:
        ValueError: names the option and both values.
    """
    first: dict[str, str] = {}
    for place, word in enumerate(words):
        if not OPTION.match(word):
            continue
        name, option = word.partition("=")[0].replace("_", "-"), _plain(word)
        metavar = known.get(name)
        if metavar is None or metavar.startswith(SEVERAL):
            continue
        given = values(words, place)
        if "..." not in metavar:  # what follows is another word of the command
            given = given[: len(metavar.split())]
        value = " ".join(given) if metavar else name
        before = first.setdefault(option, value)
        if before != value:
            both = f"{shown(before)!r} and {shown(value)!r}"
            all_of_it = f", as {name} {before} {value}" if "..." in metavar else ""
            raise ValueError(f"{name}: is given twice, with {both}; give it once{all_of_it}")


def values(words: Sequence[str], place: int) -> list[str]:
    """The values of the option that stands there."""
    _, equals, value = words[place].partition("=")
    found = [value] if equals else []
    for after in words[place + 1 :]:
        if OPTION.match(after):
            break
        found.append(after)
    return found


def require_here(options: Any) -> None:
    """Refuse an address for what must be a path of this machine.

    Of paths alone: a run directory, which may have an address, is kept as the text that it is.

    Raises:
        ValueError: names the option and the address.
    """
    for one in dataclasses.fields(options):
        given = getattr(options, one.name)
        for path in given if isinstance(given, tuple) else (given,):
            if isinstance(path, Path):
                require_path(one.name, path)


def require_path(name: str, path: Path | str) -> None:
    """The same for one of them; `name`: of its option."""
    if ADDRESS.match(str(path)):
        address = re.sub(":/+", "://", str(path), count=1)  # a Path has made one slash of two
        raise ValueError(
            f"{name} = {shown(address, 200)!r}: is an address, and must be a path on this machine"
        )


def _plain(word: str) -> str:
    """The option's name, whether it is switched on or off."""
    return word.partition("=")[0].replace("_", "-").replace("--no-", "--", 1)
