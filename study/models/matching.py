"""Which object each box is compared with, and which boxes a loss samples, for all images at once.

Both are functions of an image's own boxes, objects and seed. A sample is drawn without a
generator's state: every box has a number that is mixed from the seed and its place, and those with
the smallest are drawn. So it is the same on every device, and nothing waits for one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from study.models.boxes import iou
from study.models.transfer import listed, sent

PLACE_BITS = 24  # boxes of an image: more than 2^24 anchors are no image that trains
NEVER = 2**62  # after every key
AT_ONCE = 2**23  # overlaps that are computed at once: a bound on memory, without effect on values


class Objects(NamedTuple):
    """The objects of B images, G places for each; those without a label are empty."""

    boxes: Tensor  # [B, G, 4] xyxy px
    labels: Tensor  # int64 [B, G] from 1; 0: no object

    @classmethod
    def of(cls, targets: list[dict[str, Tensor]], like: Tensor) -> Objects:
        """From each image's boxes [n, 4] and labels [n]."""
        most = max(1, *(len(target["labels"]) for target in targets))
        boxes = targets[0]["boxes"].new_zeros(len(targets), most, 4)
        labels = targets[0]["labels"].new_zeros(len(targets), most)
        for at, target in enumerate(targets):
            number = len(target["labels"])
            boxes[at, :number], labels[at, :number] = target["boxes"], target["labels"]
        return cls(sent(boxes, like.device, like.dtype), sent(labels, like.device))

    def at(self, images: list[int]) -> Objects:
        """Those of some of the images."""
        if images == list(range(len(self.boxes))):
            return self
        places = listed(images, self.labels.device, torch.int64)
        return Objects(self.boxes[places], self.labels[places])

    @property
    def there(self) -> Tensor:
        """bool [B, G]."""
        return self.labels > 0


class Matches(NamedTuple):
    """Each box's object: the one that it overlaps most."""

    overlap: Tensor  # [B, n]; -1 where an image has no objects, or the box is left out
    object: Tensor  # int64 [B, n]
    best: Tensor  # bool [B, n]: no box overlaps some object more


def match(objects: Objects, boxes: Tensor, usable: Tensor | None = None) -> Matches:
    """Of boxes [B, n, 4], or [1, n, 4] if they are those of every image.

    Args:
        usable: bool [B, n], boxes that may have an object; None: all.
    """
    each = len(objects.labels[0]) * boxes.shape[1]
    images = max(1, AT_ONCE // max(each, 1))
    parts = [
        _match(
            Objects(*own),
            boxes if len(boxes) == 1 else boxes[begin : begin + images],
            None if usable is None else usable[begin : begin + images],
        )
        for begin, own in enumerate_parts(objects, images)
    ]
    return parts[0] if len(parts) == 1 else Matches(*map(torch.cat, zip(*parts, strict=True)))


def enumerate_parts(objects: Objects, images: int) -> list[tuple[int, tuple[Tensor, Tensor]]]:
    """Runs of so many images, and where each begins."""
    starts = range(0, len(objects.boxes), images)
    return [
        (at, (objects.boxes[at : at + images], objects.labels[at : at + images])) for at in starts
    ]


def _match(objects: Objects, boxes: Tensor, usable: Tensor | None) -> Matches:
    allowed = objects.there[..., None]
    if usable is not None:
        allowed = allowed & usable[:, None]
    overlaps = iou(objects.boxes, boxes).masked_fill(~allowed, -1)
    overlap, own = overlaps.max(dim=1)
    # an object that nothing overlaps has no best box: all would be equally good
    highest = overlaps.amax(dim=2, keepdim=True).clamp(min=torch.finfo(overlaps.dtype).tiny)
    return Matches(overlap, own, (overlaps == highest).any(dim=1))


class Drawn(NamedTuple):
    """A sample of each image's boxes, in a fixed number of places."""

    boxes: Tensor  # int64 [B, n]: which ones; 0 where none is
    there: Tensor  # bool [B, n]


def keys(seeds: list[int], number: int, device: torch.device) -> Tensor:
    """int64 [B, number]: a random number for each place, all of an image different.

    The mixing is the finaliser of MurmurHash3 (Appleby 2011), on 32 bits.
    """
    place = torch.arange(number, device=device)
    folded = [(seed ^ seed >> 32) & 0xFFFFFFFF for seed in seeds]
    mixed = place * 0x9E3779B1 + listed(folded, device, torch.int64)[:, None]
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = mixed & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> shift) * factor
    mixed = mixed & 0xFFFFFFFF
    return ((mixed ^ mixed >> 16) & 0x3FFFFFFF) << PLACE_BITS | place


def draw(keys: Tensor, eligible: Tensor, number: int) -> Drawn:
    """At most `number` of the eligible boxes, bool [B, n], those with the smallest keys first."""
    number = min(number, keys.shape[1])
    found = keys.masked_fill(~eligible, NEVER).topk(number, largest=False).values
    return Drawn(found & (2**PLACE_BITS - 1), found < NEVER)


def sample(
    keys: Tensor, positive: Tensor, negative: Tensor, number: int, share: float
) -> tuple[Drawn, Drawn]:
    """Positives, at most a `share` of `number`, and so many negatives that both are `number`."""
    positives = draw(keys, positive, int(number * share))
    negatives = draw(keys, negative, number)
    place = torch.arange(negatives.there.shape[1], device=keys.device)
    left = number - positives.there.sum(dim=1, keepdim=True)
    return positives, negatives._replace(there=negatives.there & (place < left))


def rows(values: Tensor, places: Tensor) -> Tensor:
    """[B, m, ...]: of values [B, n, ...] those at places [B, m]."""
    index = places.reshape(*places.shape, *[1] * (values.dim() - 2))
    return values.gather(1, index.expand(*places.shape, *values.shape[2:]))
