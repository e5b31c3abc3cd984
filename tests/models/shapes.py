"""Embedded images with every kind of target, on which the tests' detectors take real steps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from study.config import TINY, ModelConfig
from study.data.batches.example import tight_boxes
from study.data.shapes.scenes import Scene, ShapesConfig, scenes
from study.models.detector import Detector
from study.models.losses import Share

CLASSES = 3
BATCH = list(scenes(ShapesConfig(classes=CLASSES, max_objects=3), count=2, seed=0))


def detector(config: ModelConfig = TINY, seed: int = 0) -> Detector:
    torch.manual_seed(seed)
    return Detector(config, CLASSES).train()


def images(slots: list[int]) -> list[Tensor]:
    return [torch.from_numpy(BATCH[i].image).permute(2, 0, 1) for i in slots]


def target(scene: Scene) -> dict[str, Tensor]:
    """Boxes, labels, bit masks, keypoints; and polygons, a rectangle for each run of pixels."""
    masks = np.stack([o.mask for o in scene.objects])
    rings = [
        (owner, [[left, y], [right, y], [right, y + 1], [left, y + 1]])
        for owner, mask in enumerate(masks)
        for y, row in enumerate(np.pad(mask, ((0, 0), (1, 1))))
        for left, right in np.flatnonzero(np.diff(row.astype(int))).reshape(-1, 2)
    ]
    return {
        "boxes": torch.from_numpy(tight_boxes(masks)),
        "labels": torch.tensor([o.label + 1 for o in scene.objects]),
        "masks": torch.from_numpy(masks.astype(np.uint8)),
        "keypoints": torch.from_numpy(np.stack([o.keypoints for o in scene.objects])),
        "polygons": torch.tensor([point for _, ring in rings for point in ring]).float(),
        "polygon_sizes": torch.full((len(rings),), 4),
        "polygon_owner": torch.tensor([owner for owner, _ in rings]),
    }


def nothing() -> dict[str, Tensor]:
    """The target of an image without objects."""
    return {key: value[:0] for key, value in target(BATCH[0]).items()}


def shares(
    model: Detector,
    slots: list[int],
    iteration: int = 0,
    targets: dict[int, dict[str, Tensor]] | None = None,
) -> dict[str, Share]:
    """The losses of some of the images; `targets` replaces those of some slots."""
    own = {slot: target(BATCH[slot]) for slot in slots} | (targets or {})
    seeds = [(1000 * iteration + slot, 1000 * iteration + 500 + slot) for slot in slots]
    found = model(images(slots), [own[slot] for slot in slots], seeds)
    assert isinstance(found, dict)
    return found


def mean(found: dict[str, Share]) -> Tensor:
    return torch.stack([share.total / share.terms.clamp(min=1) for share in found.values()]).sum()


def learn(model: Detector, steps: int, lr: float = 0.02) -> list[dict[str, float]]:
    """Each step's mean losses while the model learns two images by heart."""
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    history = []
    for step in range(steps):
        found = shares(model, [0, 1], step)
        optimiser.zero_grad()
        mean(found).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimiser.step()
        history.append(
            {name: (s.total / s.terms.clamp(min=1)).item() for name, s in found.items()}
        )
    return history
