"""The columns of the frame of flags; see `analysis.reading.columns`."""

from __future__ import annotations

from analysis.reading.columns import PLACE, Columns, Frames

FLAGS: Columns = {
    "study": PLACE["study"],
    "size": ("Int64", "training images; missing: the whole study"),
    "arm": ("str", "missing: all of them"),
    "kind": (
        "str",
        "unfinished, unconfirmed, uneven, edge, zero, unlearnt, diverged, failed, wide, stopping",
    ),
    "message": ("str", "the flag in words"),
}

FRAMES: Frames = {
    "flags": ("what to know before believing the answer", FLAGS),
}
