"""The pretext weights: made by one command, small, and of use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from study.config import TINY
from study.data.shapes.scenes import classification
from study.models.backbones.thin import PRETEXT
from study.models.canvas import groups
from study.models.detector import Detector
from study.models.features import body
from study.models.initialisation import load_body, read_weights
from study.training.pretraining import shapes, training


@pytest.mark.slow
def test_the_command_writes_weights_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("IMAGES", 200), ("HELD_OUT", 20), ("ITERATIONS", 4), ("BATCH", 8)):
        monkeypatch.setattr(shapes, name, value)
    said: list[str] = []
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for file in files:
        shapes.train(file, said.append)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size <= 1.5e6
    loaded = load_body(body(TINY.body), read_weights(str(files[0]), TINY.body), "mine")
    assert len(loaded) == len(body(TINY.body).state_dict())
    assert "of the shapes" in said[-2]
    rates = [line for line in said if "images/s" in line]
    assert rates and not any(", 0 images/s" in line for line in rates)


def test_weights_are_drawn_from_their_number_and_nothing_else_is_disturbed():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, other = (training.initialised(shapes.ShapeClassifier, number) for number in (1, 2))
    torch.rand(7)
    again = training.initialised(shapes.ShapeClassifier, 1)
    assert torch.equal(first.shape.weight, again.shape.weight)
    assert not torch.equal(first.shape.weight, other.shape.weight)
    torch.manual_seed(5)
    training.initialised(shapes.ShapeClassifier, 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_images_are_shown_as_the_detector_sees_them():
    classifier, detector = shapes.ShapeClassifier(), Detector(TINY, 2)
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    images = list(pixels.permute(0, 3, 1, 2))
    (seen,) = groups(images, 32, detector.mean, detector.std)
    torch.testing.assert_close(classifier.normalised(pixels), seen.inputs)


@pytest.mark.slow
def test_the_shipped_weights_tell_shapes_apart_that_they_never_saw():
    """A nearest class mean over pooled features: random weights are hardly better than chance."""
    assert PRETEXT.stat().st_size <= 1.5e6
    images, shape, _ = classification(600, seed=31)
    torch.manual_seed(0)
    random, trained = shapes.ShapeClassifier(), shapes.ShapeClassifier()
    load_body(trained.body, read_weights("pretext", TINY.body), "pretext")
    share = {}
    for name, network in (("random", random), ("trained", trained)):
        with torch.no_grad():
            features = network.pooled(torch.from_numpy(images)).numpy()
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        means = np.stack([features[:400][shape[:400] == k].mean(0) for k in range(12)])
        nearest = (features[400:] @ means.T / np.linalg.norm(means, axis=1)).argmax(1)
        share[name] = float((nearest == shape[400:]).mean())
    assert share["trained"] > 0.5 > 0.3 > share["random"], share
