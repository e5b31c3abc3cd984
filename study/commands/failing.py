"""What a command says when it cannot go on: whose matter it is, and what can be done about it."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import traceback
from importlib import metadata
from pathlib import Path

from study.storage import StoreError
from study.storage.locking import LACKING

BAD_INPUT, FAILURE, CUT_OFF = 2, 1, 141  # the last: 128 + SIGPIPE, as of any program in a pipe

ENVIRONMENT: dict[int, tuple[int, str]] = {
    errno.ENOSPC: (
        FAILURE,
        "make room there, or choose another disk; then the same command again",
    ),
    errno.EDQUOT: (FAILURE, "make room within your quota; then the same command again"),
    errno.EIO: (
        FAILURE,
        "the disk or its network does not answer; once it does, the same command again",
    ),
    errno.ESTALE: (FAILURE, "mount the shared folder anew; then the same command again"),
    errno.EMFILE: (FAILURE, "raise the limit, `ulimit -n 65536`; then the same command again"),
    errno.ENFILE: (FAILURE, "the system has no room for open files; end other programs"),
    errno.EROFS: (BAD_INPUT, "choose a folder that can be written to"),
    errno.EACCES: (BAD_INPUT, "change who may read or write it, or choose another"),
    errno.EPERM: (BAD_INPUT, "change who may read or write it, or choose another"),
    errno.ENAMETOOLONG: (BAD_INPUT, "give a shorter path"),
    errno.ENOTDIR: (BAD_INPUT, "a part of the path is a file; give a folder"),
    errno.EISDIR: (BAD_INPUT, "it is a folder; give a file"),
    errno.ELOOP: (BAD_INPUT, "its links lead in a circle; give another path"),
    errno.ENOENT: (BAD_INPUT, "it is not there, or not any more; look at the path"),
    errno.EEXIST: (BAD_INPUT, "something of that name is there already; choose another"),
}
"""What the system says that the user can mend: exit status and remedy."""


def of_system(error: OSError) -> tuple[int, str] | None:
    """Exit status and line for what the user's machine refuses; None: it is our fault."""
    if error.errno not in ENVIRONMENT:
        return None
    status, remedy = ENVIRONMENT[error.errno]
    path = error.filename if error.filename is not None else "a file"
    return status, f"{os.fsdecode(path)}: {os.strerror(error.errno)}; {remedy}"


def require_folder() -> None:
    """Raises ValueError if the folder in which the command runs was removed."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise ValueError(
            "the folder in which this command runs was removed: go to another one, `cd`"
        ) from error


def of_installation(error: ImportError) -> str | None:
    """Line for a package that cannot be loaded; None: it is one of our own modules."""
    if (error.name or "").partition(".")[0] in ("study", "analysis"):
        return None
    said = " ".join(str(error).split())[:300]
    return (
        f"a package cannot be loaded: {said}; install the packages again (`make setup`), or free"
        " memory if that is what is missing"
    )


def of_environment(error: BaseException) -> str | None:
    """Line for an environment variable that a library does not take; None: there is none.

    The value is in what the library says, and the name there too or, quoted, in a line of code
    that led to it.
    """
    said = str(error)
    code = [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)]
    for name, value in os.environ.items():
        asked = any(f"{quote}{name}{quote}" in line for line in code for quote in "'\"")
        if value.strip() and value in said and (asked or re.search(rf"\b{name}=", said)):
            why = " ".join(said.split())[:300]
            return f"environment variable {name} = {value!r}: {why}; correct it, or unset {name}"
    return None


def of_storage(error: StoreError) -> int:
    """Exit status where the storage refused: a right or name can be mended before any work."""
    given = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENAMETOOLONG, *LACKING)
    return BAD_INPUT if getattr(error.__cause__, "errno", None) in given else FAILURE


def refused(error: BaseException) -> bool:
    """Whether our own code refused something; a library's ValueError is a mistake of ours.

    A library in C leaves no frame of its own, so the last line must also be one that raises.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    root = Path(__file__).parents[2]
    ours = any(Path(last.filename).is_relative_to(root / name) for name in ("study", "analysis"))
    return ours and (last.line or "").startswith("raise ")


def fault(error: BaseException) -> str:
    """Traceback, and below it, where the eye is, what it means and who wants to know."""
    trace = "".join(traceback.format_exception(error))
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return (
        f"{trace}\nerror: this is a fault of the program, not of what you gave it: {what}\n"
        f"Please report it, with the lines above and the command, to {_maintainer()}."
    )


def _maintainer() -> str:
    """Where the package says that it is to be found."""
    try:
        urls = metadata.metadata("rethink-pretraining").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        urls = []
    return urls[0].partition(", ")[2] if urls else "whoever maintains this project"


def open_streams() -> None:
    """Output that cannot fail for its letters, or for want of a stream.

    What a terminal cannot show becomes `?`. Where the shell closed a stream, the next file that is
    opened would take its number, and what children print would be written into that file.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            opened = Path(os.devnull).open("w")  # noqa: SIM115
            if opened.fileno() != number:
                os.dup2(opened.fileno(), number)
            setattr(sys, name, opened)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def let_go() -> None:
    """Nobody reads the output: what is still to be written goes nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return
