"""Pre-training on a folder of images: it learns, repeats, resumes, and its weights are an arm."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from study import prepare
from study.commands.common import BAD_INPUT, DONE, INTERRUPTED
from study.config import LITE0, R50_FPN, TINY, BodyConfig, from_dict
from study.config.arms import parse
from study.data.classification.folders import ImageFolder
from study.models import backbones, features, initialisation
from study.training.pretraining import images as pretraining
from study.training.pretraining.images import recipe
from study.training.pretraining.training import rate_share, to_bytes
from tests.powerless import powerless
from tests.runs import TINY_RUN


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def stripes(root: Path, count: int = 60) -> Path:
    """Three classes of noisy images, told apart by the direction of their stripes."""
    y, x = np.mgrid[:32, :32]
    for i in range(count):
        rng = np.random.default_rng(i)
        name, phase = ("across", "along", "diagonal")[i % 3], rng.uniform(0, 6)
        wave = np.sin({"across": y, "along": x, "diagonal": (x + y) / 1.4}[name] + phase)
        pixels = 128 + 60 * wave[..., None] + rng.normal(0, 20, (32, 32, 3))
        file = root / name / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
    return root


SHORT = ["--image-px", "32", "--batch-size", "8", "--device", "cpu"]


def command(images: Path, out: Path, *more: str) -> list[str]:
    """Of an option that is there twice, the last value."""
    words = ["--images", str(images), "--out", str(out), *SHORT, *more]
    given = dict(zip(words[::2], words[1::2], strict=True))
    return ["pretext", *(word for pair in given.items() for word in pair)]


@pytest.mark.slow
def test_it_learns_and_its_weights_are_an_arm(tmp_path: Path):
    folder = ImageFolder.open(stripes(tmp_path / "images"))
    config = recipe(TINY.body, len(folder.train), epochs=9, image_px=32, batch_size=16, lr=0.05)
    out, said = tmp_path / "mine.safetensors", []
    right = pretraining.train(config, folder, out, device="cpu", say=said.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said if "loss" in line]
    assert losses[-1] < losses[0] - 0.2, said
    assert right > 0.6, said  # by chance a third
    arm = parse(str(out))
    run = replace(TINY_RUN, arm=arm.name, init=arm.init)
    detector, report = initialisation.build(run, num_classes=8)
    body = report["backbone.body"]
    assert body["random"] == body["frozen"] == 0
    assert body["loaded"] == sum(p.numel() for p in detector.backbone.body.parameters())


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_interrupted_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    images = stripes(tmp_path / "images", 20)
    files = [tmp_path / name / "w.safetensors" for name in ("straight", "again", "resumed")]
    for file in files[:2]:
        assert prepare.main(command(images, file, "--epochs", "4")) == DONE
    real, calls = pretraining.accuracy, []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(pretraining, "accuracy", interrupt)
    assert prepare.main(command(images, files[2], "--epochs", "4")) == INTERRUPTED
    state = files[2].with_name("w.safetensors.state")
    assert state.exists() and not files[2].exists()
    assert prepare.main(command(images, files[2], "--epochs", "5")) == BAD_INPUT
    assert "holds a pre-training of other images or settings" in capsys.readouterr().err
    assert prepare.main(command(images, files[2], "--epochs", "4")) == DONE
    assert ", from iteration 5 on" in capsys.readouterr().out
    assert not state.exists()
    assert len({file.read_bytes() for file in files}) == 1
    assert prepare.main(command(images, files[1], "--epochs", "4", "--seed", "1")) == DONE
    assert files[1].read_bytes() != files[0].read_bytes()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = ["--images", str(stripes(tmp_path / "images", 6)), "--device", "cuda"]
    assert prepare.main(["pretext", *given, "--out", str(tmp_path / "w.safetensors")]) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "PyTorch finds no GPU on this machine" in line
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_the_weights_say_what_was_seen(tmp_path: Path):
    folder = ImageFolder.open(stripes(tmp_path / "images", 20))
    config = recipe(TINY.body, len(folder.train), epochs=1, image_px=32, batch_size=8)
    out = tmp_path / "w.safetensors"
    pretraining.train(config, folder, out, device="cpu", say=lambda _: None)
    with safetensors.safe_open(out, framework="numpy") as file:
        seen = json.loads(file.metadata()[pretraining.METADATA])
    assert from_dict(BodyConfig, seen.pop("body")) == TINY.body
    assert seen == {"images": 24, "instances": 24, "pixels": 24 * 32 * 32}  # 18 images, 3 batches


@pytest.mark.slow
def test_a_side_that_the_network_does_not_take_is_refused():
    body = backbones.find("timm/hrnet_w18_small").body
    with pytest.raises(ValueError, match=r"image_px = 33: timm/hrnet_w18_small\S* does not take"):
        pretraining.ImageClassifier(recipe(body, 100, image_px=33), num_classes=2)


def test_they_are_fitted_to_the_pixels_of_the_model_and_refused_by_another(tmp_path: Path):
    body = replace(TINY.body, pixel_std=(127.5, 127.5, 255.0))
    config = recipe(body, 100, epochs=1, image_px=32, batch_size=8)
    classifier = pretraining.ImageClassifier(config, 2)
    file = tmp_path / "w.safetensors"
    file.write_bytes(to_bytes(classifier.body, pretraining.told(config, {})))
    found = initialisation.read_weights(str(file), TINY.body)
    first, ratio = classifier.body.state_dict()["stem.0.weight"], torch.tensor([0.5, 0.5, 0.25])
    assert torch.equal(found["stem.0.weight"], first * ratio[:, None, None])
    with pytest.raises(ValueError, match=r"norm_groups = 4, must be 8; give others, or change"):
        initialisation.read_weights(str(file), replace(TINY.body, norm_groups=4))
    with pytest.raises(ValueError, match=r"pixel_mean = \(0, 0, 0\): the weights were made for"):
        initialisation.read_weights(str(file), replace(TINY.body, pixel_mean=(0, 0, 0)))
    later = json.dumps({"body": {"of_a_later_version": 1}})
    file.write_bytes(to_bytes(classifier.body, {pretraining.METADATA: later}))
    with pytest.raises(ValueError, match=r"of a network that this version does not know \("):
        initialisation.read_weights(str(file), TINY.body)
    file.write_bytes(to_bytes(classifier.body, {pretraining.METADATA: "another program's word"}))
    assert torch.equal(initialisation.read_weights(str(file), TINY.body)["stem.0.weight"], first)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width"), [("resnet50", 2048), ("lite0", 320), ("timm/convnext_atto", 320)]
)
def test_any_body_is_trained_with_its_keys(name: str, width: int):
    body = backbones.find(name).body
    config = recipe(body, 1_000_000, image_px=32)
    classifier = pretraining.ImageClassifier(config, num_classes=5)
    assert classifier.head.in_features == width
    assert classifier(torch.zeros(2, 32, 32, 3)).shape == (2, 5)
    weights = safetensors.torch.load(to_bytes(classifier.body))
    fresh = features.body(body)
    learnt = {key for key in fresh.state_dict() if not key.endswith("num_batches_tracked")}
    assert initialisation.load_body(fresh, weights, "own") == learnt


def test_what_is_not_given_suits_the_model_and_the_number_of_images():
    assert (recipe(R50_FPN.body, 1_000_000).image_px, recipe(TINY.body, 1_000_000).image_px) == (
        224,
        48,
    )
    assert recipe(TINY.body, 1_000_000).epochs == 100
    few = recipe(TINY.body, 300)
    assert few.iterations(300) * few.batch_size == pytest.approx(200_000, rel=0.01)
    assert recipe(TINY.body, 300, batch_size=256).lr == 0.1
    frozen = TINY.but(norm="frozen_batch", frozen_stages=2).body
    assert recipe(frozen, 300).body == TINY.but(norm="sync_batch").body
    assert recipe(replace(LITE0, norm="frozen_batch"), 300).body == LITE0


def test_the_rate_rises_and_falls_to_nothing():
    rates = [rate_share(i, 200, 10) for i in range(200)]
    assert rates[0] == pytest.approx(0.1, rel=0.01) and max(rates) == rates[9]
    assert rates[9:] == sorted(rates[9:], reverse=True) and rates[-1] < 1e-3


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(pretraining.ImageTraining, "go_on", lambda *_: pytest.fail("trained"))
    given = command(stripes(tmp_path / "images", 20), tmp_path / "own" / "w.safetensors")
    with powerless(tmp_path, [("own", 0o555)]):
        assert prepare.main(given) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "own" in line and "ermission denied" in line


def flipped(content: bytes) -> bytes:
    """With one bit of a tensor's another."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-9], "were written"),
        (flipped, "checksum"),
        (lambda _: b"", "empty"),
        (lambda _: b"PK\x03\x04 an archive of an earlier version, cut off", "no pre-training"),
    ],
)
def test_a_damaged_state_is_set_aside_and_the_training_begins_again(
    damage: Callable[[bytes], bytes],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    images, file = stripes(tmp_path / "images", 20), tmp_path / "w.safetensors"
    given = command(images, file, "--epochs", "1")
    assert prepare.main(given) == DONE
    whole = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(pretraining.ImageTraining, "told", lambda _: sys.exit("killed"))
        with pytest.raises(SystemExit):
            prepare.main(given)
    state = tmp_path / "w.safetensors.state"
    state.write_bytes(damage(state.read_bytes()))
    file.unlink()
    capsys.readouterr()
    assert prepare.main(given) == DONE
    out = capsys.readouterr().out
    assert f"{state}: damaged: " in out and said in out
    assert "set aside as w.safetensors.state.damaged, and begun again" in out
    assert "from iteration" not in out and file.read_bytes() == whole


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--out", "w.pt"], "a file that ends in .safetensors"),
        (["--model", "huge"], "model = 'huge': one of thin"),
        (["--epochs", "0"], "epochs = 0.0: above 0"),
        (["--image-px", "8"], "--image-px = 8: a whole number from 32 to 2,048 px"),
        (["--seed", "-1"], "seed = -1: a whole number from 0"),
        (["--images", "nowhere"], "images nowhere: no such folder"),
        (["--lr", "999", "--epochs", "9"], "give an --lr below 999"),
    ],
)
def test_bad_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: list[str], said: str
):
    images = stripes(tmp_path / "images", 20)
    given = command(images, tmp_path / "w.safetensors", "--epochs", "1", *changed)
    assert prepare.main(given) == BAD_INPUT
    assert said in capsys.readouterr().err


def test_options_of_one_subject_are_refused_by_the_other(capsys: pytest.CaptureFixture[str]):
    assert prepare.main(["pretext", "--epochs", "3"]) == BAD_INPUT
    assert "epochs: for --images" in capsys.readouterr().err
    assert prepare.main(["pretext", "--images", "somewhere"]) == BAD_INPUT
    assert "--out weights.safetensors" in capsys.readouterr().err
    for arguments in (["pretext", "--sizes", "4"], ["shapes", "--images", "somewhere"]):
        assert prepare.main(arguments) == BAD_INPUT
        assert "--" in capsys.readouterr().err
