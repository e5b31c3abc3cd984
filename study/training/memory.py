"""How many images a process can compute at once, from what one needs and what there is."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from study.config import RunConfig
from study.data.geometry.polygons import Polygons
from study.models.detector import Detector
from study.training import allocator

SPARE = 1.3  # of what is counted: gradients on the way back, fragments, the library's own
STATES = 3  # copies of the weights beside themselves: gradient, momentum, average
OBJECTS = 10  # of the image that is counted with


def images_at_once(detector: Detector, config: RunConfig, share: int) -> int:
    """How many of a worker's `share` of a batch it computes at once, between 1 and `share`.

    Raises:
        ValueError: not even one fits; or parts of a batch do, where its statistics are of all.
    """
    if config.at_once is not None:
        found = min(config.at_once, share)
    else:
        found = min(share, _fitting(detector, config))
    if found < share and detector.together:
        raise ValueError(
            f"optim.batch_size = {config.optim.batch_size}: {found} of the {share} images of a"
            " worker fit its memory at once, and model.body.norm = 'sync_batch' needs all: use"
            " more --workers, a smaller batch, or another norm"
        )
    return found


def _fitting(detector: Detector, config: RunConfig) -> int:
    device = detector.mean.device
    free = free_bytes(device, config.threads)
    weights = sum(p.numel() * p.element_size() for p in detector.parameters())
    room = (free - STATES * weights) / SPARE
    # the smallest there can be tells a small network on small images without an image
    if room > 2**31 and config.model.short_px * config.model.long_px <= 96 * 160:
        return config.optim.batch_size
    one = image_bytes(detector, config)
    if one > room:
        raise ValueError(
            f"memory: one image of up to {_largest(config)[0]} × {_largest(config)[1]} px needs"
            f" {one * SPARE / 1e9:.1f} GB to train on, and {max(room, 0) / 1e9:.1f} GB are free"
            f" on {device}: ask for a smaller shorter side, or use a device with more memory"
        )
    return int(room // one)


def image_bytes(detector: Detector, config: RunConfig) -> int:
    """What one training image of the largest size keeps for the way back, by counting it.

    Nothing is changed in the detector, save that its parts have been used once.
    """
    kept: dict[int, int] = {}
    own = {p.untyped_storage().data_ptr() for p in detector.parameters()}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with _statistics_at_rest(detector), saved_tensors_hooks(count, lambda tensor: tensor):
        detector(*_example(config, detector.mean.device))
    return sum(kept.values())


def free_bytes(device: torch.device, threads: int) -> int:
    """Memory that a process may take: a GPU's, or its threads' share of the machine's."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + held
    allocator.give_back()  # what an earlier run has left here would look like memory in use
    cores = len(os.sched_getaffinity(0))
    return round(_machine_bytes() * min(1.0, threads / cores))


def peak_bytes(device: torch.device) -> int:
    """The most that this process has used so far, on the device or of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource  # not on every system; what runs on CPUs has it

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _machine_bytes() -> int:
    """What this machine, or the container that it is, has left."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    left = int(lines["MemAvailable"].split()[0]) * 1024
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        left = min(left, int(most) - int(used.read_text()))
    return left


def _largest(config: RunConfig) -> tuple[int, int]:
    """Height and width px of the largest image that training may show."""
    model = config.model
    if model.crop_px:
        return model.crop_px, model.crop_px
    short = model.train_short_px[1] if model.train_short_px else model.short_px
    return short, max(short, model.long_px)


def _example(
    config: RunConfig, device: torch.device
) -> tuple[list[Tensor], list[dict[str, Tensor]], list[tuple[int, int]]]:
    """An image with some objects, on which a detector learns."""
    height, width = _largest(config)
    left = torch.linspace(0, width / 2, OBJECTS)
    top = torch.linspace(0, height / 2, OBJECTS)
    boxes = torch.stack([left, top, left + width / 3, top + height / 3], dim=1)
    rings = Polygons.of([[(box[[0, 1, 2, 1, 2, 3, 0, 3]]).reshape(4, 2).numpy()] for box in boxes])
    masks = torch.zeros(OBJECTS, height, width, dtype=torch.uint8)
    target = {
        "boxes": boxes,
        "labels": torch.ones(OBJECTS, dtype=torch.int64),
        "masks": masks,
        "polygons": torch.from_numpy(rings.points).float(),
        "polygon_sizes": torch.from_numpy(rings.sizes),
        "polygon_owner": torch.from_numpy(rings.owner),
        "keypoints": torch.full((OBJECTS, max(config.model.keypoints, 1), 3), 2.0),
    }
    image = torch.zeros(3, height, width, dtype=torch.uint8, device=device)
    return [image], [target], [(1, 2)]


class _statistics_at_rest:
    """Inside, batch norms neither follow the image nor ask other workers."""

    def __init__(self, detector: nn.Module) -> None:
        norms = [m for m in detector.modules() if isinstance(m, nn.BatchNorm2d)]
        self._norms = [norm for norm in norms if norm.training]

    def __enter__(self) -> None:
        for norm in self._norms:
            norm.eval()

    def __exit__(self, *_: object) -> None:
        for norm in self._norms:
            norm.train()
