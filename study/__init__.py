"""The product: data, models, engine, and the sweep that runs them. Imports point one way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.trained.module import TrainedDetector


def load(path: Path | str) -> TrainedDetector:
    """The detector in a folder that `python -m study.train --best` wrote, in evaluation mode.

        detector = study.load("detector/")
        found = detector([image])[0]      # uint8 [3, H, W] in RGB, or a PIL image of any size
        found["boxes"], found["scores"], found["labels"]    # xyxy px; ids, of `detector.classes`

    Raises:
        ValueError: there is no detector in the folder.
    """
    from study.trained.module import load as loaded  # here: it imports torch, much of study none

    return loaded(path)
