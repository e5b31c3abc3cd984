"""`python -m study.predict`: pictures, a table and COCO's JSON, in px of the upright photos."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import study as product
from study import predict
from study.commands.common import BAD_INPUT, DONE, FAILURE
from study.config import RunConfig, from_dict
from study.data.splits import open_splits
from study.storage.run_dir import TrialDir
from tests.powerless import powerless

ORIENTATION, QUARTER = 0x0112, 6  # EXIF: turn by 90° clockwise to see it upright


@pytest.fixture
def photo(detector: Path) -> Image.Image:
    """A portrait: one of the images that the detector was trained on."""
    run = from_dict(RunConfig, TrialDir(detector / "run").config()["run"])
    index = open_splits(run.data).train
    pictures = (Image.open(file).convert("RGB") for file in index.files())
    return next(one for one in pictures if one.height > one.width)


def found(out: Path) -> dict[str, list[dict]]:
    """COCO's annotations by the name of the photo."""
    content = json.loads((out / "detections.json").read_text())
    names = {image["id"]: Path(image["file_name"]).name for image in content["images"]}
    rows: dict[str, list[dict]] = {name: [] for name in names.values()}
    for row in content["annotations"]:
        rows[names[row["image_id"]]].append(row)
    return rows


def test_a_folder_that_cannot_be_written_to_is_refused_before_a_photo_is_looked_at(
    detector: Path,
    photo: Image.Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    photo.save(tmp_path / "one.png")
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(predict.photos, "upright", lambda *_: pytest.fail("looked at"))
    with powerless(tmp_path, [("own", 0o555)]):
        command = [str(detector), str(tmp_path / "one.png"), "--out", str(tmp_path / "own")]
        assert predict.main(command) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "own" in line and "ermission denied" in line
    assert not [*(tmp_path / "own").iterdir()]


@pytest.mark.slow
def test_every_kind_of_photo_and_one_that_is_none(
    detector: Path, photo: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos, out = tmp_path / "photos", tmp_path / "found"
    photos.mkdir()
    photo.save(photos / "plain.png")
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER
    photo.transpose(Image.Transpose.ROTATE_90).save(photos / "turned.png", exif=exif)
    photo.convert("L").save(photos / "grey.png")
    photo.convert("RGBA").save(photos / "clear.png")
    photo.save(photos / "scan.tif")
    (photos / "broken.jpg").write_bytes(b"no image")
    (photos / "notes.txt").write_text("no photo, and not asked for")
    command = [str(detector), str(photos), str(tmp_path / "lost.jpg"), "--out", str(out)]
    command += ["--score-threshold", "0.1", "--batch-size", "2", "--device", "cpu"]
    assert predict.main(command) == FAILURE
    said = capsys.readouterr()
    assert "broken.jpg: cannot be read as an image" in said.err
    assert "lost.jpg: no such file" in said.err
    assert "on 5 photos" in said.out
    rows = found(out)
    assert set(rows) == {"plain.png", "turned.png", "grey.png", "clear.png", "scan.tif"}
    for same in ("turned.png", "clear.png", "scan.tif"):
        assert len(rows[same]) == len(rows["plain.png"]) > 0
        for one, other in zip(rows[same], rows["plain.png"], strict=True):
            assert np.allclose(one["bbox"], other["bbox"], atol=1e-3)
            assert one["segmentation"]["size"] == [photo.height, photo.width]
    images = json.loads((out / "detections.json").read_text())["images"]
    assert {(image["width"], image["height"]) for image in images} == {photo.size}
    pictures = {path.name for path in out.iterdir()} - {"detections.json", "detections.csv"}
    assert pictures == {"plain.png", "turned.png", "grey.png", "clear.png", "scan.png"}
    drawn = Image.open(out / "turned.png")
    assert drawn.width / drawn.height == photo.width / photo.height
    (direct,) = product.load(detector)([photo])
    assert len(direct["scores"]) == len(rows["plain.png"])


@pytest.mark.slow
def test_the_threshold_is_of_pictures_and_table_not_of_json(
    detector: Path, photo: Image.Image, tmp_path: Path
):
    photo.save(tmp_path / "one.png")
    tables = {}
    for threshold in ("0", "1"):
        out = tmp_path / threshold
        command = [str(detector), str(tmp_path / "one.png"), "--out", str(out)]
        assert predict.main([*command, "--score-threshold", threshold]) == DONE
        with (out / "detections.csv").open(newline="") as file:
            tables[threshold] = list(csv.DictReader(file))
    every = found(tmp_path / "0")["one.png"]
    assert every == found(tmp_path / "1")["one.png"] and len(tables["0"]) == len(every) > 0
    assert tables["1"] == []
    first, row = tables["0"][0], every[0]
    assert first["file"] == str(tmp_path / "one.png")
    assert first["class"] == product.load(detector).classes[row["category_id"]]
    assert float(first["score"]) == pytest.approx(row["score"], abs=1e-4)
    box = [float(first[name]) for name in ("x", "y", "width", "height")]
    assert box == pytest.approx(row["bbox"], abs=0.06)
    pixels = [np.array(Image.open(tmp_path / threshold / "one.png")) for threshold in "01"]
    assert (pixels[0] != pixels[1]).any()  # boxes are drawn


@pytest.mark.slow
def test_photos_of_one_name_both_get_a_picture(detector: Path, photo: Image.Image, tmp_path: Path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        photo.save(tmp_path / folder / "one.png")
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert predict.main([str(detector), *folders, "--out", str(tmp_path / "out")]) == DONE
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"one.png", "one-2.png"}


def test_bad_input_is_named(detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    out, one = ["--out", str(tmp_path / "out")], str(tmp_path / "one.png")
    for command, said in (
        ([str(tmp_path), one, *out], "holds no detector"),
        ([str(detector), str(tmp_path / "empty"), *out], "holds no images; give image files"),
        ([str(detector), one, "--out", str(tmp_path)], "would be written over"),
        ([str(detector), one, *out, "--score-threshold", "2"], "from 0 to 1"),
        ([str(detector), one, *out, "--batch-size", "0"], "at least 1"),
    ):
        assert predict.main(command) == BAD_INPUT
        assert said in capsys.readouterr().err


def test_a_detector_of_8_bits_refuses_others_and_one_of_more_scales_them(
    detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    Image.fromarray(values).save(tmp_path / "wide.png")
    command = [str(tmp_path / "wide.png"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert predict.main([str(detector), *command]) == FAILURE
    said = capsys.readouterr().err
    assert "wide.png: has pixels of whole numbers (16 bits), and the others of 8 bits" in said
    wider = tmp_path / "wider"
    shutil.copytree(detector, wider)
    config = json.loads((wider / "config.json").read_text())
    config["input"]["pixels"] = {"kind": "whole numbers", "low": 0.0, "high": 4095.0}
    (wider / "config.json").write_text(json.dumps(config))
    assert predict.main([str(wider), *command]) == DONE
    assert " on 1 photo: " in capsys.readouterr().out
    module = product.load(wider)
    grey = Image.fromarray(np.rint(values / 4095 * 255).astype(np.uint8))
    own = module([Image.fromarray(values)])[0]["boxes"]
    assert np.array_equal(own, module([grey.convert("RGB")])[0]["boxes"])
    with pytest.raises(ValueError, match="has pixels of 8 bits"):
        module([grey])
