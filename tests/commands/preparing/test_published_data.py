"""The spaces for published data: what they say they cost, and what they say without the data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from study import prepare, sweep
from study.commands.common import BAD_INPUT, DONE, OwnData, data_config
from study.commands.options.spaces import find
from study.config import DataConfig
from study.config.schedule import iterations
from study.data.checks import check
from study.data.distribution.downloads import absent
from study.data.splits import open_splits
from study.planning.design import Design
from tests.data.published_files import write_coco, write_voc

COCO = ("coco_35k", "coco_10k", "coco_1k")
SPACES = (*COCO, "voc")
PAPER = {  # iterations of its results, as far as they are published
    "coco_35k": {540_000},
    "coco_10k": {60_000, 220_000},
    "coco_1k": set(),
    "voc": {18_000, 144_000},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", SPACES)
def test_the_cost_in_the_docstring_adds_up(name: str):
    space = find(name)
    (size,) = space.scientific.sizes
    schedule = Design(space=space, arms=()).schedule_at(size)
    total, batch = iterations(schedule), space.fixed.optim.batch_size
    speed = space.assumed_speed
    assert speed
    hours = total * batch / speed / 3600
    all_trials = hours * len(space.scientific.arms) * space.budget.trials
    text = " ".join((space_file(name)).split())
    assert (
        f"at most {total:,} iterations of {batch} images, {total * batch / 1e6:.1f} mill" in text
    )
    assert f"{hours:.0f} GPU-hours at an ASSUMED {speed} images/s a GPU" in text
    assert f"{all_trials:,.0f} for all" in text
    assert f"{len(space.scientific.arms)} arms × {space.budget.trials} trials" in text
    first, second = (f"{count * batch:,}" for count in schedule.tail)
    assert f"{first} and {second} images" in text


@pytest.mark.parametrize("name", SPACES)
def test_the_ranges_hold_what_the_paper_published(name: str):
    nuisance = find(name).nuisance
    assert set(nuisance.lengths) >= PAPER[name]
    for rate in (0.02, 0.04):
        assert nuisance.ranges["lr"].low <= rate <= nuisance.ranges["lr"].high
    decay = nuisance.ranges["weight_decay"]
    assert decay.low <= 1e-4 <= decay.high
    assert set(nuisance.factors) == {0.1, 0.02}


@pytest.mark.parametrize("name", SPACES)
def test_a_dry_run_without_the_data_bills_and_says_what_to_get(
    name: str, capsys: pytest.CaptureFixture[str]
):
    command = [name, "--run-dir", "run"]
    assert sweep.main([*command, "--dry-run"]) == BAD_INPUT
    said = capsys.readouterr()
    assert said.out.startswith(f"study       {name}: scratch, imagenet at ")
    assert "iterations  " in said.out
    (hours,) = re.findall(r"[\d,.]+ device-hours expected, [\d,.]+ at most", said.out)
    assert hours in " ".join(space_file(name).split())
    root = Path("data").resolve() / ("VOCdevkit" if name == "voc" else "coco")
    urls = {"coco": "zips/train2017.zip (18 GB)", "voc": "voc2012/VOCtrainval_11-May-2012.tar"}
    first = "VOC2007" if name == "voc" else "annotations/"
    for words in (f"{root}: {first}", "--data.root", urls[find(name).fixed.data.name]):
        assert words in said.err
    assert sweep.main(command) == BAD_INPUT
    assert capsys.readouterr() == ("", said.err)
    assert not Path("run").exists()


def test_only_what_is_missing_is_to_be_downloaded(tmp_path: Path):
    data = replace(find("coco_1k").fixed.data, root=str(tmp_path / "coco"))
    write_coco(tmp_path / "coco")
    assert absent(data) is None
    (tmp_path / "coco" / "annotations" / "instances_val2014.json").unlink()
    said = absent(data) or ""
    assert "annotations_trainval2014.zip" in said
    assert "2017" not in said


def test_unpacked_voc_is_all_that_is_wanted(tmp_path: Path):
    root = tmp_path / "VOCdevkit"
    data = replace(find("voc").fixed.data, root=str(root))
    write_voc(root)
    assert absent(data) is None
    (root / "VOC2007").rename(root / "VOC2006")
    said = absent(data) or ""
    assert "VOCtrainval_06-Nov-2007.tar for VOC2007" in said and "2012" not in said


def test_prepare_prints_digests_to_record_and_writes_ids(capsys: pytest.CaptureFixture[str]):
    write_coco(Path("coco"))
    command = ["coco_10k", "--data.root", "coco", "--data.tune-size", "5", "--sizes", "3", "9"]
    assert prepare.main([*command, "--draws", "2", "--write-ids", "ids"]) == DONE
    said = capsys.readouterr().out
    digests = json.loads(said[said.index("digests=") + 8 : said.index("}") + 1])
    assert {"pool", "tune_ids", "val_ids", "3 draw 0", "9 draw 1"} <= set(digests)
    data = replace(find("coco_10k").fixed.data, root="coco", tune_size=5, digests=digests)
    check(data)  # refuses nothing
    ids = {path.stem: path.read_text().split() for path in Path("ids").iterdir()}
    assert {name: len(lines) for name, lines in ids.items()} == {
        "tune": 5,
        "report": len(open_splits(data).val_ids),
        "3-0": 3,
        "3-1": 3,
        "9-0": 9,
        "9-1": 9,
    }
    assert ids["9-1"][:3] == ids["3-1"]


def test_prepare_reads_voc_and_says_what_is_in_it(capsys: pytest.CaptureFixture[str]):
    write_voc(Path("VOCdevkit"))
    command = ["voc", "--data.root", "VOCdevkit", "--data.tune-size", "2", "--sizes", "4"]
    assert prepare.main(command) == DONE
    said = capsys.readouterr().out
    assert "classes: aeroplane, bicycle" in said
    (crowds,) = (line.split() for line in said.splitlines() if line.startswith("crowd regions"))
    assert crowds[2:] == ["4", "2", "3"]  # the difficult cats
    assert {path.name for path in Path("VOCdevkit").iterdir()} == {"VOC2007", "VOC2012"}


def test_prepare_without_the_data_says_what_to_get(capsys: pytest.CaptureFixture[str]):
    assert prepare.main(["voc"]) == BAD_INPUT
    assert "VOCtrainval_06-Nov-2007.tar" in capsys.readouterr().err


def test_a_root_moves_the_spaces_own_paths_and_nothing_else(tmp_path: Path):
    space = find("coco_10k")
    data = data_config(space, OwnData(root=Path("there")))
    assert data.train == str(tmp_path / "there/annotations/instances_train2017.json")
    assert data.train_within == str(tmp_path / "there/annotations/instances_val2014.json")
    own = OwnData(val_size=10)
    assert data_config(space, own).val == str(
        tmp_path / "data/coco/annotations/instances_val2017.json"
    )
    recorded = replace(
        space, fixed=replace(space.fixed, data=replace(data, digests={"pool": "x"}))
    )
    assert data_config(recorded, OwnData(root=Path("there"))).digests
    assert not data_config(recorded, own).digests  # other images than were recorded


@pytest.mark.parametrize("name", ["shapes", "custom", "coco_10k"])
def test_a_root_for_data_without_one_is_refused(name: str):
    own = OwnData(root=Path("x"))
    if name != "shapes":
        images = OwnData(train_images=Path("a"), val=Path("b.json"), val_images=Path("b"))
        own = replace(images, root=own.root, train=Path("a.json"))
    with pytest.raises(ValueError, match=r"data.root = 'x'"):
        data_config(find(name), own)


def test_the_question_does_not_ask_where_the_data_lie():
    space = find("coco_10k")
    moved = replace(space, fixed=replace(space.fixed, data=replace(space.fixed.data, root="x")))
    questions = [Design(space=s, arms=()).question({"pool": "1"}) for s in (space, moved)]
    assert questions[0] == questions[1]
    asked = {"name": "coco", "tune_size": 5000, "val_size": None, "skip_bad": False}
    assert questions[0]["fixed"]["data"] == asked


def test_the_embedded_data_take_no_paths():
    with pytest.raises(ValueError, match="train_within"):
        DataConfig(train_within="a.json")


def space_file(name: str) -> str:
    return (Path(sweep.__file__).parents[1] / "search_spaces" / f"{name}.py").read_text()
