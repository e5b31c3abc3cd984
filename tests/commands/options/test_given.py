"""What would be taken without a word: a second value, `~` behind an equals sign, an address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from study.commands.options import parsing
from study.commands.options.parsing import parsed
from study.commands.options.sweep import Status, Sweep
from study.prepare import Sync

BASE = ("shapes", "--run-dir", "runs/x")


@pytest.fixture(autouse=True, scope="module")
def one_help():
    """Of tyro: to make it takes most of the time of a refusal."""
    known = parsing._known(Sweep, "sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_known", lambda *_: known)
        yield


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--trials 4 --trials 8", "--trials: is given twice, with '4' and '8'; give it once"),
        ("--trials=4 --trials 8", "--trials: is given twice, with '4' and '8'"),
        ("--max_hours 4 --max-hours 5", "--max-hours: is given twice, with '4' and '5'"),
        (
            "--arms a --arms b c",
            "--arms: is given twice, with 'a' and 'b c'; give it once, as --arms a b c",
        ),
        ("--run-dir runs/y", "--run-dir: is given twice, with 'runs/x' and 'runs/y'"),
        ("--skip-bad --no-skip-bad", "--no-skip-bad: is given twice, with '--skip-bad' and"),
    ],
)
def test_of_two_values_none_is_left_out_without_a_word(words: str, said: str):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        parsed(Sweep, [*BASE, *words.split()], "sweep")


def test_the_same_twice_and_what_may_be_there_twice_is_taken():
    words = "--trials 4 shapes --trials 4 --log-to wandb --log-to mlflow --dry-run --dry-run"
    found = parsed(Sweep, [*BASE[1:], *words.split()], "sweep")
    assert (found.budget.trials, found.logs, found.space) == (4, ("wandb", "mlflow"), "shapes")


def test_the_home_folder_is_meant_also_behind_an_equals_sign(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    for words in (["--status=~/runs/x"], ["--status", "/home/me/runs/x"]):
        assert parsed(Status, words, "sweep").status == "/home/me/runs/x"
    assert parsed(Status, ["--status=runs/~x"], "sweep").status == "runs/~x"
    assert parsed(Status, ["--status=~nobody-here/x"], "sweep").status == "~nobody-here/x"


def test_an_address_is_no_folder_to_be_made_here():
    with pytest.raises(ValueError, match=r"^folder = 's3://b/data': is an address, and must be"):
        parsed(Sync, ["s3://b/data", "s3://b/data"], "sync")
    found = parsed(Sync, ["s3://b/data", "./a:/data"], "sync")
    assert (found.address, found.folder) == ("s3://b/data", Path("a:/data"))
