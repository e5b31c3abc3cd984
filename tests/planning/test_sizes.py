"""Sizes that follow from the number of images."""

from __future__ import annotations

import pytest

from search_spaces.custom import SPACE
from study.planning.sizes import longer_ladders, proposed


@pytest.mark.parametrize(
    ("images", "sizes"),
    [
        (1, (1,)),
        (15, (15,)),
        (16, (8, 16)),
        (47, (16, 47)),
        (48, (8, 16, 48)),
        (110, (14, 37, 110)),
        (1000, (120, 330, 1000)),
        (1234, (120, 330, 1000)),
    ],
)
def test_an_eighth_a_third_and_all_at_least_8_images(images: int, sizes: tuple[int, ...]):
    assert proposed(images, gpu=False) == sizes


def test_only_cpus_are_spared():
    assert proposed(9000, gpu=True) == (1100, 3000, 9000)


def test_four_times_the_images_train_twice_as_long():
    ladders = SPACE.nuisance
    assert longer_ladders(ladders, 4095) == ladders
    longer = longer_ladders(ladders, 20_000)
    assert [longer.at(size).lengths[-1] for size in (16, 256, 1024, 4096, 16384)] == [
        *(600, 1200, 2400, 4800, 9600)
    ]
