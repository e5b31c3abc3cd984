"""Samples depend on an image's seed and boxes alone, and take at most their share of positives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from study.models import matching
from study.models.matching import Objects, draw, keys, match, sample

CPU = torch.device("cpu")


def labels(seed: int, positives: int, negatives: int, ignored: int) -> Tensor:
    own = torch.tensor([1] * positives + [0] * negatives + [-1] * ignored)
    return own[torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))]


def test_a_sample_takes_at_most_its_share_of_positives():
    own = torch.stack([labels(0, 100, 500, 50), labels(1, 3, 597, 50), labels(2, 0, 10, 640)])
    positive, negative = sample(keys([1, 2, 3], 650, CPU), own == 1, own == 0, 64, 0.5)
    assert positive.there.sum(dim=1).tolist() == [32, 3, 0]
    assert negative.there.sum(dim=1).tolist() == [32, 61, 10]
    for label, (p, p_there), (n, n_there) in zip(
        own, zip(*positive, strict=True), zip(*negative, strict=True), strict=True
    ):
        assert (label[p[p_there]] == 1).all() and (label[n[n_there]] == 0).all()
        assert len(set(p[p_there].tolist())) == int(p_there.sum())  # each once


def test_a_sample_is_a_function_of_the_images_seed():
    eligible = torch.ones(2, 500, dtype=torch.bool)
    both = draw(keys([7, 8], 500, CPU), eligible, 64).boxes
    assert not torch.equal(both[0], both[1])
    assert torch.equal(draw(keys([8], 500, CPU), eligible[:1], 64).boxes[0], both[1])


def test_keys_are_all_different_and_as_good_as_random():
    """Each place is drawn as often as any other, and pairs are not drawn together."""
    many = keys(list(range(4000)), 40, CPU)
    assert all(len(set(row.tolist())) == 40 for row in many[:50])
    drawn = draw(many, torch.ones_like(many, dtype=torch.bool), 10).boxes
    hits = torch.zeros(4000, 40).scatter(1, drawn, 1.0)
    often = hits.mean(dim=0)
    assert ((often - 0.25).abs() < 4 * (0.25 * 0.75 / 4000) ** 0.5).all()
    together = (hits.T @ hits / 4000)[0, 1:]
    expected = 0.25 * 9 / 39
    assert ((together - expected).abs() < 4.5 * (expected * (1 - expected) / 4000) ** 0.5).all()


def test_large_seeds_with_equal_halves_differ():
    found = keys([5, 5 + 2**32, 5 + 2**40], 100, CPU)
    assert not torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_memory_is_bounded_without_effect(monkeypatch: pytest.MonkeyPatch):
    generator = torch.Generator().manual_seed(0)
    corner = 60 * torch.rand(3, 50, 2, generator=generator)
    boxes = torch.cat([corner, corner + 30], dim=-1)
    objects = Objects(boxes[:, :4], torch.tensor([[1, 2, 1, 3], [2, 0, 0, 0], [0, 0, 0, 0]]))
    usable = torch.rand(3, 50, generator=generator) < 0.8
    whole = match(objects, boxes, usable)
    monkeypatch.setattr(matching, "AT_ONCE", 1)
    for one, other in zip(whole, match(objects, boxes, usable), strict=True):
        assert torch.equal(one, other)
    assert (whole.overlap[2] == -1).all() and not whole.best[2].any()
    assert not whole.best[~usable].any()
