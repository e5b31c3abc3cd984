"""`python -m study.train --best`: which arm, which setting, which images, and what is written."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study import train
from study.commands import best
from study.commands.common import BAD_INPUT, DONE, INTERRUPTED
from study.config import RunConfig, from_dict
from study.config.arms import Arm
from study.data.splits import open_splits
from study.planning.preferred import preferred
from study.storage.detection_files import detections_file, read_detections
from study.storage.run_dir import StudyDir, TrialDir
from study.training import engine
from tests.runs import TINY_RUN, weights
from tests.unsealed import unsealed

pytestmark = pytest.mark.slow  # a study is trained for it, and detectors


def command(study: StudyDir, out: Path, *more: str) -> list[str]:
    return ["--best", str(study.path), "--out", str(out), "--device", "cpu", *more]


def trained(out: Path) -> RunConfig:
    return from_dict(RunConfig, TrialDir(out / "run").config()["run"])


def test_it_trains_the_chosen_setting_on_all_but_the_report_split(study: StudyDir, detector: Path):
    run, found = trained(detector), preferred(study)
    choice = found.candidate.choice
    assert (run.arm, run.optim) == (found.candidate.arm, choice.trial.run.optim)
    assert (run.schedule.lengths, run.schedule.factors) == ((choice.length,), (choice.factor,))
    assert found.candidate.size == 12
    before, splits = open_splits(choice.trial.run.data), open_splits(run.data)
    ids = set(splits.pool.tolist())
    assert ids == {*before.pool.tolist(), *before.tune_ids.tolist()} and len(ids) == run.size
    assert splits.val_ids.tolist() == before.val_ids.tolist()
    assert sorted(path.name for path in detector.iterdir()) == [
        *("config.json", "model-card.md", "run", "weights.safetensors")
    ]
    own = weights(TrialDir(detector / "run"))
    assert [(detector / "weights.safetensors").read_bytes()] == list(own.values())


def test_the_card_says_what_it_saw_and_scored(study: StudyDir, detector: Path):
    card = (detector / "model-card.md").read_text()
    (record,) = TrialDir(detector / "run").records()
    assert record["split"] == "report"
    for words in (
        f"box AP {record['AP_box']:.1f}; mask AP {record['AP_mask']:.1f}, on 6 images",
        "30 images: the training and the tuning split",
        "(the arm `pretext`)" if trained(detector).init else "from random weights",
        preferred(study).why,
        "The study's answer: With ",
        "more images a longer training may be better",
        "6 images are few",
    ):
        assert words in card


def test_confirm_runs_decide_and_without_them_the_tuning_split(study: StudyDir, tmp_path: Path):
    path = shutil.copytree(study.path, tmp_path / "run")
    for arm, tuned, confirmed in (("scratch", 40.0, 20.0), ("pretext", 30.0, 25.0)):
        for trial_id, ap in ((f"{arm}-12-t000", tuned), (f"{arm}-12-c0", confirmed)):
            file = path / "trials" / trial_id / "records.jsonl"
            file.write_text(json.dumps(unsealed(file) | {"AP_box": ap}) + "\n")
    found = preferred(StudyDir(path))
    assert found.candidate.arm == "pretext"
    assert "report split (confirm runs) at 12 images: pretext 25.0, scratch 20.0" in found.why
    assert found.learnt
    assert preferred(StudyDir(path), "scratch", 12).candidate.arm == "scratch"
    smaller = path / "trials" / "scratch-6-t000"
    shutil.copytree(path / "trials" / "scratch-12-t000", smaller)
    config = unsealed(smaller / "config.json")
    own = {"size": 6, "trial_id": smaller.name}
    run = config["run"] | own
    record = unsealed(smaller / "records.jsonl") | own
    (smaller / "records.jsonl").write_text(json.dumps(record) + "\n")
    (smaller / "config.json").write_text(json.dumps(config | {"run": run}))
    manifest = unsealed(path / "study.json")
    manifest["question"]["sizes"] = [6, 12]
    manifest["chance"] = {"tune": 39.0, "report": 26.0}
    (path / "study.json").write_text(json.dumps(manifest))
    assert not preferred(StudyDir(path)).learnt  # the same boxes on every image score more
    assert preferred(StudyDir(path), size=6).candidate.size == 6
    assert preferred(StudyDir(path)).candidate.size == 12
    with pytest.raises(ValueError, match="the arm pretext has no result yet at size 6"):
        preferred(StudyDir(path), "pretext", 6)
    shutil.rmtree(path / "trials" / "pretext-12-c0")
    found = preferred(StudyDir(path))
    assert found.candidate.arm == "scratch" and found.learnt
    assert "tuning split (no confirm runs) at 12 images: scratch 40.0, pretext 30.0" in found.why


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study's answer is not asked for: that takes seconds, and is tested once."""
    monkeypatch.setattr(best, "_answer", lambda *_: "")


@pytest.mark.usefixtures("unasked")
def test_with_all_nothing_is_left_to_score(study: StudyDir, tmp_path: Path):
    out = tmp_path / "all"
    assert train.main(command(study, out, "--all", "--arm", "scratch")) == DONE
    run, (record,) = trained(out), TrialDir(out / "run").records()
    assert (run.arm, run.size, run.split) == ("scratch", 36, "none")
    assert not [name for name in record if name.startswith("AP")]
    splits = open_splits(run.data)
    files = {splits.train.files(splits.pool)[at] for at in range(36)}
    before = open_splits(replace(run.data, train_on="train"))
    assert files == {*before.train.files(), *before.val.files()}
    for index in (before.train, before.val):  # objects stay with their image
        file, rows = index.files()[0], index.rows(int(index.image_id[0]))
        (at,) = (i for i, own in enumerate(splits.train.files()) if own == file)
        there = splits.train.rows(int(splits.train.image_id[at]))
        assert index.bbox[rows].tolist() == splits.train.bbox[there].tolist()
    card = (out / "model-card.md").read_text()
    good = card.partition("## How good it is")[2].partition("The study")[0]
    assert good.strip().startswith("No score") and " AP " not in good


@pytest.mark.usefixtures("unasked")
def test_it_goes_on_after_a_kill_to_the_same_weights(
    study: StudyDir, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out, steps, step = tmp_path / "detector", [], engine.Session.step

    def killed(session: engine.Session, leg: engine.Leg, iteration: int) -> None:
        if iteration == 4 and len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(iteration)
        step(session, leg, iteration)

    monkeypatch.setattr(engine.Session, "step", killed)
    assert train.main(command(study, out)) == INTERRUPTED
    assert not (out / "weights.safetensors").exists()
    assert train.main(command(study, out)) == DONE
    assert steps == [0, 1, 2, 3, 3, 4, 5]
    told = (out / "weights.safetensors").read_bytes()
    assert told == (detector / "weights.safetensors").read_bytes()
    assert train.main(command(study, out)) == DONE  # only writes again
    assert len(steps) == 7


@pytest.mark.usefixtures("unasked")
def test_data_that_have_moved_are_those_of_the_same_detector(
    study: StudyDir, detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    study = StudyDir(shutil.copytree(study.path, tmp_path / "study"))
    out, recorded = shutil.copytree(detector, tmp_path / "detector"), trained(detector).data
    moved = shutil.copytree(str(recorded.folder), tmp_path / "moved")
    again = command(study, out, "--data", str(moved))
    assert train.main(again) == BAD_INPUT  # without digests nothing says that they are the same
    assert "holds the run of another detector" in capsys.readouterr().err
    digests = open_splits(replace(recorded, train_on="train")).digests()
    known(study, out, digests)
    written = TrialDir(out / "run").records()
    assert train.main(again) == DONE  # of the run that has ended
    assert trained(out).data == replace(recorded, folder=str(moved), digests=digests)
    assert TrialDir(out / "run").records() == written
    asked = json.loads((moved / "shapes.json").read_text()) | {"aspect": [1, 1]}
    (moved / "shapes.json").write_text(json.dumps(asked))
    assert train.main(again) == BAD_INPUT
    assert "they are not the same images or annotations" in capsys.readouterr().err


def known(study: StudyDir, out: Path, digests: dict[str, str]) -> None:
    """Record them for the study and for its detector, as a sweep does."""
    manifest = unsealed(study.path / "study.json")
    manifest["question"]["data"] = digests
    (study.path / "study.json").write_text(json.dumps(manifest))
    trial = TrialDir(out / "run")
    config = trial.config()
    config["run"]["data"]["digests"] = digests
    trial.write_config(config)


def test_detections_on_the_report_split_are_stored(detector: Path):
    trial = TrialDir(detector / "run")
    file = detections_file(trial, trial.records()[0]["leg"])
    assert len(read_detections(file))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--arm", "imagnet"], "arm = 'imagnet': the study in"),
        (["--size", "7"], "size = 7: the study in"),
        (["--workers", "3"], "workers = 3: must divide the batch of 4"),
        (["--data", "nowhere"], "nowhere': no such file or folder"),
    ],
)
def test_bad_input_is_named(
    more: list[str],
    said: str,
    study: StudyDir,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    assert train.main(command(study, tmp_path / "out", *more)) == BAD_INPUT
    assert said in capsys.readouterr().err


def test_other_data_no_study_and_another_detector_are_refused(
    study: StudyDir, detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "other").mkdir()
    path = shutil.copytree(study.path, tmp_path / "run")
    manifest = unsealed(path / "study.json")
    manifest["question"]["data"] = {"pool": "0123456789abcdef"}
    (path / "study.json").write_text(json.dumps(manifest))
    assert train.main(command(StudyDir(path), tmp_path / "out")) == BAD_INPUT
    assert "data.digests: pool = '0123456789abcdef'" in capsys.readouterr().err
    for trial in StudyDir(path).trials():
        config = trial.config()
        config["run"]["data"]["folder"] = str(tmp_path / "moved")
        trial.write_config(config)
    assert train.main(command(StudyDir(path), tmp_path / "out")) == BAD_INPUT
    assert "moved': the study's images were there" in capsys.readouterr().err
    assert train.main(command(StudyDir(tmp_path / "other"), tmp_path / "out")) == BAD_INPUT
    assert "holds no study" in capsys.readouterr().err
    assert train.main(command(study, detector, "--all")) == BAD_INPUT
    assert "holds the run of another detector" in capsys.readouterr().err


def test_weights_that_have_changed_since_the_study_are_refused(tmp_path: Path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"1")
    study, arm = StudyDir(tmp_path / "run"), Arm("mine", str(file))
    study.open({"question": {"arms": {"mine": arm.identity}}, "budget": {}})
    run = replace(TINY_RUN, arm=arm.name, init=arm.init)
    best._require_weights(run, study)
    file.write_bytes(b"2")
    with pytest.raises(ValueError, match=r"mine.safetensors is another file than the study had"):
        best._require_weights(run, study)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(
    study: StudyDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "detector"
    assert train.main([*command(study, out)[:-1], "cuda"]) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "PyTorch finds no GPU on this machine" in line
    assert not out.exists()


@pytest.mark.usefixtures("unasked")
def test_a_detector_whose_folder_was_renamed_goes_on(
    study: StudyDir, detector: Path, tmp_path: Path
):
    out = tmp_path / "renamed"
    shutil.copytree(detector, out)
    (out / "weights.safetensors").unlink()
    (out / "run" / "records.jsonl").unlink()  # as if it had been killed before its end
    assert train.main(command(study, out)) == DONE
    (record,) = TrialDir(out / "run").records()
    assert record["trial_id"] == trained(out).trial_id == detector.name
    name = "weights.safetensors"
    assert (out / name).read_bytes() == (detector / name).read_bytes()


def test_weights_that_were_removed_from_the_run_are_named(
    study: StudyDir, detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / detector.name
    shutil.copytree(detector, out)
    (file,) = (out / "run").glob("weights-*.safetensors")
    file.unlink()
    assert train.main(command(study, out)) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{file.name}: is not there any more" in line and f"remove {out / 'run'}," in line
