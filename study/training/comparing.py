"""What a backbone costs: its parameters, and an iteration of the detector around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from study.config import DataConfig, RunConfig
from study.models import backbones, features
from study.models.weights import imagenet
from study.training import speed


@dataclass(frozen=True)
class Cost:
    """Of a backbone on this machine."""

    parameters: int  # without a classifier
    iteration_s: float  # of the run's batch, with one thread on CPUs
    at_hand: bool | None  # whether its ImageNet weights need no download; None: there are none


def cost(name: str, run: RunConfig) -> Cost:
    """What the run would cost with that backbone, measured on the embedded images.

    Raises:
        ValueError: no such backbone.
    """
    backbone = backbones.find(name)
    with torch.device("meta"):
        body = features.body(backbone.body)
    model = backbones.leveled(replace(run.model, body=backbone.body))
    tried = replace(run, model=model, data=DataConfig(), init=None, arm="scratch")
    rate = speed.measure(tried, iterations=6, evaluates=False).images_per_second
    weights = backbone.published
    return Cost(
        parameters=sum(parameter.numel() for parameter in body.parameters()),
        iteration_s=run.optim.batch_size / rate,
        at_hand=any(map(imagenet.at_hand, weights)) if weights else None,
    )
