"""How each arm is trained best, in words."""

from __future__ import annotations

import pandas as pd

from analysis.answers.advice import advice


def chosen(arm: str, lengths: dict[int, int], lr: float = 0.03, trials: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {"study": "a", "arm": arm, "size": size, "lr": lr, "weight_decay": 1e-4, "length": length}
        | {"trials": trials}
        for size, length in lengths.items()
    )


def searched(study: str) -> tuple[str, ...]:
    return "lr", "weight_decay"


def test_arms_with_one_setting_are_one_sentence():
    both = pd.concat([chosen(arm, {16: 100, 64: 100}) for arm in ("scratch", "pretext")])
    assert advice(both, searched) == [
        "scratch and pretext train best at a learning rate of 0.03 and a weight decay of 0.0001,"
        " for 100 iterations"
    ]


def test_what_differs_by_size_is_told_with_the_size_or_as_a_range():
    few, many = chosen("a", {16: 100, 64: 400}), chosen("b", {n: 10 * n for n in (1, 2, 3, 40)})
    (first, second) = advice(pd.concat([few, many]), searched)
    assert first.endswith("for 100 iterations with 16 images and 400 iterations with 64 images")
    assert second.endswith("for 10 to 400 iterations")


def test_one_or_two_trials_do_not_say_which_setting_is_best():
    few = [chosen(arm, {16: 100, 64: 400}, trials=2) for arm in ("scratch", "pretext")]
    assert advice(pd.concat(few), searched) == [
        "with 16 and 64 images, only 2 trials each of scratch and pretext: not enough to say which"
        " setting is best"
    ]
    enough, one = chosen("scratch", {16: 100}, trials=3), chosen("pretext", {16: 100}, trials=1)
    first, second = advice(pd.concat([enough, one]), searched)
    assert first.startswith("scratch trains best at a learning rate of 0.03")
    assert second == (
        "with 16 images, only 1 trial of pretext: not enough to say which setting is best"
    )
