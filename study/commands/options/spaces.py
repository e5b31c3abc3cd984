"""Finds a search space: by its name in search_spaces/, or in a file of one's own.

Such a file is a program, which is run.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import re
import traceback
from pathlib import Path

import search_spaces
from study.config import SearchSpace
from study.config.checks.meant import close, hint

MOST_BYTES = 1_000_000  # of a file that is written by hand


def names() -> list[str]:
    """The search spaces that come with the project; what these share begins with an underscore."""
    found = (module.name for module in pkgutil.iter_modules(search_spaces.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def find(text: str) -> SearchSpace:
    """The SPACE that the module `text` defines.

    Raises:
        ValueError: no such name or file, a file that is no Python or fails while it runs (named
            with the line), or it defines no SPACE.
    """
    path = Path(text)
    if path.suffix != ".py":
        if text not in names():
            raise ValueError(
                f"space = {text!r}: no such search space; {hint(text, names())}there are"
                f" {', '.join(names())}, or give the path of a .py file that defines SPACE"
            )
        path = Path(search_spaces.__path__[0]) / f"{text}.py"
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise ValueError(f"space = {text!r}: {what}; give a .py file that defines SPACE")
    return _space(path, text)


def _space(path: Path, text: str) -> SearchSpace:
    source = _source(path)
    spec = importlib.util.spec_from_file_location(f"search_space_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except SyntaxError as error:
        where = f"{error.filename or path}, line {error.lineno}"
        raise ValueError(f"space = {text!r}: {where}: no Python: {error.msg}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a file may even end the program
        raise ValueError(f"space = {text!r}: {_told(path, source, error)}") from error
    space = vars(module).get("SPACE")
    if not isinstance(space, SearchSpace):
        raise ValueError(f"space = {text!r}: {_without(path, vars(module), space)}")
    return space


def _source(path: Path) -> str:
    """The text of a file, which Python could run.

    Raises:
        ValueError: it cannot be read, is too large, or no UTF-8; says where.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise ValueError(f"space = '{path}': cannot be read: {error.strerror}") from error
    if content is None:
        raise ValueError(f"space = '{path}': more than {MOST_BYTES:,} bytes; is it a space?")
    try:
        source = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"space = '{path}': line {line}: no UTF-8 text; save the file as UTF-8"
        ) from error
    if "\0" in source:
        line = source[: source.index("\0")].count("\n") + 1
        raise ValueError(f"space = '{path}': line {line}: has a NUL byte; is it a text?")
    return source


def _told(path: Path, source: str, error: BaseException) -> str:
    """Where a file failed, and why: file, line, field, and what was likely meant."""
    here = [at for at in traceback.extract_tb(error.__traceback__) if at.filename == str(path)]
    line = (here[-1].lineno if here else None) or 1
    said = " ".join(str(error).split())
    if found := re.match(r"(\w+)\.__init__\(\) (?:got|missing)", said):
        said = _misspelt(said, _fields(found[1]))
        if field := re.match(r"(\w+): no such field", said):
            line = _line(source, line, field[1])
        said = f"{found[1]}: {said}"
    elif isinstance(error, ValueError) and (found := re.match(r"([\w.]+) = ", said)):
        line = _line(source, line, found[1].rpartition(".")[2])
    elif isinstance(error, (NameError, ImportError, AttributeError)) or not said:
        said = f"{type(error).__name__}: {said}".rstrip(": ")
    elif not isinstance(error, ValueError):
        said = f"{type(error).__name__}: {said}"
    return f"{path}, line {line}: {said[:400]}"


def _misspelt(said: str, known: list[str]) -> str:
    """Python's words on a field that a class lacks or needs, in ours."""
    if found := re.search(r"unexpected keyword argument '(\w+)'", said):
        near = close(found[1], known)
        asked = f"did you mean {near[0]!r}? " if near else ""
        return f"{found[1]}: no such field; {asked}there are {', '.join(known)}"
    if found := re.search(r"missing .*?: (.*)", said):
        return f"lacks {found[1]}"
    return "give every value by its name, as in trials=8"


def _fields(kind: str) -> list[str]:
    from study import config  # its names are those that a space may use

    return list(getattr(getattr(config, kind, None), "__dataclass_fields__", {}))


def _line(source: str, near: int, field: str) -> int:
    """The line on which a field is given, in the statement that failed; or that of the failure."""
    statements = [s for s in ast.parse(source).body if s.lineno <= (s.end_lineno or 0)]
    inside = [s for s in statements if s.lineno <= near <= (s.end_lineno or s.lineno)]
    given = [
        node.value.lineno if node.value.lineno == node.lineno else node.lineno
        for statement in inside
        for node in ast.walk(statement)
        if isinstance(node, ast.keyword) and node.arg == field
    ]
    return min(given, key=lambda line: (line < near, abs(line - near))) if given else near


def _without(path: Path, there: dict[str, object], space: object) -> str:
    """What is wrong with a file that ran and left no search space."""
    if space is not None:
        return (
            f"{path}: SPACE is of type {type(space).__name__}; it must be a"
            " study.config.SearchSpace(…)"
        )
    other = [name for name, value in there.items() if isinstance(value, SearchSpace)]
    near = close("space", [name for name in there if not name.startswith("_")])
    asked = other[:1] or near[:1]
    meant = f"; is {asked[0]} meant? Call it SPACE" if asked else ""
    return f"{path}: the file defines no SPACE: study.config.SearchSpace{meant}"
