"""What was found on photos, as files: COCO's JSON, a table, and pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from study.config.printable import cell
from study.storage.writing import fitting, write_atomically
from study.trained.drawing import drawn
from study.trained.folder import Classes
from study.training.evaluation.detections import Detection

AS_GIVEN = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""Pictures are written in the photo's own format if it is one of these and holds sides of their px
(a name may be that of another format); otherwise as PNG."""
COLUMNS = ("file", "class", "score", "x", "y", "width", "height")


@dataclass
class Found:
    """All detections on all photos; those below `threshold` are in the JSON file alone."""

    out: Path
    classes: Classes
    threshold: float
    images: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Detection] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def add(self, file: Path, picture: Image.Image, detections: Sequence[Detection]) -> int:
        """Take a photo's detections and write its picture; returns how many are shown."""
        image_id = len(self.images) + 1
        size = {"width": picture.width, "height": picture.height}
        self.images.append({"id": image_id, "file_name": str(file), **size})
        self.rows += [row | {"image_id": image_id} for row in detections]
        shown = [row for row in detections if row["score"] >= self.threshold]
        names = dict(zip(self.classes.ids, self.classes.names, strict=True))
        name = self._name(file, max(picture.size))
        content = io.BytesIO()
        kind = Image.registered_extensions()[Path(name).suffix]
        drawn(picture, shown, names).save(content, kind, quality=92)
        write_atomically(self.out / name, content.getvalue())
        return len(shown)

    def write(self) -> None:
        """Write `detections.json`, which has all, and `detections.csv`."""
        annotations = [
            {"id": at, "iscrowd": 0, "area": row["bbox"][2] * row["bbox"][3]} | row
            for at, row in enumerate(self.rows, start=1)
        ]
        content = {
            "images": self.images,
            "annotations": annotations,
            "categories": self.classes.as_coco(),
        }
        write_atomically(self.out / "detections.json", json.dumps(content))
        write_atomically(self.out / "detections.csv", self._table())

    def _table(self) -> str:
        files = {image["id"]: image["file_name"] for image in self.images}
        names = dict(zip(self.classes.ids, self.classes.names, strict=True))
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in self.rows:
            if row["score"] >= self.threshold:
                box = (f"{value:.1f}" for value in row["bbox"])
                name = names[row["category_id"]]
                table.writerow(
                    [cell(files[row["image_id"]]), cell(name), f"{row['score']:.4f}", *box]
                )
        return text.getvalue()

    def _name(self, file: Path, side_px: int) -> str:
        """Of the picture; others of one name get a number, long ones are cut."""
        given = file.suffix.lower()
        suffix = given if side_px <= AS_GIVEN.get(given, 0) else ".png"
        name, number = fitting(file.stem, suffix, self.out), 1
        while name in self._names or (self.out / name).is_dir():
            number += 1
            name = fitting(file.stem, f"-{number}{suffix}", self.out)
        self._names.add(name)
        return name
