"""The page of a data set: its pictures carry the labels where they are, and slips are found."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search_spaces.custom import SPACE
from study import prepare
from study.commands.common import DONE
from study.commands.preparing.data_page.facts import classes, doubts, sizes
from study.commands.preparing.data_page.samples import LONG_PX, NUMBER, samples
from study.config import DataConfig
from study.data.splits import Splits, open_splits

NETWORK = SPACE.fixed.model
SIDE = 80
Box = tuple[int, int, Sequence[float]]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def folder(root: Path, boxes: Sequence[Box], images: int = 40) -> Path:
    """One COCO file and grey pictures; `boxes`: image, class from 1 and x, y, width, height."""
    annotations: list[dict[str, Any]] = [
        {
            "id": k,
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for k, (image, label, box) in enumerate(boxes, start=1)
    ]
    (root / "images").mkdir(parents=True)
    names = {i: f"a{i:02}.png" for i in range(1, images + 1)}
    for i, name in names.items():
        pixels = np.random.default_rng(i).integers(100, 150, (SIDE, SIDE), np.uint8)
        Image.fromarray(pixels).save(root / "images" / name)
    content = {
        "images": [
            {"id": i, "file_name": name, "width": SIDE, "height": SIDE}
            for i, name in names.items()
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "<script>alert(1)</script>"}],
    }
    (root / "instances.json").write_text(json.dumps(content))
    return root


def usual(images: int = 40) -> list[Box]:
    """Both classes in every image, nothing odd."""
    return [
        (i, label, [5 + 25 * label, 10, 20, 30]) for i in range(1, images + 1) for label in (1, 2)
    ]


def opened(root: Path) -> Splits:
    return open_splits(DataConfig(name="custom", folder=str(root), val_size=30, tune_size=2))


def test_nothing_is_said_of_what_is_in_order(tmp_path: Path):
    assert doubts(opened(folder(tmp_path / "d", usual(60), 60)), NETWORK) == []


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (
            (1, 1, [30, 10, 20, 30]),
            "the same class and the same box: 1 of 121 (a01.png)",
        ),
        ((1, 2, [30, 10, 20, 30]), "the same box as one of another class: 1 of 121 (a01.png)"),
        ((7, 1, [0, 0, SIDE, SIDE]), "fill the whole image: 1 of 121 (a07.png)"),
        ((7, 1, [0, 0, SIDE, 3]), "more than 20 times as long as wide: 1 of 121 (a07.png)"),
        ((7, 1, [9, 9, 1.9, 3]), "less than 4 px wide or high once images are resized to 160 px"),
    ],
)
def test_slips_are_found(tmp_path: Path, odd: Box, said: str):
    (found,) = doubts(opened(folder(tmp_path / "d", [*usual(60), odd], 60)), NETWORK)
    assert said in found


def test_rare_classes_and_small_splits_are_told(tmp_path: Path):
    root = folder(tmp_path / "d", [(i, 1, [5, 5, 30, 30]) for i in range(1, 8)])
    lines = "\n".join(doubts(open_splits(DataConfig(name="custom", folder=str(root))), NETWORK))
    assert "fewer than 10 to train on of cat (" in lines
    assert "have no object. If these are only not labelled yet" in lines
    assert "Only 10 images to report on" in lines


def test_histograms_count_every_object_once(tmp_path: Path):
    splits = opened(folder(tmp_path / "d", usual()))
    for bars in (classes(splits), sizes(splits, NETWORK)):
        assert sum(sum(bar.counts) for bar in bars) == 80
    # 20 x 30 of 80 px are 49 px across at the network's 160
    assert [bar.name for bar in sizes(splits, NETWORK)] == ["32 to 64"]
    assert [bar.counts for bar in classes(splits)] == [(8, 2, 30), (8, 2, 30)]


def test_frames_are_drawn_where_the_objects_are(tmp_path: Path):
    splits = opened(folder(tmp_path / "d", usual()))
    found = samples(splits)
    assert len(found) == NUMBER and len({one.file_name for one in found}) == len(found)
    assert {one.split for one in found} == {"to train on", "to tune on", "to report on"}
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[0].source.split(",")[1]))))
    coloured = np.ptp(pixels.astype(int), axis=2) > 60  # the pictures are grey
    ys, xs = np.nonzero(coloured)
    scale = LONG_PX / SIDE
    assert abs(xs.min() - 30 * scale) < 4
    assert abs(ys.max() - 40 * scale) < 4
    assert coloured[:, int(40 * scale)].sum() < 80  # nothing inside but the name


@pytest.mark.slow
def test_classes_that_are_rare_are_shown(tmp_path: Path):
    boxes = [(i, 1, [5, 5, 30, 30]) for i in range(1, 201)] + [(77, 2, [40, 40, 30, 30])]
    found = samples(opened(folder(tmp_path / "d", boxes, 200)))
    assert any("script" in one.objects for one in found)


@pytest.mark.slow
def test_the_page_is_written_into_the_cache_and_escapes_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    root = folder(tmp_path / "d", usual())
    before = sorted(root.rglob("*"))
    assert prepare.main([str(root)]) == DONE
    said = capsys.readouterr().out
    (line,) = (line for line in said.splitlines() if line.startswith("pictures "))
    page = Path(line.split(maxsplit=1)[1])
    assert page.is_relative_to(tmp_path / "cache") and sorted(root.rglob("*")) == before
    text = page.read_text()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert text.count("<figure>") == NUMBER and "mask" not in text + said
