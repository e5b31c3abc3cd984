"""A record's scores in words, whichever it has, and durations."""

from __future__ import annotations

import pytest

from study.commands.words import duration, scores


def test_scores_are_named_as_far_as_they_are_there():
    assert scores({"AP_box": 31.5, "AP_mask": None, "AP50_box": 50.0, "loss": 1.0}) == [
        ("box AP", 31.5),
        ("mask AP", None),
    ]
    voc = {"AP_box_augmented": 33.0, "mAP_voc07": 70.0, "AP_box": 31.5, "mAP_voc12": 71.0}
    assert [name for name, _ in scores(voc)] == [
        "box AP",
        "VOC07 mAP",
        "VOC12 mAP",
        "augmented box AP",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h"), (400_000, "5 days")],
)
def test_durations_have_one_unit(seconds: float, text: str):
    assert duration(seconds) == text
