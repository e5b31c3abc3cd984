"""A record's scores in words, whichever it has, and durations."""

from __future__ import annotations

import pytest

from study.commands.words import duration, left, listed, scores


def test_scores_are_named_as_far_as_they_are_there():
    assert scores({"AP_box": 31.5, "AP_mask": 28.0, "AP50_box": 50.0, "loss": 1.0}) == [
        ("box AP", 31.5),
        ("mask AP", 28.0),
    ]
    voc = {"AP_box_augmented": 33.0, "mAP_voc07": 70.0, "AP_box": 31.5, "mAP_voc12": 71.0}
    assert [name for name, _ in scores(voc)] == [
        "box AP",
        "VOC07 mAP",
        "VOC12 mAP",
        "augmented box AP",
    ]


def test_data_without_masks_are_not_told_of_masks_and_nothing_to_find_is_said_once():
    assert scores({"AP_box": 31.5, "AP_mask": None}) == [("box AP", 31.5)]
    assert scores({"AP_box": None, "AP_mask": None}) == [("box AP", None)]
    assert listed({"AP_box": 31.55, "AP_mask": 28.0}) == "box AP 31.6, mask AP 28.0"
    assert listed({"AP_box": None, "AP_mask": None}) == "box AP none"


def test_the_time_left_stands_behind_other_words_where_it_is_known():
    assert left(600) == ", about 10 min left" and left(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h"), (400_000, "5 days")],
)
def test_durations_have_one_unit(seconds: float, text: str):
    assert duration(seconds) == text
