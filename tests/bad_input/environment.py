"""Environment variables: a cache that is no folder, numbers that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bad_input.case import Case

SWEEP = ("study.sweep", "shapes", "--run-dir", "runs/x")
CACHE = ("STUDY_CACHE = ", "set STUDY_CACHE to a folder that may be written")
NOT_THE_DATA = ("in the data",)


def cache(name: str, value: str, *says: str, make: Callable[[Path], object] = lambda _: None):
    """`study.prepare` with this $STUDY_CACHE; `make` makes files in the case's folder."""

    def command(folder: Path) -> list[str]:
        make(folder)
        return ["study.prepare", "shapes"]

    return Case(
        f"STUDY_CACHE is {name}",
        command,
        (*CACHE, *says),
        NOT_THE_DATA,
        environment=(("STUDY_CACHE", value),),
    )


def number(variable: str, value: str, *says: str) -> Case:
    return Case(
        f"{variable} is {value!r}",
        lambda _: [*SWEEP],
        (f"{variable} = {value!r}", *says),
        NOT_THE_DATA,
        environment=((variable, value),),
    )


CASES = [
    cache("a file", "{folder}/a", "File exists", make=lambda f: (f / "a").touch()),
    cache("within a file", "{folder}/a/b", "Not a directory", make=lambda f: (f / "a").touch()),
    cache("where nothing can be made", "/proc/x", "No such file"),
    cache("too long", "{folder}/" + "x" * 300, "name too long"),
    cache("a link to itself", "{folder}/a/b", "symbolic links", make=lambda f: _circle(f / "a")),
    Case(
        "no STUDY_CACHE, and a home that cannot be written",
        lambda _: ["study.prepare", "shapes"],
        ("STUDY_CACHE is unset, and /proc/.cache", CACHE[1]),
        NOT_THE_DATA,
        environment=(("STUDY_CACHE", ""), ("HOME", "/proc")),
    ),
    *(
        number("STUDY_CACHE_GB", value, "a number of GB, 0 or more; unset: no limit")
        for value in ("abc", "-1", "nan", "inf", "5 GB")
    ),
    *(
        number("STUDY_SILENCE_S", value, "seconds without a sign of life", "unset: 600")
        for value in ("abc", "-1", "nan", "inf", "")
    ),
    *(
        Case(
            f"RAY_ADDRESS is {value!r}",
            lambda _: [*SWEEP],
            (f"RAY_ADDRESS = {value!r}"[:60], *says),
            NOT_THE_DATA,
            environment=(("RAY_ADDRESS", value),),
        )
        for value, *says in (
            ("ray://127.0.0.1:10001", "Ray's client, which cannot run a study", "HOST:6379"),
            ("http://127.0.0.1:8265", "must be HOST:PORT of a cluster's head, `auto`, or `local`"),
            ("127.0.0.1", "must be HOST:PORT"),
            ("a b", "must be HOST:PORT"),
            ("127.0.0.1:99999", "must be HOST:PORT"),
            ("127.0.0.1:1", "no Ray cluster answers there", "unset RAY_ADDRESS"),
            ("x" * 70 + ":6379", "no Ray cluster answers there"),
            ("..:6379", "no Ray cluster answers there"),
        )
    ),
    Case(
        "RAY_ADDRESS is auto, and there is no cluster",
        lambda _: [*SWEEP],
        ("RAY_ADDRESS = 'auto': no Ray cluster was started on this machine", "unset RAY_ADDRESS"),
        NOT_THE_DATA,
        environment=(("RAY_ADDRESS", "auto"), ("RAY_TMPDIR", "{folder}")),
    ),
]


def _circle(path: Path) -> None:
    path.symlink_to(path.name)
