"""Options that are none of a command's: refused in one line, or parsed, whatever is typed."""

from __future__ import annotations

import pytest

from study.commands.options import parsing
from study.commands.options.parsing import as_typed, parsed
from study.commands.options.sweep import Sweep, design
from study.config.checks.meant import close, slips

NUMBERS = ["nan", "inf", "-1", "0", "1e400", "", "x" * 5000, "1"]
WORDS = ["", " ", "-1", "日本", "x" * 5000, "../..", "--"]
ASKED = [
    (name, given)
    for name, value in sorted(parsing._known(Sweep, "sweep").items())
    if value and name not in ("--help", "--run-dir")
    for given in (NUMBERS if value in parsing.NUMBERS else WORDS)
]


KNOWN = parsing._known


@pytest.fixture(autouse=True, scope="module")
def one_help():
    """Of tyro: to make it takes most of the time of a refusal."""
    known = parsing._known(Sweep, "sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_known", lambda *_: known)
        yield


@pytest.mark.slow
@pytest.mark.parametrize(("option", "value"), ASKED)
def test_any_value_of_any_option_is_understood_or_refused_in_one_line(option: str, value: str):
    arguments = ["shapes", "--run-dir", "runs/x", option, value]
    try:
        design(parsed(Sweep, arguments, "sweep"))
    except ValueError as error:  # anything else is a traceback
        said = as_typed(str(error), arguments)
        assert said and "\n" not in said and "Error parsing" not in said and len(said) < 600


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("trails", ["tails", "trials", "tail"], "trials"),
        ("teh", ["then", "the"], "the"),
        ("max_hour", ["max-hours", "max-images"], "max-hours"),
        ("resnt50", ["resnet18", "resnet50"], "resnet50"),
    ],
)
def test_the_likeliest_word_comes_first(word: str, known: list[str], meant: str):
    assert close(word, known)[0] == meant


def test_a_word_like_no_other_has_no_suggestion():
    assert close("qqqqqq", ["tails", "trials"]) == []
    assert close("epochs", ["lengths", "trials"], {"epochs": "lengths"}) == ["lengths"]


def test_slips_count_neighbours_exchanged_as_one():
    assert [slips(a, "trials") for a in ("trials", "trails", "trial", "tirlas")] == [0, 1, 1, 2]


def test_a_refusal_names_the_option_that_was_typed():
    said = "schedule.lengths = (20, 40): each longer"
    assert as_typed(said, ["--lengths", "20", "40"]) == "--lengths = (20, 40): each longer"
    assert as_typed("max_hours = 0: above 0", ["--max_hours=0"]) == "--max-hours = 0: above 0"
    assert as_typed(said, ["--trials", "3"]) == said


def test_help_is_as_it_was(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        parsed(Sweep, ["--help"], "sweep")
    assert not end.value.code and "--run-dir DIR" in capsys.readouterr().out


@pytest.mark.parametrize("columns", ["1", "7", "30", "180", "500"])
def test_on_any_terminal_a_refusal_is_the_same_and_help_ends(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(parsing, "_known", KNOWN)
    with pytest.raises(ValueError, match=r"^--trails: no such option; did you mean --trials\?"):
        parsed(Sweep, ["shapes", "--run-dir", "x", "--trails", "3"], "sweep")
    with pytest.raises(ValueError, match=r"^--trials: 'three': must be a whole number$"):
        parsed(Sweep, ["shapes", "--run-dir", "x", "--trials", "three"], "sweep")
    with pytest.raises(SystemExit):
        parsed(Sweep, ["--help"], "sweep")
    assert "--trials" in capsys.readouterr().out
