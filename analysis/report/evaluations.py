"""What the stored detections show, for the report: frames, a figure a size, pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.answers.learnt import learnt, spoken
from analysis.detections import images, mistakes, photos, pictures
from analysis.detections.pictures import Picture
from analysis.detections.stored import Stored, stored
from analysis.drawing.looks import Look, looks
from analysis.reading.load import Results
from analysis.report import figures
from analysis.report.figures import Figure
from analysis.text.table import Table
from study.data.pixels import Unusable

SEED = 0  # of the images drawn: the same report whenever it is written


@dataclass(frozen=True)
class Evaluations:
    """The report's sections about evaluation; all empty where nothing is stored."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    number: int = 0  # evaluation images
    resamples: int = 0
    image_lines: list[str] = field(default_factory=list)
    image_table: Table | None = None
    error_lines: list[str] = field(default_factory=list)
    error_table: Table | None = None
    error_figures: list[Figure] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    without_pictures: str = ""  # why there are none


def evaluations(results: Results, with_pictures: bool = True) -> Evaluations:
    """What one study's detections show.

    Raises:
        ValueError: files in the run directory that hold something else; see `stored`.
    """
    found = stored(results)
    if not found:
        return Evaluations()
    (one,) = found
    seen = looks(results.arms(one.study))
    drawn = images.image_bootstrap(results, np.random.default_rng(SEED), of=found)
    errors = mistakes.errors(results, of=found)
    stages = learnt(results)  # of what is not learnt there are numbers, and no sentences
    shown, why = _pictures(results, one, seen) if with_pictures else ([], "Left out as asked for.")
    return Evaluations(
        frames={"image_bootstrap": drawn, "errors": errors},
        number=len(one.truth["images"]),
        resamples=images.RESAMPLES,
        image_lines=images.told(spoken(drawn, stages, "arm", "reference")),
        image_table=images.layout(drawn),
        error_lines=mistakes.told(spoken(errors, stages, "arm")),
        error_table=mistakes.layout(errors),
        error_figures=figures.errors(errors, seen),
        pictures=shown,
        without_pictures=why,
    )


def _pictures(results: Results, one: Stored, seen: dict[str, Look]) -> tuple[list[Picture], str]:
    """The pictures, and why there are none: the answer needs none, so nothing is refused."""
    try:
        return pictures.pictures(results, one, seen), photos.missing(one)
    except Unusable as error:
        return [], f"{error}."
