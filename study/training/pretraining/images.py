"""In-domain pre-training: a backbone as a classifier of a folder of images.

    python -m study.prepare pretext --images FOLDER --out weights.safetensors --model resnet50

The weights are the body's alone, under the names that it has in the detector: an arm, for
`study.sweep --arms scratch mine=weights.safetensors` and `study.train --arm weights.safetensors`.
What the training has seen stands in the file, for `analysis.seen_by`.

The recipe is meant to work unattended, for a few hundred images and for a million: SGD with
momentum, linear warm-up and half a cosine, the rate proportional to the batch (Goyal et al. 2017),
label smoothing (Szegedy et al. 2016), random resized crops and mirror images.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.config import TINY, BodyConfig, OptimConfig, to_dict
from study.config.checks.require import MOST_BATCH, MOST_COUNT, MOST_SEED, require, whole
from study.data.classification.batches import held_out_batches, training_batches
from study.data.classification.folders import ImageFolder, Labelled
from study.models import backbones
from study.models.weights.checkpoints import METADATA
from study.training.pretraining.training import (
    Classifier,
    Say,
    Training,
    initialised,
    to_bytes,
)
from study.training.train_state import optimiser

LR_PER_IMAGE = 0.1 / 256  # of a batch
WEIGHT_DECAY = 1e-4
LABEL_SMOOTHING = 0.1
WARMUP = 0.05  # share of all iterations
MOST_SHOWN_PX = 2_048  # a side: far beyond what any backbone is pre-trained at
MOST_LR = 1_000.0
EPOCHS, IMAGES = 100, 200_000  # by default so many, or as many as it takes to see so many images


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """All that the weights depend on, but for the images."""

    body: BodyConfig = TINY.body
    epochs: float
    image_px: int  # a side of the square that the network is shown
    batch_size: int = 64
    lr: float = 64 * LR_PER_IMAGE
    seed: int = 0  # of initial weights, data order, crops

    def __post_init__(self) -> None:
        good = 0 < self.epochs <= MOST_COUNT
        require(good, "epochs", self.epochs, f"above 0, at most {MOST_COUNT:,}")
        whole("image_px", self.image_px, 32, MOST_SHOWN_PX, " px")
        whole("batch_size", self.batch_size, 2, MOST_BATCH, " images")
        require(0 < self.lr <= MOST_LR, "lr", self.lr, f"above 0, at most {MOST_LR}")
        whole("seed", self.seed, 0, MOST_SEED)

    def iterations(self, images: int) -> int:
        """Of `batch_size` images, to see `images` images `epochs` times."""
        return math.ceil(self.epochs * images / self.batch_size)


def recipe(
    body: BodyConfig,
    images: int,
    *,
    epochs: float | None = None,
    image_px: int | None = None,
    batch_size: int = 64,
    lr: float | None = None,
    seed: int = 0,
) -> Pretraining:
    """What is not given, as it suits the backbone and the number of images trained on."""
    return Pretraining(
        body=trainable(body),
        epochs=max(EPOCHS, math.ceil(IMAGES / images)) if epochs is None else epochs,
        image_px=backbones.find(body.name).pretraining_px if image_px is None else image_px,
        batch_size=batch_size,
        lr=batch_size * LR_PER_IMAGE if lr is None else lr,
        seed=seed,
    )


def trainable(body: BodyConfig) -> BodyConfig:
    """The body as it is pre-trained: nothing is frozen, and batch statistics are alive."""
    alive = "own" if "own" in backbones.find(body.name).norms else "sync_batch"
    norm = alive if body.norm == "frozen_batch" else body.norm
    return replace(body, norm=norm, frozen_stages=0)


class ImageClassifier(Classifier):
    """A body with a linear head over its last map's mean."""

    def __init__(self, config: Pretraining, num_classes: int) -> None:
        super().__init__(config.body)
        self.head = nn.Linear(self.channels(config.image_px), num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] from images uint8 [B, H, W, 3]."""
        return self.head(self.last_map(self.normalised(images)).mean((2, 3)))


class ImageTraining(Training[ImageClassifier]):
    """That on a folder of images."""

    def __init__(self, config: Pretraining, folder: ImageFolder, out: Path, device: str) -> None:
        super().__init__(out, device)
        self.config, self.folder = config, folder
        classes = len(folder.classes)
        self.model = initialised(lambda: ImageClassifier(config, classes), config.seed)
        self.model.to(self.device)
        decay = {"weight_decay": WEIGHT_DECAY, "batch_size": config.batch_size}
        self.optimiser = optimiser(self.model, OptimConfig(lr=config.lr, **decay))
        self.iterations = config.iterations(len(folder.train))
        self.warmup = max(1, round(WARMUP * self.iterations))
        self.batch_size, self.highest = config.batch_size, config.lr
        self.question = {"config": to_dict(config), "images": folder.digest}

    def batches(self, remaining: range) -> Generator[tuple[np.ndarray, ...], None, None]:
        shown = (self.config.image_px, self.config.seed, self.config.batch_size)
        return training_batches(self.folder.train, *shown, remaining)

    def loss(self, *batch: np.ndarray) -> Tensor:
        images, labels = (torch.from_numpy(own).to(self.device) for own in batch)
        return F.cross_entropy(self.model(images), labels, label_smoothing=LABEL_SMOOTHING)

    def right(self) -> float:
        """Share of held-out images named rightly."""
        return accuracy(self.model, self.folder.held_out, self.config)

    def told(self) -> str:
        return f"{self.right():.1%} named rightly"


def train(
    config: Pretraining, folder: ImageFolder, out: Path, *, device: str = "auto", say: Say
) -> float:
    """Pre-train, write the body's weights to `out`; returns the share of held-out images named
    rightly. The same call goes on where a killed one was.

    Raises:
        ValueError: `out` is no .safetensors file, an interrupted pre-training of another kind lies
            beside it, or the loss was not finite.
    """
    device = available(device)
    work = ImageTraining(config, folder, out, device)
    work.restore(say)
    say(
        f"{len(folder.train):,} images of {len(folder.classes)} classes,"
        f" {len(folder.held_out):,} held out; {work.iterations:,} iterations of"
        f" {config.batch_size} at {config.image_px} px on {device}"
        + (f", from iteration {work.iteration:,} on" if work.iteration else "")
    )
    work.go_on(say)
    right, chance = work.right(), 1 / len(folder.classes)
    say(f"{right:.1%} of the held-out images named rightly, by chance {chance:.1%}")
    work.finish(to_bytes(work.model.body, told(config, seen(config, work.iterations))), say)
    return right


def available(device: str) -> str:
    """The device, for "auto" a GPU if there is one."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def accuracy(model: Classifier, data: Labelled, config: Pretraining) -> float:
    """Share of images named rightly, each seen once, in the middle."""
    model.eval()
    device, right = model.mean.device, 0
    with torch.no_grad():
        for images, labels in held_out_batches(data, config.image_px, config.batch_size):
            named = model(torch.from_numpy(images).to(device)).argmax(1).cpu().numpy()
            right += int((named == labels).sum())
    return right / len(data)


def told(config: Pretraining, seen: dict[str, Any]) -> dict[str, str]:
    """The metadata of the weights' file; under one key, for several have no order there."""
    return {METADATA: json.dumps(seen | {"body": to_dict(config.body)}, sort_keys=True)}


def seen(config: Pretraining, iterations: int) -> dict[str, float]:
    """Images, instances and pixels in all iterations, as `analysis.seen` counts them."""
    images = iterations * config.batch_size
    return {"images": images, "instances": images, "pixels": images * config.image_px**2}
