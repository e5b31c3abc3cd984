"""The outline of a bit mask as a polygon that rasterises to the same mask again."""

from __future__ import annotations

import numpy as np


def traced(mask: np.ndarray) -> np.ndarray:
    """float32 [p, 2] x, y px: one closed polygon along the pixels' edges; p is 0 for no pixel.

    Several parts, and holes, are one polygon too: each loop is reached from the first one's
    beginning by a line that is walked there and back. Such a line encloses nothing, for any rule
    of what is inside, whereas separate rings of a hole and what is around it would be filled both.

    Args:
        mask: bool or uint8 [h, w].
    """
    lines = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(lines):
        return np.zeros((0, 2), np.float32)
    top, left = int(lines[0]), int(columns[0])
    part = np.asarray(mask[top : lines[-1] + 1, left : columns[-1] + 1], bool)
    y, x = _corners(np.pad(part, 1))
    points = np.stack([x + left, y + top], axis=1).astype(np.float32)
    first, *others = _loops(y, x)
    ring = list(first)
    for loop in others:
        ring += [first[0], *loop, loop[0]]  # the way back is the next step, or closes the ring
    return points[ring]


def _corners(padded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns [n] where the outline turns, from the top line down, each from the left.

    Where four pixels look like a chess board, two turns meet, and the corner is there twice.
    """
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    odd = a ^ b ^ c ^ d
    board = (a == d) & (b == c) & (a != b)
    y, x = np.nonzero(odd | board)
    times = 1 + board[y, x]
    return y.repeat(times), x.repeat(times)


def _loops(y: np.ndarray, x: np.ndarray) -> list[list[int]]:
    """The corners of each closed loop in the order walked.

    On every line of the lattice, horizontal or vertical, corners are the ends of edges by turns.
    """
    order = np.lexsort((y, x))
    above = np.empty(len(order), np.int64)  # or below: the other end of the vertical edge
    above[order[0::2]], above[order[1::2]] = order[1::2], order[0::2]
    across = above.tolist()
    walked = [False] * len(across)
    loops = []
    for start in range(len(across)):
        at, loop = start, []
        while not walked[at]:
            along = at ^ 1  # row by row, neighbours are the ends of a horizontal edge
            walked[at] = walked[along] = True
            loop += [at, along]
            at = across[along]
        if loop:
            loops.append(loop)
    return loops
