"""What pre-trainings have in common: the rate, the steps, the file that outlives a kill."""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from study.config import BodyConfig
from study.models import features
from study.randomness import Stream, seed
from study.storage.failures import SAFE
from study.storage.run_dir import Damaged
from study.storage.run_dir.checkpoint import packed, unpacked
from study.storage.writing import write_atomically
from study.training.pretraining.places import Places

SAVED = ("question", "iteration", "model", "optimiser")
TOLD = 10  # times that progress is told and saved
SAVED_S = 300.0  # seconds after which it is saved in any case

Say = Callable[[str], None]
"""Is told how it goes, a line at a time."""


class Classifier(nn.Module):
    """A body that is told what it must tell apart; what is added to it is thrown away."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: BodyConfig) -> None:
        super().__init__()
        self.body, self.name = features.body(config), config.name
        for name, values in (("mean", config.pixel_mean), ("std", config.pixel_std)):
            self.register_buffer(name, torch.tensor(values), persistent=False)

    def normalised(self, images: Tensor) -> Tensor:
        """uint8 [B, H, W, 3] → float32 [B, 3, H, W], as the detector sees them."""
        return ((images - self.mean) / self.std).permute(0, 3, 1, 2)

    def last_map(self, x: Tensor) -> Tensor:
        """[B, C, H', W'] from normalised images."""
        return features.last_map(self.body, self.name, x)

    def channels(self, side_px: int) -> int:
        """C of the last map, for images of that side.

        Raises:
            ValueError: the body does not take such images.
        """
        self.eval()  # or the zeros would enter batch statistics
        try:
            with torch.no_grad():
                return self.last_map(torch.zeros(1, 3, side_px, side_px)).shape[1]
        except RuntimeError as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
            raise ValueError(
                f"image_px = {side_px}: {self.name} does not take images of that side ({why});"
                " give a multiple of 32"
            ) from error


Own = TypeVar("Own", bound=Classifier)


class Training(ABC, Generic[Own]):
    """A pre-training between two iterations.

    Attributes:
        highest: learning rate, after the warm-up.
        question: what a saved state must agree with, as plain values.
    """

    model: Own
    optimiser: torch.optim.Optimizer
    iterations: int
    warmup: int  # iterations
    batch_size: int
    highest: float
    question: dict[str, Any]

    def __init__(self, out: Path, device: str) -> None:
        """
        Raises:
            ValueError: `out` is no .safetensors file, or a folder, or its name too long.
            OSError: nothing can be written there.
        """
        self.places = Places(out)
        self.places.require()
        self.out, self.device = out, torch.device(device)
        self.file = self.places.state
        self.iteration = 0
        self.saved = time.monotonic()

    @abstractmethod
    def batches(self, remaining: range) -> Generator[tuple[np.ndarray, ...], None, None]:
        """Images uint8 [B, H, W, 3] and labels of each of the iterations."""

    @abstractmethod
    def loss(self, *batch: np.ndarray) -> Tensor:
        """Of a batch, []."""

    @abstractmethod
    def told(self) -> str:
        """How well images that were never trained on are told apart."""

    def step(self, *batch: np.ndarray) -> float:
        """One update; returns the loss."""
        self.model.train()
        share = rate_share(self.iteration, self.iterations, self.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = self.highest * share
        loss = self.loss(*batch)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.iteration += 1
        return loss.item()

    def go_on(self, say: Say) -> None:
        """Take the remaining steps; tell and save now and then.

        Raises:
            ValueError: the loss was not finite.
        """
        told = {round(self.iterations * i / TOLD) for i in range(1, TOLD)}
        remaining = range(self.iteration, self.iterations)
        began, losses = time.monotonic(), []
        with contextlib.closing(self.batches(remaining)) as batches:
            for batch in batches:
                losses.append(self.step(*batch))
                if not math.isfinite(losses[-1]):
                    self.file.unlink(missing_ok=True)  # it leads here
                    raise ValueError(
                        f"loss not finite at iteration {self.iteration:,}: give an --lr below"
                        f" {self.highest:g}"
                    )
                if self.iteration in told or time.monotonic() - self.saved > SAVED_S:
                    self.save()
                if self.iteration in told:
                    speed = len(losses) * self.batch_size / (time.monotonic() - began)
                    say(
                        f"{self.iteration:>8,} of {self.iterations:,} iterations, loss"
                        f" {np.mean(losses):.3f}, {self.told()}, {speed:,.0f} images/s"
                    )
                    began, losses = time.monotonic(), []

    def save(self) -> None:
        buffer = io.BytesIO()
        state: dict[str, Any] = {
            "question": json.dumps(self.question, sort_keys=True),
            "iteration": self.iteration,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, buffer)
        write_atomically(self.file, packed(buffer.getvalue()), SAFE)
        self.saved = time.monotonic()

    def restore(self, say: Say) -> None:
        """Go on from the saved state, if there is one that is whole; else begin.

        Raises:
            ValueError: it belongs to other images or settings.
        """
        if not self.file.exists():
            return
        try:
            state = self._read()
        except Damaged as error:
            self.file.replace(self.places.damaged)
            say(f"{error}; set aside as {self.places.damaged.name}, and begun again")
            return
        if state["question"] != json.dumps(self.question, sort_keys=True):
            raise ValueError(
                f"{self.file}: holds a pre-training of other images or settings: repeat that"
                " command to go on with it, remove the file, or choose another --out"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.iteration = state["iteration"]

    def _read(self) -> dict[str, Any]:
        content = unpacked(self.file.read_bytes(), str(self.file))
        try:
            state = torch.load(io.BytesIO(content), map_location=self.device, weights_only=True)
            return {name: state[name] for name in SAVED}
        except Exception as error:  # torch's reader raises a dozen kinds
            kind = type(error).__name__
            raise Damaged(f"{self.file}: damaged: no pre-training ({kind})") from error

    def finish(self, weights: bytes, say: Say) -> None:
        """Write the weights' file; the saved state is of no more use."""
        write_atomically(self.out, weights, SAFE)
        self.file.unlink(missing_ok=True)
        say(f"written to {self.out}")


def rate_share(iteration: int, iterations: int, warmup: int) -> float:
    """Of the highest rate: linear warm-up, then half a cosine down to zero."""
    cosine = (1 + math.cos(math.pi * iteration / iterations)) / 2
    return cosine * min(1.0, (iteration + 1) / warmup)


def initialised(make: Callable[[], Own], number: int) -> Own:
    """What `make` makes, its weights drawn from the seed of that number."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(Stream.INIT, number))
        return make()


def to_bytes(body: nn.Module, metadata: dict[str, str] | None = None, half: bool = False) -> bytes:
    """The body's weights as a safetensors file, in half precision if wanted."""
    tensors = {name: value.cpu().contiguous() for name, value in body.state_dict().items()}
    if half:
        tensors = {name: value.half() for name, value in tensors.items()}
    return safetensors.torch.save(tensors, metadata)
