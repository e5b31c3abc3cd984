"""Bit masks of a training image at the network's size, against indexing pixel by pixel.

python -m benchmarks.mask_targets
"""

from __future__ import annotations

import numpy as np
import torch
from hotcoco import mask as rle

from benchmarks.pairs import compare
from study.data.batches.example import nearest

ORIGINAL, SIZE, CANVAS = (480, 640), (800, 1066), (832, 1088)  # height, width px
OBJECTS = 5


def main() -> None:
    masks = decoded(np.random.default_rng(0))
    assert np.array_equal(nearest(masks, *SIZE), indexed(masks))
    print(f"{OBJECTS} masks of {ORIGINAL[0]} × {ORIGINAL[1]} px to {SIZE[0]} × {SIZE[1]} px")
    compare({"nearest": lambda: nearest(masks, *SIZE), "indexed": lambda: indexed(masks)})
    print("the same, onto the batch's canvas")
    compare(
        {
            "nearest": lambda: on_canvas(nearest(masks, *SIZE)),
            "indexed": lambda: on_canvas(indexed(masks)),
        }
    )
    print("the same, mirrored")
    compare(
        {
            "nearest": lambda: on_canvas(mirrored(nearest(masks, *SIZE))),
            "indexed": lambda: on_canvas(indexed(masks)[:, :, ::-1]),
        }
    )


def decoded(random: np.random.Generator) -> np.ndarray:
    """uint8 [n, h, w] discs, laid out in memory as run lengths are decoded."""
    y, x = np.mgrid[: ORIGINAL[0], : ORIGINAL[1]]
    middles = random.random((OBJECTS, 2)) * ORIGINAL
    discs = [np.hypot(y - a, x - b) < random.uniform(20, 150) for a, b in middles]
    encoded = [rle.encode(np.asfortranarray(disc, np.uint8)) for disc in discs]
    return rle.decode(encoded).transpose(2, 0, 1)


def indexed(masks: np.ndarray) -> np.ndarray:
    """The peer: `nearest` as it is said in one expression."""
    lines, columns = (
        ((np.arange(to) + 0.5) * of / to).astype(np.int64)
        for to, of in zip(SIZE, ORIGINAL, strict=True)
    )
    return masks[:, lines[:, None], columns]


def mirrored(masks: np.ndarray) -> np.ndarray:
    return torch.from_numpy(masks).flip(-1).numpy()


def on_canvas(masks: np.ndarray) -> np.ndarray:
    target = np.zeros((OBJECTS, *CANVAS), np.uint8)
    target[:, : SIZE[0], : SIZE[1]] = masks
    return target


if __name__ == "__main__":
    main()
