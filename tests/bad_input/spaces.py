"""Search spaces: files that are no Python, fail while they run, or hold what cannot be."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.case import Case

RIGHT = """from study.config import Budget, LogUniform, Nuisance, Scientific, SearchSpace

SPACE = SearchSpace(
    name="mine",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(24, 64)),
    nuisance=Nuisance(
        ranges={"lr": LogUniform(low=0.01, high=0.1)},
        lengths=(100, 200),
    ),
    budget=Budget(
        trials=2,
        confirm=2,
    ),
)
"""


def space(content: str | bytes, name: str = "mine.py"):
    """A sweep of a space file with that content."""

    def command(folder: Path) -> list[str]:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)
        return ["study.sweep", name, "--run-dir", "runs/x"]

    return command


def folder_space(folder: Path) -> list[str]:
    (folder / "mine.py").mkdir()
    return ["study.sweep", "mine.py", "--run-dir", "runs/x"]


def changed(old: str, new: str, line: int, *says: str) -> Case:
    """The right space with one change, refused by line."""
    assert old in RIGHT
    where = f"mine.py, line {line}"
    return Case(f"{old} -> {new}", space(RIGHT.replace(old, new)), (where, *says))


CASES = [
    changed("trials=2", "trails=2", 11, "Budget: trails: no such field", "did you mean 'trials'?"),
    changed("confirm=2", "confrim=2", 12, "did you mean 'confirm'?"),
    changed("trials=2", 'trials="2"', 11, "trials = '2'", "a whole number"),
    changed("trials=2", "trials=0", 11, "trials = 0"),
    changed("trials=2", "trials=True", 11, "trials = True", "a whole number"),
    changed("trials=2", "trials=10**12", 11, "trials", "10,000"),
    changed("trials=2", "audit=float('nan')", 11, "audit = nan"),
    changed("confirm=2", "confirm=2.5", 12, "confirm = 2.5", "a whole number"),
    changed("low=0.01", "low=0", 7, "0 < low <= high"),
    changed("low=0.01", "low=0.5", 7, "0 < low <= high"),
    changed("low=0.01", "lo=0.01", 7, "LogUniform: lo: no such field", "did you mean 'low'?"),
    changed("low=0.01, ", "", 7, "LogUniform: lacks 'low'"),
    changed("high=0.1", "high=float('inf')", 7, "high = inf"),
    changed("high=0.1", 'high="0.1"', 7, "high = '0.1'", "a number"),
    changed('"lr": L', '"learning_rate": L', 7, "learning_rate"),
    changed('"lr": LogUniform(low=0.01, high=0.1)', '"lr": 3', 7, "ranges", "LogUniform"),
    changed("lengths=(100, 200)", "lengths=(200, 100)", 8, "lengths = (200, 100)", "ascending"),
    changed("lengths=(100, 200)", "lengths=()", 8, "lengths = ()", "at least one"),
    changed("lengths=(100, 200)", "lengths=100", 8, "lengths = 100", "a tuple"),
    changed("lengths=(100, 200)", 'lengths=("a",)', 8, "lengths = ('a',)"),
    changed("lengths=(100, 200)", "lengths=(10**10,)", 8, "lengths", "100,000,000"),
    changed("sizes=(24, 64)", "sizes=64", 5, "sizes = 64", "a tuple"),
    changed("sizes=(24, 64)", "sizes=(64, 24)", 5, "sizes = (64, 24)", "ascending"),
    changed("sizes=(24, 64)", "sizes=tuple(range(1, 1000))", 5, "at most 100"),
    changed('arms=("scratch", "pretext")', 'arms="scratch"', 5, "arms = 'scratch'", "a tuple"),
    changed('"scratch", "pretext"', '"scratch", "scratch"', 5, "arms", "each once"),
    changed('name="mine"', "name=3", 4, "name = 3", "a text in quotes"),
    changed('name="mine"', 'nane="mine"', 4, "nane: no such field", "did you mean 'name'?"),
    changed("Budget(\n", "Bugdet(\n", 10, "Bugdet"),
    changed("import Budget", "import Bugdet", 1, "Bugdet"),
    changed("SPACE = SearchSpace(", "SPACE = SearchSpace(\n    1 / 0,", 4, "ZeroDivisionError"),
    Case("a parenthesis too few", space("SPACE = (\n1,\n"), ("mine.py, line 1", "no Python")),
    Case("no Python", space("this is no space\n"), ("mine.py, line 1", "no Python")),
    Case("bad indent", space("a = 1\n  b = 2\n"), ("mine.py, line 2", "no Python")),
    Case("no SPACE", space("x = 1\n"), ("defines no SPACE",)),
    Case("an empty file", space(""), ("defines no SPACE",)),
    Case("small letters", space(RIGHT.replace("SPACE =", "space =")), ("is space meant?",)),
    Case("SPACE is a number", space("SPACE = 3\n"), ("SPACE is of type int", "SearchSpace")),
    Case("an exception", space("a = 1\nraise KeyError('x')\n"), ("mine.py, line 2", "KeyError")),
    Case("the end", space("raise SystemExit(0)\n"), ("mine.py, line 1", "SystemExit")),
    Case("no end", space("def f():\n    f()\nf()\n"), ("mine.py, line", "RecursionError")),
    Case("no UTF-8", space(b"x = 1\n# \xff\xfe\n"), ("line 2", "UTF-8")),
    Case("a NUL byte", space(b"x = 1\n\0\n"), ("line 2", "NUL")),
    Case("a large file", space(b"#" * 1_000_001), ("1,000,000 bytes",)),
    Case("a folder", folder_space, ("is a folder", ".py")),
    Case(
        "a file that is not there",
        lambda _: ["study.sweep", "none.py", "--run-dir", "r"],
        ("none.py", "there is no such file"),
    ),
    Case(
        "a package that is not there",
        space("import no_such_package\n"),
        ("mine.py, line 1", "no_such_package"),
    ),
    Case("shared by spaces", lambda _: ["study.sweep", "_paper", "--run-dir", "r"], ("'_paper'",)),
]
