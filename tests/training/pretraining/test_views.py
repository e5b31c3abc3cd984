"""Pre-training without labels: it learns, repeats, resumes, and its weights are an arm."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

import analysis
from study import prepare
from study.commands.common import BAD_INPUT, DONE, INTERRUPTED
from study.config import R50_FPN, TINY
from study.config.arms import parse
from study.data.classification.pictures import Pictures
from study.models import features, initialisation
from study.training.pretraining import views as pretraining
from study.training.pretraining.training import to_bytes
from study.training.pretraining.views import recipe
from tests.runs import TINY_RUN
from tests.training.pretraining.test_images import SHORT, command, stripes

with_library = pytest.mark.skipif(
    pretraining.library() is None, reason="lightly is not installed: pip install '.[pretext]'"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def unlabelled(root: Path, count: int = 24) -> Path:
    """Those of three classes, in one folder."""
    for file in stripes(root / "all", count).glob("*/*.png"):
        file.rename(root / file.name)
    return root


@pytest.mark.slow
@with_library
def test_it_learns_and_its_weights_are_an_arm(tmp_path: Path):
    folder = Pictures.open(unlabelled(tmp_path / "images", 40))
    config = recipe(TINY.body, len(folder.train), epochs=12, image_px=32, batch_size=18)
    out, said = tmp_path / "mine.safetensors", []
    pretraining.train(config, folder, out, device="cpu", say=said.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said if "loss" in line]
    assert losses[-1] < losses[0] - 0.5, said
    assert "of the held-out images found in another crop, by chance" in said[-2]
    assert said[-1] == f"written to {out}"
    arm = parse(str(out))
    run = replace(TINY_RUN, arm=arm.name, init=arm.init)
    detector, report = initialisation.build(run, num_classes=8)
    body = report["backbone.body"]
    assert body["random"] == body["frozen"] == 0
    assert body["loaded"] == sum(p.numel() for p in detector.backbone.body.parameters())


@pytest.mark.slow
@with_library
def test_the_same_command_gives_the_same_bytes_interrupted_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    images = unlabelled(tmp_path / "images")
    files = [tmp_path / name / "w.safetensors" for name in ("straight", "again", "resumed")]
    for file in files[:2]:
        assert prepare.main(command(images, file, "--epochs", "3")) == DONE
    said = capsys.readouterr().out
    assert "24 images, no class folders: self-supervised, VICReg" in said
    real, calls = pretraining.found, []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(pretraining, "found", interrupt)
    assert prepare.main(command(images, files[2], "--epochs", "3")) == INTERRUPTED
    state = files[2].with_name("w.safetensors.state")
    assert state.exists() and not files[2].exists()
    assert prepare.main(command(images, files[2], "--epochs", "4")) == BAD_INPUT
    assert "holds a pre-training of other images or settings" in capsys.readouterr().err
    assert prepare.main(command(images, files[2], "--epochs", "3")) == DONE
    assert ", from iteration 5 on" in capsys.readouterr().out
    assert not state.exists()
    assert len({file.read_bytes() for file in files}) == 1
    assert prepare.main(command(images, files[1], "--epochs", "3", "--seed", "1")) == DONE
    assert files[1].read_bytes() != files[0].read_bytes()


@pytest.mark.slow
@with_library
def test_class_folders_are_labels_unless_they_are_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    images, out = stripes(tmp_path / "images", 24), tmp_path / "w.safetensors"
    assert prepare.main(command(images, out, "--epochs", "1")) == DONE
    assert "named rightly" in capsys.readouterr().out
    assert prepare.main(command(images, out, "--epochs", "1", "--labels", "none")) == DONE
    assert "24 images, --labels none: self-supervised, VICReg" in capsys.readouterr().out
    plain = unlabelled(tmp_path / "plain")
    assert prepare.main(command(plain, out, "--labels", "folders")) == BAD_INPUT
    assert "must have at least two classes" in capsys.readouterr().err


@with_library
def test_the_weights_say_what_was_seen_and_by_what_method(tmp_path: Path):
    out = tmp_path / "w.safetensors"
    images = unlabelled(tmp_path / "images")
    assert prepare.main(command(images, out, "--epochs", "1")) == DONE
    with safetensors.safe_open(out, framework="numpy") as file:
        assert json.loads(file.metadata()["pretraining"])["method"] == "VICReg"
    # 22 images in three batches of 8; pixels of two crops; no label
    assert analysis.seen_by(out) == analysis.Seen(24, 0, 2 * 24 * 32 * 32)


@pytest.mark.slow
@with_library
def test_a_resnets_body_is_trained_with_its_keys():
    config = recipe(R50_FPN.body, 1_000_000, image_px=32)
    weights = safetensors.torch.load(to_bytes(pretraining.Embedding(config).body))
    assert {*weights} == {*features.body(R50_FPN.body).state_dict()}


def test_a_batch_has_no_more_images_than_there_are_and_the_rate_goes_with_it():
    assert recipe(TINY.body, 22).batch_size == 22
    assert recipe(TINY.body, 300, batch_size=128).lr == pytest.approx(2e-3)
    assert recipe(TINY.body, 300, lr=0.1).lr == 0.1
    assert recipe(TINY.body, 300).batch_size == 64
    assert recipe(TINY.body, 300, batch_size=8).batch_size == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--out", "w.pt"], "a file that ends in .safetensors"),
        (["--batch-size", "23"], "--batch-size = 23: at most the 22 pictures there are"),
    ],
)
@with_library
def test_bad_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: list[str], said: str
):
    images = unlabelled(tmp_path / "images")
    given = command(images, tmp_path / "w.safetensors", "--epochs", "1", *changed)
    assert prepare.main(given) == BAD_INPUT
    assert said in capsys.readouterr().err


def test_without_the_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(pretraining, "library", lambda: None)
    images = unlabelled(tmp_path / "images")
    assert prepare.main(command(images, tmp_path / "w.safetensors", *SHORT)) == BAD_INPUT
    (error,) = capsys.readouterr().err.strip().splitlines()
    assert "pip install '.[pretext]'" in error
