"""What is written of detections, for spreadsheets too."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
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


@pytest.mark.parametrize("suffix", [".png", ".tif", ""])
def test_photos_of_long_names_all_get_a_picture(suffix: str, tmp_path: Path):
    name = "ö" * ((255 - len(suffix)) // 2) + suffix  # two bytes each
    (tmp_path / "one.png").mkdir()
    found = Found(tmp_path, Classes((1,), ("cat",)), threshold=0.5)
    for file in (Path("a") / name, Path("b") / name, Path("one.png")):
        found.add(file, Image.new("RGB", (8, 8)), [])
    found.write()
    names = sorted(path.name for path in tmp_path.glob("*.png") if path.is_file())
    stems = [name[:-4] for name in names]
    assert stems[0] == "one-2" and stems[1].endswith("ö-2") and set(stems[2]) == {"ö"}
    assert all(len(name.encode()) <= 255 for name in names) and len(stems[2].encode()) > 248


@pytest.mark.parametrize(
    ("name", "side", "written"),
    [("a.webp", 16_384, "a.png"), ("a.JPG", 65_501, "a.png"), ("a.jpg", 16_384, "a.jpg")],
)
def test_a_picture_that_its_format_cannot_hold_is_a_png(
    name: str, side: int, written: str, tmp_path: Path
):
    found = Found(tmp_path, Classes((1,), ("cat",)), threshold=0.5)
    found.add(Path(name), Image.new("RGB", (side, 2)), [])
    assert [path.name for path in tmp_path.iterdir()] == [written]
