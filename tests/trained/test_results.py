"""What is written of detections, for spreadsheets too."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image

from study.trained.folder import Classes
from study.trained.results import Found


def test_names_in_the_table_are_text_that_no_spreadsheet_computes(tmp_path: Path):
    found = Found(tmp_path, Classes((1,), ("=1+1",)), threshold=0.5)
    row = {"category_id": 1, "score": 0.9, "bbox": [1.0, 2.0, 3.0, 4.0]}
    found.add(Path("@photo.png"), Image.new("RGB", (8, 8)), [row])
    found.write()
    with (tmp_path / "detections.csv").open(newline="") as file:
        _, (name, class_, *_) = csv.reader(file)
    assert (name, class_) == ("'@photo.png", "'=1+1")
