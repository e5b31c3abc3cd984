"""`python -m study.train`: a run from flags, a recipe, and what is said before either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import tyro

from study import recipes, train
from study.commands.common import BAD_INPUT, DONE
from study.commands.options.train import ALONE, Train
from study.commands.options.train_config import config, every_image
from study.config import RunConfig, from_dict
from study.data.splits import open_splits
from study.recipes import listing
from study.storage.run_dir import TrialDir
from tests.data.published_files import write_coco
from tests.runs import complete, exact
from tests.unsealed import unsealed

SMALL = ["--size", "12", "--data.val-size", "6", "--device", "cpu"]
TINY = [*SMALL, "--lengths", "8", "12", "--tail", "4", "2"]
SCRATCH = "table1/r50-gn-scratch"


def configured(*arguments: str) -> RunConfig:
    """What the command means, without running it."""
    recipe = recipes.find(arguments[0]) if not arguments[0].startswith("-") else None
    return config(parsed(*arguments), recipe)


def parsed(*arguments: str) -> Train:
    return tyro.cli(Train, args=arguments)


@pytest.mark.slow
def test_a_run_from_flags_is_the_engines_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert train.main(["--run-dir", str(tmp_path / "one"), *TINY]) == DONE
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "scratch, 12 images, 16 iterations of 4"
    assert [line.split()[0] for line in said[1:]] == ["8", "12"]
    assert "box AP" in said[1] and "mask AP" in said[1] and "paper" not in said[1]
    found = TrialDir(tmp_path / "one")
    run = from_dict(RunConfig, found.config()["run"])
    again = complete(tmp_path / "again", run)
    assert exact(found.records()) == exact(again.records())


@pytest.mark.slow
def test_the_same_command_goes_on_and_extends_and_another_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    short = ["--run-dir", str(tmp_path / "run"), *SMALL, "--tail", "4", "2"]
    both = [*short, "--lengths", "8", "12"]
    assert train.main([*short, "--lengths", "8"]) == DONE
    assert train.main(both) == DONE
    assert "(before)" in capsys.readouterr().out
    assert [r["length"] for r in TrialDir(tmp_path / "run").records()] == [8, 12]
    for other in ([*both, "--seed", "1"], [*both, "--lr", "0.5"], [*short, "--lengths", "12"]):
        assert train.main(other) == BAD_INPUT
        assert "holds another run" in capsys.readouterr().err


@pytest.mark.slow
def test_another_backbone_trains_and_is_scored_on_the_embedded_data(tmp_path: Path):
    folder = ["--run-dir", str(tmp_path / "run"), *SMALL, "--lengths", "8", "--tail", "4", "2"]
    assert train.main([*folder, "--model", "resnet18"]) == DONE
    found = TrialDir(tmp_path / "run")
    run = from_dict(RunConfig, found.config()["run"])
    assert (
        replace(run.model, body=ALONE.model.body, anchor_px=ALONE.model.anchor_px) == ALONE.model
    )
    assert (run.model.body.name, len(run.model.anchor_px)) == ("resnet18", 5)
    (record,) = found.records()
    assert record["AP_box"] is not None and record["loss"] > 0


def test_flags_alone_mean_the_rate_and_lengths_for_the_batch_that_is_given():
    run = configured("--batch-size", "8", "--run-dir", "x")
    assert run == replace(ALONE, trial_id="x", optim=replace(ALONE.optim, batch_size=8))


def test_list_has_a_line_for_each_recipe(capsys: pytest.CaptureFixture[str]):
    assert train.main(["--list"]) == DONE
    said = capsys.readouterr().out
    rows = {line.split()[0]: line for line in said.splitlines() if "/" in line.split()[0]}
    assert list(rows) == list(recipes.all())
    for words in ("Fig. 1", "180k 270k 360k 450k 540k", "AP_box 36.8 39.5", "[V]", " 347"):
        assert words in rows[SCRATCH]
    assert "[2]" in rows["fig5/r101-cascade-scratch"]
    assert "no number" in rows["fig5/r50-aug-scratch"]
    marked = {name for name, row in rows.items() if listing.MISTAKE in row}
    assert marked == {name for name in rows if name.startswith("ablation/")}
    assert "GPU-hours are ASSUMED" in said


def test_a_dry_run_says_schedule_cost_numbers_and_what_data_to_get(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert train.main([SCRATCH, "--dry-run"]) == BAD_INPUT  # as the run would end, and a sweep's
    said = capsys.readouterr().out
    for words in (
        "length      270,000 iterations, rate × 0.1 at 210,000 and 250,000: 4,320,000 images",
        "780,000 in all (1,800,000 if every length were run by itself), 12,480,000 images",
        "346.7 GPU-hours",
        "ASSUMED",
        "AP_box 36.8 at 180,000, 39.5 at 270,000",
        "[V, Table 1]",
        "note        ",
        f"data        {tmp_path}/data/coco/train2017: NOT there",
        "zips/train2017.zip (18 GB)",
    ):
        assert words in said
    assert "trainval2014" not in said  # full COCO needs nothing of it
    assert not list(tmp_path.iterdir())


def test_keypoints_and_the_35k_say_which_files_they_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name, file in (
        ("fig6/r50-keypoints-scratch", "annotations/person_keypoints_train2017.json"),
        ("fig7/35k-tuned-scratch", "annotations/instances_val2014.json"),
    ):
        assert train.main([name, "--dry-run", "--data.root", str(tmp_path)]) == BAD_INPUT
        said = capsys.readouterr().out
        assert f"{tmp_path}/{file}: NOT there" in said
        assert f"for {file}" in said


def test_a_dry_run_with_the_data_takes_all_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_coco(tmp_path)
    assert train.main([SCRATCH, "--dry-run", "--data.root", str(tmp_path)]) == DONE
    said = capsys.readouterr().out
    run = configured(SCRATCH, "--data.root", str(tmp_path))
    splits = open_splits(run.data)
    assert len(splits.pool) < len(splits.train.image_id)  # without those that show nothing
    assert f"{len(splits.pool)} to train on" in said
    assert f"data        {tmp_path}/train2017: there" in said


def test_a_batch_is_converted_and_what_is_given_with_it_is_meant_for_it():
    run = configured(SCRATCH, "--batch-size", "64")
    assert run.optim.lr == pytest.approx(0.08)
    assert run.schedule.lengths[0] == 45_000
    given = configured(SCRATCH, "--batch-size", "64", "--lr", "0.1", "--lengths", "90000")
    assert (given.optim.lr, given.schedule.lengths) == (0.1, (90_000,))
    assert given.schedule.tail == (15_000, 5_000)


@pytest.mark.slow
def test_a_reduced_recipe_trains_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = [SCRATCH, "--tiny", "--run-dir", str(tmp_path), "--short-px", "32", "--size", "4"]
    command += ["--data.val-size", "2", "--device", "cpu", "--lengths", "3", "--tail", "1", "1"]
    assert train.main(command) == DONE
    said = capsys.readouterr().out
    assert "(trunk)" in said and "paper" not in said
    config = unsealed(tmp_path / "config.json")
    assert config["recipe"] == SCRATCH
    assert {"trunk", "tail"} == {record["weights"] for record in TrialDir(tmp_path).records()}
    assert train.main(command) == DONE
    assert "(before)" in capsys.readouterr().out


def test_own_data_take_the_place_of_a_recipes(tmp_path: Path):
    write_coco(tmp_path)
    own = [
        *("--data.train", f"{tmp_path}/annotations/instances_train2017.json"),
        *("--data.train-images", f"{tmp_path}/train2017"),
        *("--data.val", f"{tmp_path}/annotations/instances_val2017.json"),
        *("--data.val-images", f"{tmp_path}/val2017"),
    ]
    for more in ((), ("--tiny",)):
        run = configured(SCRATCH, *own, *more)
        assert (run.data.name, run.data.tune_size) == ("custom", 0)
        assert run.data.val_images == f"{tmp_path}/val2017"
    assert every_image(parsed("fig8/1k-scratch", *own), recipes.find("fig8/1k-scratch"))


def test_the_papers_number_stands_beside_a_record_of_its_length_alone():
    recipe = recipes.find("table1/r50-gn-pretrain")
    record = {"weights": "tail", "images_seen": 180_000 * 16}
    said = listing.beside(record, recipe.paper)
    assert said == "  (paper: AP_box 40.3 [V], AP_mask 35.7 [C])"
    assert not listing.beside(record | {"images_seen": 16}, recipe.paper)
    assert not listing.beside(record | {"weights": "trunk"}, recipe.paper)


@pytest.mark.slow
def test_a_run_that_was_refused_leaves_its_folder_to_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    weights = tmp_path / "other.safetensors"
    safetensors.numpy.save_file({"conv1.weight": np.zeros(3, np.float32)}, weights)
    folder = ["--run-dir", str(tmp_path / "run"), *TINY]
    assert train.main([*folder, "--arm", str(weights)]) == BAD_INPUT
    assert "do not fit the backbone" in capsys.readouterr().err
    with TrialDir(tmp_path / "run").lock():  # another process is about to begin
        assert train.main(folder) == BAD_INPUT
        assert "is in use by process" in capsys.readouterr().err
    assert train.main(folder) == DONE
    assert TrialDir(tmp_path / "run").config()["run"]["arm"] == "scratch"


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ("", True),
        ("--seed 1 --draw 2 --workers 2 --batch-size 64 --lengths 45000", True),
        ("--arm other=FILE", True),  # weights of another origin are weights
        ("--arm scratch", False),
        ("--size 1000", False),
        ("--lr 0.04", False),
        ("--weight-decay 0", False),
        ("--factor 0.02", False),
        ("--tail 30000 10000", False),
        ("--short-px 400", False),
        ("--data.val-size 100", False),
        ("--tiny", False),
    ],
)
def test_only_the_papers_own_run_is_compared_with_its_numbers(
    options: str, same: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "gn.pkl").touch()
    given = options.replace("FILE", str(tmp_path / "gn.pkl")).split()
    assert train.main(["table1/r50-gn-pretrain", "--dry-run", *given]) == (
        DONE if "--tiny" in given else BAD_INPUT  # there is no COCO
    )
    said = capsys.readouterr().out
    assert ("AP_box 40.3" in said) == ("Table 2" in said) == same
    assert ("its numbers are of other settings than these" in said) != same
    if "64" in options:
        assert "AP_box 40.3 at 45,000, 40.8 at 67,500" in said  # as the run counts


def test_a_number_without_a_length_is_told_at_the_end():
    recipe = recipes.find("fig5/r101-aug-scratch")
    said = list(listing.published(recipe.paper, recipe.run))
    assert said[0] == "paper       AP_box 45.0 [V, Table 3]"


def test_a_dry_run_says_that_there_are_no_such_weights(capsys: pytest.CaptureFixture[str]):
    assert train.main(["table1/r101-gn-pretrain", "--dry-run"]) == BAD_INPUT
    said = capsys.readouterr().out
    assert "weights     NOT there: arm 'imagenet': there are no ImageNet weights with" in said


def test_weights_that_do_not_fit_are_refused_before_any_image_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def decode(*_args: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr("study.data.batches.decoded.read_rgb", decode)
    weights = tmp_path / "other.safetensors"
    safetensors.numpy.save_file({"conv1.weight": np.zeros(3, np.float32)}, weights)
    run = ["--run-dir", str(tmp_path / "run"), *TINY, "--arm", str(weights)]
    assert train.main(run) == BAD_INPUT
    assert "do not fit the backbone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table1/r50-gn-scrach"], "did you mean table1/r50-gn-scratch"),
        ([SCRATCH, "--tiny"], "run-dir: not given"),
        (
            [SCRATCH, "--model", "tiny"],
            "model = 'tiny': the recipe table1/r50-gn-scratch has its own",
        ),
        ([SCRATCH, "--dry-run", "--workers", "3"], "workers = 3: must divide the batch of 16"),
        ([SCRATCH, "--dry-run", "--split", "tune"], "data.tune_size = 0 leaves nothing to tune"),
        (["--dry-run", "--tiny"], "tiny: reduces a recipe"),
        ([SCRATCH, "--dry-run", "--arm", "imagnet"], "'imagnet' is neither one of scratch"),
        (["fig5/r50-cascade-scratch", "--lengths", "300000", "600000"], "one length where a"),
        ([SCRATCH, "--dry-run", "--seed", "-1"], "--seed = -1: a whole number from 0 to"),
        (["table1/r101-gn-pretrain", "--run-dir", "x"], "no ImageNet weights with GroupNorm"),
        (
            ["table1/r50-gn-pretrain-frozen2", "--arm", "scratch", "--run-dir", "x"],
            "the model freezes some of them",
        ),
    ],
)
def test_bad_input_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert train.main(arguments) == BAD_INPUT
    assert said in capsys.readouterr().err
