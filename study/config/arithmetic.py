"""Which arithmetic a run is computed with: numbers of different ones do not mix in a study."""

from __future__ import annotations

ARITHMETIC = 2
"""Raised when the same configuration begins to give other numbers, float rounding apart.

1  an image was padded with black to the largest of its batch or split, and samples were drawn from
   torch's generator
2  every image has its own canvas, padded with the mean's colour; samples are drawn by a hash of
   seed and place; training images of another size are resized once, from the original
"""

REMEDY = (
    "Its results can be read and reported (python -m analysis {run_dir}). To go on with it, use"
    " the version that began it; to ask this version, choose another --run-dir"
)
"""What to do where a run directory has another one; to be formatted."""


def require(arithmetic: int) -> None:
    """Raises ValueError where a run asks for another arithmetic than this version's."""
    if arithmetic != ARITHMETIC:
        raise ValueError(
            f"arithmetic = {arithmetic}: this version computes with {ARITHMETIC}, and no other"
        )
