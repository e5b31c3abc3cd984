"""The evaluation images themselves, for pictures of them: files of the study's folder of images.

The run directory names that folder and the files, and may come from somebody else; what is shown
goes into a page that is passed on. So no name leads out of the folder, by whatever way, and a file
is shown only if it is an image of the size that the study was scored on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis.detections.stored import Stored
from study.config.printable import brief
from study.data.index.placing import is_foreign, linked_out
from study.data.orientation import turn, turned
from study.data.pixels import Scale, Unusable, no_file, opened, rgb
from study.storage.detection_files import truth_file
from study.storage.run_dir import StudyDir


def missing(there: Stored) -> str:
    """Why there can be no pictures; empty if there can."""
    if there.images is None:
        return "The study did not write down where its evaluation images lie."
    names = [image["file_name"] for image in there.truth["images"]]
    if outside := _outside(names, there.images):
        file = truth_file(StudyDir(there.study))
        many = f"{len(outside)} of its {len(names)} names of images"
        what = "leads" if len(outside) == 1 else "lead"
        return (
            f"{file}: {many} {what} out of {there.images}, {brief(outside[0])} for one: no such"
            " file is opened, and no study writes such a name."
        )
    lost = sum(no_file(there.images / name) is not None for name in names)
    if lost:
        return f"{lost} of {len(names)} evaluation images are not in {there.images} here."
    return ""


def as_annotated(folder: Path, image: dict[str, Any]) -> Image.Image:
    """An image of the truth, turned as its boxes see it, by its EXIF orientation if they do.

    Raises:
        Unusable: there is no such image, or it has another size than the truth says: it is
            another one.
    """
    stated = image["width"], image["height"]
    scale = Scale(**image["scale"]) if "scale" in image else None
    file = folder / image["file_name"]
    with opened(file) as found:
        by = turn(found, stated, image.get("upright", False))
        seen = turned(rgb(found, scale, file), by)
        if seen.size != stated:
            raise Unusable(
                f"{file}: is {seen.width} x {seen.height} px, and the image that was scored"
                f" {stated[0]} x {stated[1]}: another one"
            )
        return seen


def _outside(names: list[str], folder: Path) -> list[str]:
    """The names of files that do not lie in the folder: by themselves, or through a link."""
    led = {name.rpartition("/")[0] for name, _ in linked_out(np.array(names, np.str_), folder)}
    return [name for name in names if is_foreign(name) or name.rpartition("/")[0] in led]
