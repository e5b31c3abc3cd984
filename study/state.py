"""All that a run must remember: weights, momentum, the iteration, and the leg's losses so far.

No generator's state, because randomness is a function of the iteration. To resume and to return
to a fork are the same act: load one of these.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from study.config import OptimConfig
from study.models.detector import MaskRCNN
from study.schedule import Leg


def optimiser(detector: MaskRCNN, config: OptimConfig) -> torch.optim.SGD:
    """SGD with momentum; norm parameters and biases (one-dimensional) have no weight decay.

    Two groups and no more: many small ones defeat the fused kernel.
    """
    parameters = [p for p in detector.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=True)


@dataclass
class TrainState:
    """The state of a run between two iterations."""

    detector: MaskRCNN
    optimiser: torch.optim.Optimizer
    iteration: int = 0
    leg: str = ""  # whose losses these are
    loss_sums: dict[str, float] = field(default_factory=dict)  # over the leg's iterations

    def enter(self, leg: Leg) -> None:
        """Begin a leg, unless this state already lies inside it."""
        if self.leg != leg.name:
            self.leg, self.loss_sums = leg.name, {}

    def add_losses(self, losses: Mapping[str, float]) -> None:
        for name, value in losses.items():
            self.loss_sums[name] = self.loss_sums.get(name, 0.0) + value

    def mean_losses(self, leg: Leg) -> dict[str, float]:
        """Mean of each loss over the whole leg, and of their sum as `loss`."""
        steps = leg.stop - leg.start
        means = {f"loss_{name}": total / steps for name, total in self.loss_sums.items()}
        return {"loss": sum(means.values())} | means

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        torch.save(
            {
                "detector": self.detector.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "iteration": self.iteration,
                "leg": self.leg,
                "loss_sums": self.loss_sums,
            },
            buffer,
        )
        return buffer.getvalue()

    def restore(self, content: bytes) -> None:
        """Become the state that `to_bytes` wrote."""
        device = next(self.detector.parameters()).device
        saved = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        self.detector.load_state_dict(saved["detector"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.iteration, self.leg = saved["iteration"], saved["leg"]
        self.loss_sums = saved["loss_sums"]


def leg_of(content: bytes) -> str:
    """The leg that a saved state lies in."""
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)["leg"]
