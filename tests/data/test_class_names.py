"""Names of classes that are of use are taken, whatever their language."""

from __future__ import annotations

import pytest

from study.data.class_names import but, is_name, looks


@pytest.mark.parametrize(
    "name", ["7", "猫 2", "می\u200cشود", "👩\u200d🚒", "cat\r\n", "\tcat", "🫨", "a\u00a0b"]
)
def test_names_of_every_language(name: str):
    assert is_name(name) and looks(name)


@pytest.mark.parametrize(
    "name", ["", " ", "\x00", "c\x00t", "red\nfox", "\x7fcat", "\ud800", None, 7]
)
def test_what_is_no_name(name: object):
    assert not is_name(name)


def test_names_that_differ_in_a_joiner_are_two():
    assert looks("می\u200cشود") != looks("میشود")
    assert looks("Cat") != looks("cat")


@pytest.mark.parametrize(
    ("other", "said"),
    [("red fox", ""), ("red  fox ", "but for blanks"), ("red\ufeff fox", "or signs not seen")],
)
def test_what_names_differ_in(other: str, said: str):
    assert looks(other) == looks("red fox")
    assert but(other, "red fox").strip().endswith(said)
