"""Samplers depend on their seeds alone."""

import torch
from torch import Tensor

from study.models.sampling import SeededSampler


def labels(seed: int, positives: int, negatives: int, ignored: int) -> Tensor:
    own = torch.tensor([2.0] * positives + [0.0] * negatives + [-1.0] * ignored)
    return own[torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))]


def test_sampler_takes_at_most_its_share_of_positives():
    sampler = SeededSampler(64, 0.5)
    sampler.seeds = [1, 2, 3]
    own = [labels(0, 100, 500, 50), labels(1, 3, 500, 50), labels(2, 0, 10, 5)]
    positive, negative = sampler(own)
    assert [int(p.sum()) for p in positive] == [32, 3, 0]
    assert [int(n.sum()) for n in negative] == [32, 61, 10]
    for label, p, n in zip(own, positive, negative, strict=True):
        assert (label[p] > 0).all()
        assert (label[n] == 0).all()


def test_sampler_is_a_function_of_the_image_seed():
    sampler = SeededSampler(64, 0.5)
    own = labels(0, 100, 500, 50)
    sampler.seeds = [7, 8]
    first, second = sampler([own, own])[0]
    sampler.seeds = [8]
    assert not torch.equal(first, second)
    assert torch.equal(sampler([own])[0][0], second)
