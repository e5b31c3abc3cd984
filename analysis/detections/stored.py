"""The confirm runs whose detections are stored, matched with the truth.

Nothing but the run directory is needed: detections and truth lie in it
(`study.storage.detection_files`). They must give the AP that was recorded, or they are refused.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hotcoco
import numpy as np

from analysis.answers import settings
from analysis.detections.matches import Kind, Matches, evaluated, ground_truth, matches
from analysis.reading.frames import rows, scored, where
from analysis.reading.load import Results
from study.config.schedule import Leg
from study.storage import File
from study.storage.detection_files import detections_file, read_detections, read_truth, truth_file
from study.storage.run_dir import StudyDir

CLOSE = 1e-6  # AP, points, by which the recorded one may differ: the arithmetic's


@dataclass(frozen=True)
class Run:
    """One confirm run of an arm's chosen setting."""

    arm: str
    size: int
    seed: int
    draw: int
    AP: float  # as recorded, points
    file: File
    evaluation: hotcoco.COCOeval
    matches: Matches

    @property
    def key(self) -> Hashable:
        """What runs of different arms are paired by."""
        return self.seed, self.draw


@dataclass(frozen=True)
class Stored:
    """What a study has stored of its evaluations."""

    study: str
    truth: dict[str, Any]  # COCO data set of the report split
    images: Path | None  # where the images lay when the study last ran
    runs: tuple[Run, ...]

    @property
    def sizes(self) -> list[int]:
        return sorted({run.size for run in self.runs})

    def of(self, arm: str, size: int) -> dict[Hashable, Run]:
        """An arm's runs at a size, by what they are paired by."""
        return {run.key: run for run in self.runs if (run.arm, run.size) == (arm, size)}


def stored(results: Results, kind: Kind = "box") -> list[Stored]:
    """Per study with any: the scored confirm runs of the chosen settings that have
    stored detections.

    Raises:
        ValueError: files that hold something else, or detections that do not give the AP which
            the run recorded.
    """
    confirmed, found = scored(settings.confirmed(results)), []
    for study, manifest in results.manifests.items():
        folder = StudyDir(study)
        there = [
            (row, file)
            for row in rows(where(confirmed, study=study, split="report"))
            if (file := _file(folder, row)).exists() and math.isfinite(row[f"AP_{kind}"])
        ]
        truth = read_truth(folder) if there else None
        if truth is None:
            continue
        coco = ground_truth(truth)
        runs = tuple(_run(row, file, coco, kind, truth_file(folder)) for row, file in there)
        images = manifest.get("report_images")
        found.append(Stored(study, truth, Path(images) if images else None, runs))
    return found


def _file(study: StudyDir, row: dict[str, Any]) -> File:
    length, factor = row["length"], row["factor"]
    return detections_file(study.trial(row["trial_id"]), Leg(0, length, length, factor).name)


def _run(row: dict[str, Any], file: File, truth: hotcoco.COCO, kind: Kind, of: File) -> Run:
    detections = read_detections(file, masks=kind == "mask")
    evaluation = evaluated(truth, detections, kind)
    matched = matches(evaluation)
    (ap,) = matched.ap()
    recorded = row[f"AP_{kind}"]
    if not np.isclose(ap, recorded, rtol=0, atol=CLOSE):
        raise ValueError(
            f"{file}: gives {ap:.3f} {kind} AP by the truth in {of}, and the run recorded"
            f" {recorded:.3f}: not the detections or not the images that were scored; remove the"
            " one that is not this study's: the study's answer needs neither, and the study's own"
            f" command writes {of.name} anew"
        )
    place = {name: row[name] for name in ("arm", "size", "seed", "draw")}
    return Run(**place, AP=recorded, file=file, evaluation=evaluation, matches=matched)
