"""The model card tells names as they are: nothing in one is Markdown, or HTML."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from study.trained import card
from study.trained.folder import Classes
from tests.hostile import CONTROLS, NAMES
from tests.runs import TINY_RUN


def test_names_stay_names():
    facts = card.Facts(
        classes=Classes(tuple(range(len(NAMES))), NAMES),
        study="`a`|<b>",
        why="".join(NAMES[:-1]),
        tuned_at=3,
        trained_on=NAMES[0],
        images=3,
        reported_on=0,
        scores=(),
        answer="".join(NAMES[:-1]),
        seconds=1.0,
    )
    text = card.text(TINY_RUN, facts)
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    assert "<" not in outside and "](" not in outside and "`" not in outside
    assert [sign for sign in CONTROLS if sign in text] == []
    assert "x" * 201 not in text  # a name as long as a page is cut
    assert "é中文" in text


@pytest.mark.parametrize(
    ("split", "where", "told"),
    [("report", "report", True), ("report", "tuning", False), ("none", "report", False)],
)
def test_a_score_on_the_split_that_chose_the_arm_is_told_as_too_good(
    split: str, where: str, told: bool
):
    facts = card.Facts(
        classes=Classes((1,), ("cat",)),
        study="runs/mine",
        why=f"highest box AP on the {where} split at 3 images",
        tuned_at=3,
        trained_on="all",
        images=3,
        reported_on=200,
        scores=(),
        answer="",
        seconds=1.0,
    )
    text = card.text(replace(TINY_RUN, split=split), facts)
    assert ("the AP is a little too good" in text) is told
