"""What is counted as an image's memory is a real image, with objects inside it."""

from __future__ import annotations

from dataclasses import replace

import torch

from study.training import memory
from tests.runs import TINY_RUN


def test_the_example_is_the_largest_image_that_training_may_show():
    model = replace(TINY_RUN.model, train_short_px=(64, 128), long_px=200)
    images, targets, _ = memory._example(replace(TINY_RUN, model=model), torch.device("cpu"))
    assert [tuple(image.shape) for image in images] == [(3, 128, 200)]
    boxes, labels = targets[0]["boxes"], targets[0]["labels"]
    assert len(boxes) == memory.OBJECTS and set(labels.tolist()) == {1}
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 200 and boxes[:, 3].max() <= 128
    assert (boxes[:, 2:] > boxes[:, :2]).all()
