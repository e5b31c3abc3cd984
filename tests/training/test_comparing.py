"""What a backbone costs: counted without being built, and timed with the run's own batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from study.config import TINY, DataConfig, RunConfig
from study.models import features
from study.training import comparing, speed
from tests.runs import TINY_RUN


def test_the_cost_of_a_backbone_is_that_of_a_run_with_it(monkeypatch: pytest.MonkeyPatch):
    measured: list[RunConfig] = []

    def measure(run: RunConfig, **_: object) -> speed.Speed:
        measured.append(run)
        return speed.Speed(8.0, 10**9, 4, 4, 2.0, 3.0, 4.0, 12, 16)

    monkeypatch.setattr(speed, "measure", measure)
    own = replace(TINY_RUN, arm="pretext", init="pretext")
    found = comparing.cost("thin", own)
    parameters = sum(parameter.numel() for parameter in features.body(TINY.body).parameters())
    assert found == comparing.Cost(parameters, own.optim.batch_size / 8.0, None)
    assert (measured[0].init, measured[0].model.body) == (None, TINY.body)
    assert measured[0].data == DataConfig() != own.data  # the embedded images
    with pytest.raises(ValueError, match="huge"):
        comparing.cost("huge", own)
