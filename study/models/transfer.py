"""From the host to the device, without waiting for what the device is doing.

`torch.tensor(..., device=...)` and a plain `.to(...)` wait until a GPU has done all that it was
told so far. What is sent here is copied aside first, so that the host may go on, and change it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def sent(values: Tensor, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """The values on a device; of another type there, so that bytes travel as bytes."""
    return values.to(device, non_blocking=True).to(dtype or values.dtype)


def listed(values: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A tensor of numbers in lists, on a device."""
    return sent(torch.tensor(values, dtype=dtype), device)
