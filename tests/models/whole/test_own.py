"""What a run of ours leaves is the start of another, on other classes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

from study.config import RunConfig, ScheduleConfig, to_dict
from study.models import initialisation
from study.models.weights.whole import own
from study.storage.run_dir import TrialDir
from study.training import engine
from study.training.single_run import trial_config

CLASSES = ["circle", "square", "triangle", "star"]
SHORT = RunConfig(
    size=4,
    split="report",
    keep_weights=True,
    schedule=ScheduleConfig(lengths=(2,), tail=(1, 1), warmup=0),
)


def written(path: Path, run: RunConfig, classes: list[str], told: bool = True) -> dict:
    """The weights of a detector as a run leaves them, and the tensors."""
    detector, _ = initialisation.build(run, len(classes), classes)
    metadata = own.metadata(run.model, classes) if told else None
    safetensors.torch.save_file(detector.state_dict(), path, metadata)
    return detector.state_dict()


def test_a_trained_run_is_the_start_of_one_on_other_classes(tmp_path: Path):
    data = dataclasses.replace(SHORT.data, val_size=4, tune_size=4)
    run = dataclasses.replace(SHORT, data=data)
    trial = TrialDir(tmp_path / "first")
    trial.write_config(trial_config(run))
    for _ in engine.run(run, trial):
        pass
    (file,) = (tmp_path / "first").glob("weights-*.safetensors")
    trained = safetensors.torch.load_file(file)
    with safetensors.safe_open(file, framework="pt") as content:
        names = json.loads(content.metadata()[own.METADATA])["classes"]
    wanted = [names[2], "nucleus", names[0].upper()]
    later = dataclasses.replace(run, init=str(file), seed=7)
    detector, report = initialisation.build(later, 3, wanted)
    found = detector.state_dict()
    dependent = {name for name in found if trained[name].shape != found[name].shape}
    assert len(dependent) == 6
    assert all(torch.equal(found[name], trained[name]) for name in found.keys() - dependent)
    scratch, _ = initialisation.build(dataclasses.replace(later, init=None), 3, wanted)
    for name in dependent:
        each = 4 if "bbox" in name else 1
        for to, origin in {0: trained, 1: trained, 2: None, 3: trained}.items():
            at = {0: 0, 1: 3, 2: 2, 3: 1}[to]
            expected = (origin or scratch.state_dict())[name]
            assert torch.equal(
                found[name][to * each : (to + 1) * each], expected[at * each : (at + 1) * each]
            ), (name, to)
    assert report["roi_heads.box"]["class_rows"] == [wanted[0], wanted[2]]
    assert report["roi_heads.box"]["classes"] == 3
    assert report["roi_heads.mask"]["class_rows"] == [wanted[0], wanted[2]]
    assert report["rpn"] == {
        "loaded": report["rpn"]["loaded"],
        "random": 0,
        "frozen": 0,
        "from": "study.train",
    }
    width = run.model.box_fc
    assert report["roi_heads.box"]["random"] == (1 + 4) * (width + 1)


def test_weights_of_an_earlier_version_are_known_by_the_run_directory(tmp_path: Path):
    run = RunConfig(seed=2)
    folder = tmp_path / "run"
    folder.mkdir()
    config = to_dict(run)
    for field in ("rpn_convs", "head_norm", "box_fc_layers"):  # that the earlier version had not
        del config["model"][field]
    (folder / "config.json").write_text(json.dumps({"run": config}))
    file = folder / "weights-tail.safetensors"
    names = ["circle", "square", "triangle", "star", "cross", "ring", "crescent", "ell"]
    before = written(file, run, names, told=False)
    detector, report = initialisation.build(
        dataclasses.replace(run, init=str(file), seed=3), 1, ["ring"]
    )
    name = "roi_heads.box_predictor.cls_score.weight"
    assert torch.equal(detector.state_dict()[name][1], before[name][1 + names.index("ring")])
    assert report["roi_heads.box"]["class_rows"] == ["ring"]
    (tmp_path / "alone").mkdir()
    moved = tmp_path / "alone" / file.name
    moved.write_bytes(file.read_bytes())
    _, report = initialisation.build(
        dataclasses.replace(run, init=str(moved), seed=3), 1, ["ring"]
    )
    assert report["roi_heads.box"]["class_rows"] == []
    assert report["backbone.fpn"]["random"] == 0


def test_another_model_is_refused_by_its_fields(tmp_path: Path):
    run = RunConfig()
    written(file := tmp_path / "mine.safetensors", run, CLASSES)
    model = run.model.but(box_convs=2, aspect_ratios=(0.5, 2.0), fpn_channels=16)
    with pytest.raises(ValueError, match="whole detector") as refused:
        initialisation.build(dataclasses.replace(run, init=str(file), model=model), 4, CLASSES)
    said = str(refused.value)
    assert "\n" not in said
    assert "model.fpn_channels = 16, must be 32; " in said
    assert "model.aspect_ratios = (0.5, 2.0), must be (0.7, 1.4)" in said
    assert "use --detector small or model.but(" in said and "box_convs=1" in said


def test_a_built_in_arm_is_no_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    written(Path("pretext"), RunConfig(), CLASSES)
    _, report = initialisation.build(RunConfig(init="pretext"), 4, CLASSES)
    assert report["rpn"]["loaded"] == 0


def test_a_mask_head_more_or_less_is_random_or_left_out(tmp_path: Path):
    run = RunConfig()
    boxes = dataclasses.replace(run, model=run.model.but(masks=False))
    written(file := tmp_path / "boxes.safetensors", boxes, CLASSES)
    _, report = initialisation.build(dataclasses.replace(run, init=str(file)), 4, CLASSES)
    assert report["roi_heads.mask"]["loaded"] == 0 and "from" not in report["roi_heads.mask"]
    assert report["roi_heads.box"]["random"] == 0
    written(file := tmp_path / "masks.safetensors", run, CLASSES)
    _, report = initialisation.build(dataclasses.replace(boxes, init=str(file)), 4, CLASSES)
    assert "roi_heads.mask" not in report and report["roi_heads.box"]["random"] == 0


def test_a_cascade_starts_from_a_cascade(tmp_path: Path):
    run = RunConfig()
    run = dataclasses.replace(run, model=run.model.but(cascade=(0.5, 0.6)))
    before = written(file := tmp_path / "cascade.safetensors", run, CLASSES)
    again = dataclasses.replace(run, init=str(file), seed=9)
    detector, report = initialisation.build(again, 4, CLASSES)
    assert all(torch.equal(own, before[name]) for name, own in detector.state_dict().items())
    assert report["roi_heads.later"]["random"] == 0
    plain = dataclasses.replace(again, model=run.model.but(cascade=()))
    with pytest.raises(ValueError, match=r"model.cascade = \(\), must be \(0.5, 0.6\)"):
        initialisation.build(plain, 4, CLASSES)


def test_what_others_say_beside_weights_is_not_taken_for_ours(tmp_path: Path):
    run = RunConfig()
    file = tmp_path / "weights-mine.safetensors"
    tensors = written(file, run, CLASSES, told=False)
    for metadata, beside in (
        ({"detector": "a detector of birds"}, "{}"),
        ({"detector": '{"model": "maskrcnn"}'}, '{"run": {"name": "birds"}}'),
        ({}, '{"architectures": ["MaskRCNN"]}'),
        ({}, "[1]"),
    ):
        safetensors.torch.save_file(tensors, file, metadata)
        (tmp_path / "config.json").write_text(beside)
        _, report = initialisation.build(dataclasses.replace(run, init=str(file)), 4, CLASSES)
        assert report["backbone.fpn"]["random"] == 0
        assert report["roi_heads.box"]["class_rows"] == []


def test_weights_of_a_later_version_and_a_damaged_configuration_beside_are_refused(tmp_path: Path):
    run = RunConfig()
    file = tmp_path / "weights-mine.safetensors"
    tensors = written(file, run, CLASSES, told=False)
    later = {"model": to_dict(run.model) | {"wings": 2}, "classes": CLASSES}
    for metadata, beside, said in (
        ({"detector": json.dumps(later)}, "{}", "of a detector that this version does not know"),
        ({}, json.dumps({"run": later}), "wings.*; use the version that wrote them"),
        ({}, '{"run": {"mod', "config.json beside it should say of which model .* is no JSON"),
    ):
        safetensors.torch.save_file(tensors, file, metadata)
        (tmp_path / "config.json").write_text(beside)
        with pytest.raises(ValueError, match=f"weights .*weights-mine.*{said}") as refused:
            initialisation.build(dataclasses.replace(run, init=str(file)), 4, CLASSES)
        assert "\n" not in str(refused.value)
