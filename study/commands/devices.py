"""Whether the device that was asked for is there."""

from __future__ import annotations

import os
from pathlib import Path

RUNNING = Path("/tmp/ray/ray_current_cluster")  # which Ray writes where a cluster was started


def require_device(device: str | None) -> None:
    """Raise ValueError where a GPU of this machine is asked for and there is none."""
    if device != "cuda":
        return
    import torch  # here: it takes seconds

    if not torch.cuda.is_available():
        raise ValueError(
            "device = 'cuda': PyTorch finds no GPU on this machine; leave the option out to train"
            " on the CPU, or look at what `nvidia-smi` says"
        )


def require_device_of_study(device: str | None) -> None:
    """The same for a study, whose trials run elsewhere where there is a cluster."""
    if os.environ.get("RAY_ADDRESS", "") in ("", "local") and not RUNNING.exists():
        require_device(device)
