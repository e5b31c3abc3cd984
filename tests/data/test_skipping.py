"""--skip-bad leaves out what is wrong in the data, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study import prepare
from study.commands.common import BAD_INPUT, DONE
from study.config import DataConfig
from study.data.checks import check, problems
from study.data.source import BadData
from study.data.splits import open_splits
from tests.data.coco_files import HEIGHT, WIDTH, content, write

SIZE = (WIDTH, HEIGHT)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def picture(file: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(pixels).save(file)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def coco(root: Path) -> Path:
    """20 images; one is cut off, one is missing, a box of another has no area."""
    made = content(20)
    for annotation in made["annotations"]:
        del annotation["segmentation"]
    made["annotations"][-1]["bbox"] = [5, 5, 0, 3]
    path, folder = write(root, "all", made, 0)
    for at in range(20):
        picture(folder / f"a{at}.png", at)
    cut_off(folder / "a5.png")
    (folder / "a6.png").unlink()
    return path


def voc(root: Path) -> Path:
    """20 images; one is cut off, of one not even the size is known, a box of another is bad."""
    box = "<xmin>5</xmin><ymin>5</ymin><xmax>{}</xmax><ymax>20</ymax>"
    for name in ("images", "annotations"):
        (root / name).mkdir(parents=True)
    for at in range(20):
        picture(root / "images" / f"{at}.jpg", at)
        things = "".join(
            f"<object><name>fox</name><bndbox>{box.format(right)}</bndbox></object>"
            for right in ([2, 20] if at == 7 else [20])
        )
        (root / "annotations" / f"{at}.xml").write_text(f"<annotation>{things}</annotation>")
    cut_off(root / "images" / "5.jpg")
    (root / "images" / "6.jpg").write_bytes(b"no image")
    return root


def yolo(root: Path) -> Path:
    for name in ("images", "labels"):
        (root / name / "train").mkdir(parents=True)
    for at in range(20):
        picture(root / "images" / "train" / f"{at}.jpg", at)
        bad = "0 0.5 0.5 0 0.1\n" if at == 7 else ""
        (root / "labels" / "train" / f"{at}.txt").write_text(bad + "0 0.5 0.5 0.2 0.2\n")
    cut_off(root / "images" / "train" / "5.jpg")
    (root / "images" / "train" / "6.jpg").write_bytes(b"no image")
    (root / "data.yaml").write_text("train: images/train\nnames: [fox]\n")
    return root


@pytest.mark.parametrize(("made", "objects"), [(coco, 18), (voc, 18), (yolo, 18)])
def test_bad_images_and_objects_are_left_out(made, objects: int, tmp_path: Path):
    place = made(tmp_path / "data")
    data = DataConfig(name="mine", folder=str(place))
    assert problems(data)
    skipped = replace(data, skip_bad=True)
    assert problems(skipped, sizes=(8,)) == []
    splits = open_splits(skipped)
    assert len(splits.train.image_id) == 18
    assert int((~splits.train.crowd).sum()) == objects
    assert len(splits.left_out) == 3
    assert splits.note_left_out and splits.note_left_out.startswith(
        "--skip-bad left out what has a mistake, 3 found: "
    )
    assert splits.digests() == open_splits(skipped).digests()  # for every worker
    (tmp_path / "data").rename(tmp_path / "moved")
    elsewhere = replace(skipped, folder=str(place).replace("/data", "/moved"))
    assert open_splits(elsewhere).digests() == splits.digests()


def test_data_in_order_are_the_same_images_with_it(tmp_path: Path):
    path, _ = write(tmp_path, "all", content(20), 0)
    data = DataConfig(name="mine", folder=str(path))
    plain, skipped = open_splits(data), open_splits(replace(data, skip_bad=True))
    assert skipped.left_out == () and skipped.note_left_out is None
    assert skipped.val_ids.tolist() == plain.val_ids.tolist()


@pytest.mark.slow
def test_without_it_a_line_says_that_there_is_it(tmp_path: Path, capsys):
    path = coco(tmp_path / "data")
    assert prepare.main([str(path)]) == BAD_INPUT
    assert capsys.readouterr().err.endswith("leave out what cannot be used: --skip-bad.\n")
    assert prepare.main([str(path), "--skip-bad"]) == DONE
    assert "COCO: 18 images" in capsys.readouterr().out


def test_what_concerns_the_whole_stays_an_error(tmp_path: Path):
    made = content(20)
    made["categories"] = [*made["categories"], made["categories"][0]]
    path, _ = write(tmp_path, "all", made, 0)
    data = DataConfig(name="mine", folder=str(path), skip_bad=True)
    assert any("occurs 2 times" in line for line in problems(data))
    with pytest.raises(BadData) as caught:
        check(replace(data, skip_bad=False))
    assert "--skip-bad" not in str(caught.value)  # it would not help
