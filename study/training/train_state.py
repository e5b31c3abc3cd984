"""All that a run must remember: weights, momentum, average, iteration, the leg's losses so far.

No generator's state, because randomness is a function of the iteration. To resume and to return
to a fork are the same act: load one of these.
"""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from study.config import OptimConfig
from study.config.schedule import Leg
from study.models.detector import Detector


class SGD(torch.optim.SGD):
    """torch's, without the hooks of its compiler around each method: the same bits.

    Nothing is compiled here, and the first hook that is met imports the compiler, for a second.
    """

    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))
    zero_grad: Any = inspect.unwrap(torch.optim.SGD.zero_grad)
    add_param_group: Any = inspect.unwrap(torch.optim.SGD.add_param_group)
    state_dict: Any = inspect.unwrap(torch.optim.SGD.state_dict)
    load_state_dict: Any = inspect.unwrap(torch.optim.SGD.load_state_dict)


def optimiser(model: nn.Module, config: OptimConfig) -> torch.optim.SGD:
    """SGD with momentum; norm parameters and biases (one-dimensional) have no weight decay.

    Two groups and no more: many small ones defeat the fused kernel. But those that may join later
    have two of their own: within a group, the kernel takes momentum to begin at the same step.
    """
    joining = set(model.joining()) if isinstance(model, Detector) else set()
    parameters = [p for p in model.parameters() if p.requires_grad]
    members = [[p for p in parameters if (p in joining) == late] for late in (False, True)]
    groups = [
        {"params": own, "weight_decay": decay}
        for part in members
        if part
        for own, decay in (
            ([p for p in part if p.ndim > 1], config.weight_decay),
            ([p for p in part if p.ndim <= 1], 0.0),
        )
    ]
    return SGD(groups, lr=config.lr, momentum=config.momentum, fused=True)


@dataclass
class TrainState:
    """The state of a run between two iterations."""

    detector: Detector
    optimiser: torch.optim.Optimizer
    iteration: int = 0
    leg: str = ""  # whose losses these are
    trunk: str | None = None  # on which it stands; None: at the very beginning, or in a tail
    loss_sums: dict[str, float] = field(default_factory=dict)  # over `loss_steps` of the leg
    loss_steps: int = 0
    average: dict[str, Tensor] = field(default_factory=dict)  # of the trunk's weights; may be none

    def enter(self, leg: Leg) -> None:
        """Begin a leg, unless this state already lies inside it."""
        self.trunk = None if leg.is_tail else leg.trunk
        if self.leg != leg.name:
            self.leg, self.loss_sums, self.loss_steps = leg.name, {}, 0

    def add_losses(self, losses: Mapping[str, float]) -> None:
        self.loss_steps += 1
        for name, value in losses.items():
            self.loss_sums[name] = self.loss_sums.get(name, 0.0) + value

    def mean_losses(self) -> dict[str, float]:
        """Mean of each loss over the leg so far, and of their sum as `loss`."""
        steps = max(self.loss_steps, 1)
        means = {f"loss_{name}": total / steps for name, total in self.loss_sums.items()}
        return {"loss": sum(means.values())} | means

    def add_to_average(self, decay: float) -> None:
        """Move the average of all weights towards the present ones; the first call begins it."""
        weights = self._weights()
        if not self.average:
            self.average = {name: value.clone() for name, value in weights.items()}
        kept = [self.average[name] for name in weights]
        get_ema_multi_avg_fn(decay)(kept, list(weights.values()), None)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the detector has the averaged weights."""
        own = {name: value.clone() for name, value in self._weights().items()}
        self.detector.load_state_dict(self.average, strict=False)
        try:
            yield
        finally:
            self.detector.load_state_dict(own, strict=False)

    def weights(self) -> dict[str, Tensor]:
        """The detector's, each laid out in the order of its dimensions, as files have them."""
        return {name: own.contiguous() for name, own in self.detector.state_dict().items()}

    def to_bytes(self, of: str = "") -> bytes:
        """`of`: the identity of the run (`study.training.resuming`)."""
        buffer = io.BytesIO()
        torch.save(
            {
                "of": of,
                "detector": self.detector.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "iteration": self.iteration,
                "leg": self.leg,
                "trunk": self.trunk,
                "loss_sums": self.loss_sums,
                "loss_steps": self.loss_steps,
                # a tail ends in a return to the trunk, which has it
                "average": {} if self.trunk is None else self.average,
            },
            buffer,
        )
        return buffer.getvalue()

    def restore(self, content: bytes) -> None:
        """Become the state that `to_bytes` wrote."""
        self.become(read(content, next(self.detector.parameters()).device))

    def become(self, saved: Saved) -> None:
        """The same of what `read` returned."""
        self.detector.load_state_dict(saved["detector"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.iteration, self.leg, self.trunk = saved["iteration"], saved["leg"], saved["trunk"]
        self.loss_sums, self.loss_steps = saved["loss_sums"], saved["loss_steps"]
        self.average = saved["average"]

    def _weights(self) -> dict[str, Tensor]:
        state = self.detector.state_dict()
        return {name: value for name, value in state.items() if value.is_floating_point()}


Saved = dict[str, Any]
"""What `TrainState.to_bytes` wrote, by name."""


def read(content: bytes, device: torch.device) -> Saved:
    """The content of a checkpoint, its tensors on a device.

    Raises:
        ValueError: it is none.
    """
    try:
        saved = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        _ = [saved[name] for name in NAMES]
    except Exception as error:  # torch's reader raises a dozen kinds
        raise ValueError(f"no checkpoint of this program ({type(error).__name__})") from error
    return saved


NAMES = (
    *("detector", "optimiser", "iteration", "leg", "trunk"),
    *("loss_sums", "loss_steps", "average"),
)
"""Of what every version has saved."""
