"""A data set of one's own and a run directory are enough for a study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study import prepare, sweep
from study.commands import own_data
from study.commands.common import BAD_INPUT, DONE, OwnData
from study.commands.options.sweep import Sweep, design, proposes_sizes
from study.config import DataConfig
from study.data.splits import Splits, open_splits
from study.planning.design import Design
from study.storage.run_dir import StudyDir
from tests.data.coco_files import HEIGHT, WIDTH, content, write


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """36 different pictures in one COCO file, with boxes alone."""
    made = content(36)
    for annotation in made["annotations"]:
        del annotation["segmentation"]
    path, folder = write(tmp_path / "photos", "all", made, 0)
    for at in range(36):
        coarse = np.random.default_rng(at).integers(0, 256, (6, 8), np.uint8)
        Image.fromarray(coarse).resize((WIDTH, HEIGHT)).save(folder / f"a{at}.png")
    return path


def asked(photos: Path, run_dir: Path) -> tuple[Design, Splits]:
    command = Sweep(run_dir=run_dir, data=OwnData(folder=photos))
    assert proposes_sizes(command)
    return design(command), open_splits(design(command).space.fixed.data)


def never() -> bool:
    raise AssertionError("not asked about so few images")


def test_sizes_follow_from_the_data_and_stay_in_a_study(photos: Path, tmp_path: Path):
    study = StudyDir(tmp_path / "run")
    proposed, line = own_data.sized(*asked(photos, tmp_path / "run"), study, never)
    assert proposed.space.scientific.sizes == (8, 21)
    assert line == "sizes       8, 21 of 21 training images (give others with --sizes)"
    recorded = json.loads(json.dumps(proposed.question({}) | {"sizes": [9, 12]}))
    study.open({"question": recorded})
    kept, line = own_data.sized(*asked(photos, tmp_path / "run"), study, never)
    assert kept.question({}) == recorded
    assert "9, 12 of 21 training images (as the study has them)" in line


@pytest.mark.slow
def test_a_line_says_what_was_found_without_masks_where_there_are_none(
    photos: Path, capsys: pytest.CaptureFixture[str]
):
    data = DataConfig(name="custom", folder=str(photos))
    (line,) = own_data.found(data, open_splits(data))
    assert line == (
        "found       COCO: 36 images (1 without an object), 37 objects of 2 classes (left, right),"
        " boxes; no val split: 9 images are held out to report on, the same ones for every command"
        " and seed"
    )
    said = []
    for command in ([str(photos)], ["--data", str(photos)]):
        assert prepare.main(command) == DONE
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and line in said[0] and "mask" not in said[0]


def test_a_path_and_another_data_set_are_refused(photos: Path, capsys):
    assert prepare.main([str(photos), "--data", str(photos)]) == BAD_INPUT
    assert "is a data set, and --data names another" in capsys.readouterr().err


def test_the_splits_are_written_down_once(photos: Path, tmp_path: Path):
    splits = open_splits(DataConfig(name="custom", folder=str(photos)))
    study = StudyDir(tmp_path / "run")
    own_data.keep_splits(study, splits)
    found = json.loads((tmp_path / "run" / own_data.FILE).read_bytes())
    names = [found["splits"][name]["file_names"] for name in ("train", "tune", "report")]
    assert [len(part) for part in names] == [21, 6, 9]
    assert sorted(name for part in names for name in part) == sorted(
        f"a{at}.png" for at in range(36)
    )
    assert all((Path(found["splits"]["tune"]["images"]) / name).exists() for name in names[1])


def test_the_shortest_command_is_enough(photos: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(sweep, "check_weights", lambda asked: None)  # not everybody has them
    monkeypatch.setattr(sweep, "check_arms", lambda asked, num_classes: None)
    monkeypatch.setattr(sweep, "start", lambda *_: DONE)  # no Ray
    assert sweep.main(["--data", str(photos), "--run-dir", str(tmp_path / "run")]) == DONE
    said = capsys.readouterr().out
    assert "scratch, imagenet at 8, 21 images" in said and "mask" not in said
    assert StudyDir(tmp_path / "run").manifest["question"]["sizes"] == [8, 21]
    assert (tmp_path / "run" / own_data.FILE).exists()
    assert sweep.main(["--data", str(photos), "--run-dir", str(tmp_path / "run")]) == DONE
    assert "(as the study has them)" in capsys.readouterr().out


def test_ladders_follow_the_sizes_whoever_says_these_and_stay_in_a_study(
    photos: Path, tmp_path: Path
):
    """So that further sizes are no other question."""
    study, data = StudyDir(tmp_path / "run"), OwnData(folder=photos)

    def longest(*given: int) -> dict[int, int]:
        command = Sweep(run_dir=tmp_path / "run", data=data, sizes=given)
        found = own_data.laddered(design(command), study).space.nuisance
        return {size: lengths[-1] for size, lengths in found.longer.items()}

    assert longest(64, 1024) == {256: 1200, 1024: 2400}
    assert longest(64, 5000) == {256: 1200, 1024: 2400, 4096: 4800}
    asked = own_data.laddered(
        design(Sweep(run_dir=tmp_path / "run", data=data, sizes=(64, 5000))), study
    )
    study.open({"question": asked.question({})})
    assert longest(64, 5000, 20_000) == longest(64, 100, 5000) == longest(64, 5000)
