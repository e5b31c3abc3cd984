"""In-domain pre-training: a model's backbone as a classifier of a folder of images.

    python -m study.prepare pretext --images FOLDER --out weights.safetensors --model r50-fpn

The weights are the body's alone, under the names that it has in the detector: an arm, for
`study.sweep --arms scratch mine=weights.safetensors` and `study.train --arm weights.safetensors`.
What the training has seen stands in the file, for `analysis.seen_by`.

The recipe is meant to work unattended, for a few hundred images and for a million: SGD with
momentum, linear warm-up and half a cosine, the rate proportional to the batch (Goyal et al. 2017),
label smoothing (Szegedy et al. 2016), random resized crops and mirror images.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.config import TINY, ModelConfig, OptimConfig, to_dict
from study.config.require import require
from study.data.classification.batches import held_out_batches, training_batches
from study.data.classification.folders import ImageFolder, Labelled
from study.models import backbone
from study.randomness import Stream, seed
from study.storage.folder import write_atomically
from study.training.train_state import optimiser

LR_PER_IMAGE = 0.1 / 256  # of a batch
WEIGHT_DECAY = 1e-4
LABEL_SMOOTHING = 0.1
WARMUP = 0.05  # share of all iterations
EPOCHS, IMAGES = 100, 200_000  # by default so many, or as many as it takes to see so many images
TOLD = 10  # times that progress is told and saved
SAVED_S = 300.0  # seconds after which it is saved in any case

METADATA = "pretraining"
"""The key in the weights file's metadata under which it says what was seen, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """All that the weights depend on, but for the images."""

    model: ModelConfig = TINY
    epochs: float
    image_px: int  # a side of the square that the network is shown
    batch_size: int = 64
    lr: float = 64 * LR_PER_IMAGE
    seed: int = 0  # of initial weights, data order, crops

    def __post_init__(self) -> None:
        require(self.epochs > 0, "epochs", self.epochs, "above 0")
        require(self.image_px >= 32, "image_px", self.image_px, "at least 32 px")
        require(self.batch_size >= 2, "batch_size", self.batch_size, "at least 2 images")
        require(self.lr > 0, "lr", self.lr, "above 0")
        require(self.seed >= 0, "seed", self.seed, "0 or more")

    def iterations(self, images: int) -> int:
        """Of `batch_size` images, to see `images` images `epochs` times."""
        return math.ceil(self.epochs * images / self.batch_size)


def recipe(
    model: ModelConfig,
    images: int,
    *,
    epochs: float | None = None,
    image_px: int | None = None,
    batch_size: int = 64,
    lr: float | None = None,
    seed: int = 0,
) -> Pretraining:
    """What is not given, as it suits the model and the number of images trained on.

    Images are shown at the size for which FPN's eq. 1 has its canonical level: 224 px for ResNets,
    the size of ImageNet's.
    """
    return Pretraining(
        model=trainable(model),
        epochs=max(EPOCHS, math.ceil(IMAGES / images)) if epochs is None else epochs,
        image_px=image_px or model.canonical_px,
        batch_size=batch_size,
        lr=batch_size * LR_PER_IMAGE if lr is None else lr,
        seed=seed,
    )


def trainable(model: ModelConfig) -> ModelConfig:
    """The model as it is pre-trained: nothing is frozen, and batch statistics are alive."""
    norm = "sync_batch" if model.body.norm == "frozen_batch" else model.body.norm
    return model.but(norm=norm, frozen_stages=0)


class Classifier(nn.Module):
    """A model's body with a linear head over its last map's mean."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: Pretraining, num_classes: int) -> None:
        super().__init__()
        self.body = backbone.build(config.model)
        pixel = (config.model.body.pixel_mean, config.model.body.pixel_std)
        for name, values in zip(("mean", "std"), pixel, strict=True):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.eval()
        with torch.no_grad():
            zeros = torch.zeros(1, config.image_px, config.image_px, 3, dtype=torch.uint8)
            channels = self.features(zeros).shape[1]
        self.head = nn.Linear(channels, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """[B, channels] from images uint8 [B, H, W, 3], seen as the detector sees them."""
        x = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std
        for module in self.body.children():  # torchvision's ResNet would want its classifier
            x = module(x)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes]."""
        return self.head(self.features(images))


class _Training:
    """A pre-training between two iterations, and the file that outlives a kill."""

    def __init__(self, config: Pretraining, folder: ImageFolder, out: Path, device: str) -> None:
        self.config, self.folder = config, folder
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed(Stream.INIT, config.seed))
            self.model = Classifier(config, len(folder.classes)).to(device)
        decay = {"weight_decay": WEIGHT_DECAY, "batch_size": config.batch_size}
        self.optimiser = optimiser(self.model, OptimConfig(lr=config.lr, **decay))
        self.device = torch.device(device)
        self.iterations = config.iterations(len(folder.train))
        self.iteration = 0
        self.file = out.with_name(out.name + ".state")
        self.saved = time.monotonic()
        # what a saved state must agree with
        self.question = {"config": to_dict(config), "images": folder.digest}

    def step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """One update; returns the loss."""
        self.model.train()
        rate = self.config.lr * rate_share(self.iteration, self.iterations)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        logits = self.model(torch.from_numpy(images).to(self.device))
        truth = torch.from_numpy(labels).to(self.device)
        loss = F.cross_entropy(logits, truth, label_smoothing=LABEL_SMOOTHING)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.iteration += 1
        return loss.item()

    def save(self) -> None:
        buffer = io.BytesIO()
        state: dict[str, Any] = {
            "question": json.dumps(self.question, sort_keys=True),
            "iteration": self.iteration,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, buffer)
        write_atomically(self.file, buffer.getvalue())
        self.saved = time.monotonic()

    def restore(self) -> None:
        """Go on from the saved state, if there is one.

        Raises:
            ValueError: it belongs to other images or settings.
        """
        if not self.file.exists():
            return
        state = torch.load(self.file, map_location=self.device, weights_only=True)
        if state["question"] != json.dumps(self.question, sort_keys=True):
            raise ValueError(
                f"{self.file}: holds a pre-training of other images or settings: repeat that"
                " command to go on with it, remove the file, or choose another --out"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration = state["iteration"]


def train(
    config: Pretraining,
    folder: ImageFolder,
    out: Path,
    *,
    device: str = "auto",
    say: Callable[[str], None],
) -> float:
    """Pre-train, write the body's weights to `out`; returns the share of held-out images named
    rightly. `say` is told how it goes. The same call goes on where a killed one was.

    Raises:
        ValueError: `out` is no .safetensors file, an interrupted pre-training of another kind lies
            beside it, or the loss was not finite.
    """
    if out.suffix != ".safetensors":
        raise ValueError(f"out = '{out}': a file that ends in .safetensors")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    work = _Training(config, folder, out, device)
    work.restore()
    say(
        f"{len(folder.train):,} images of {len(folder.classes)} classes,"
        f" {len(folder.held_out):,} held out; {work.iterations:,} iterations of"
        f" {config.batch_size} at {config.image_px} px on {device}"
        + (f", from iteration {work.iteration:,} on" if work.iteration else "")
    )
    _go_on(work, say)
    right = accuracy(work.model, folder.held_out, config)
    write_atomically(out, to_bytes(work.model.body, seen(config, work.iterations)))
    work.file.unlink(missing_ok=True)
    chance = 1 / len(folder.classes)
    say(f"{right:.1%} of the held-out images named rightly, by chance {chance:.1%}")
    say(f"written to {out}")
    return right


def _go_on(work: _Training, say: Callable[[str], None]) -> None:
    """Take the remaining steps; tell and save now and then."""
    config, folder = work.config, work.folder
    told = {round(work.iterations * i / TOLD) for i in range(1, TOLD)}
    remaining = range(work.iteration, work.iterations)
    shown = (config.image_px, config.seed, config.batch_size)
    began, losses = time.monotonic(), []
    with contextlib.closing(training_batches(folder.train, *shown, remaining)) as batches:
        for images, labels in batches:
            losses.append(work.step(images, labels))
            if not math.isfinite(losses[-1]):
                work.file.unlink(missing_ok=True)  # it leads here
                raise ValueError(
                    f"loss not finite at iteration {work.iteration:,}: give an --lr below"
                    f" {config.lr:g}"
                )
            if work.iteration in told or time.monotonic() - work.saved > SAVED_S:
                work.save()
            if work.iteration in told:
                speed = len(losses) * config.batch_size / (time.monotonic() - began)
                right = accuracy(work.model, folder.held_out, config)
                say(
                    f"{work.iteration:>8,} of {work.iterations:,} iterations, loss"
                    f" {np.mean(losses):.3f}, {right:.1%} named rightly, {speed:,.0f} images/s"
                )
                began, losses = time.monotonic(), []


def rate_share(iteration: int, iterations: int) -> float:
    """Of the learning rate: linear warm-up, then half a cosine down to zero."""
    cosine = (1 + math.cos(math.pi * iteration / iterations)) / 2
    return cosine * min(1.0, (iteration + 1) / max(1, round(WARMUP * iterations)))


def accuracy(model: Classifier, data: Labelled, config: Pretraining) -> float:
    """Share of images named rightly, each seen once, in the middle."""
    model.eval()
    device, right = model.mean.device, 0
    with torch.no_grad():
        for images, labels in held_out_batches(data, config.image_px, config.batch_size):
            named = model(torch.from_numpy(images).to(device)).argmax(1).cpu().numpy()
            right += int((named == labels).sum())
    return right / len(data)


def seen(config: Pretraining, iterations: int) -> dict[str, float]:
    """Images, instances and pixels in all iterations, as `analysis.seen` counts them."""
    images = iterations * config.batch_size
    return {"images": images, "instances": images, "pixels": images * config.image_px**2}


def to_bytes(body: nn.Module, seen: dict[str, float]) -> bytes:
    """The weights as a safetensors file."""
    tensors = {name: value.cpu().contiguous() for name, value in body.state_dict().items()}
    return safetensors.torch.save(tensors, {METADATA: json.dumps(seen, sort_keys=True)})
