"""What kept detections tell of a study: which images decide, mistakes, and pictures."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import analysis
from analysis.answers.pairs import together
from analysis.detections import columns, mistakes, pictures
from analysis.detections.images import told
from analysis.detections.matches import Kind
from analysis.detections.stored import stored
from analysis.drawing.looks import looks
from analysis.reading.frames import rows, values, where
from analysis.report.evaluations import Evaluations, evaluations
from analysis.report.page import write as write_page
from study.config import (
    Budget,
    LogUniform,
    Nuisance,
    Scientific,
    SearchSpace,
)
from study.config.arms import Arm
from study.data.pixels import Unusable
from study.planning.design import Design
from study.storage import File
from study.storage.detection_files import read_truth, truth_file, write_detections
from study.storage.run_dir import StudyDir, TrialDir
from study.training.evaluation.coco import average_precision
from tests.analysis.detections.scenes import found
from tests.analysis.page import Page
from tests.runs import TINY_RUN, study_without_ray
from tests.unsealed import unsealed


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real study: two arms, one setting each, two confirm runs, 16 evaluation images."""
    fixed = replace(
        TINY_RUN,
        data=replace(TINY_RUN.data, val_size=16),
        keep_weights=False,
        schedule=replace(TINY_RUN.schedule, lengths=(6,)),
    )
    space = SearchSpace(
        name="tiny",
        scientific=Scientific(arms=("scratch", "pretext"), sizes=(12,)),
        nuisance=Nuisance(
            ranges={
                "lr": LogUniform(low=0.019, high=0.021),
                "weight_decay": LogUniform(low=1e-5, high=1e-2),
            },
            lengths=(6,),
        ),
        fixed=fixed,
        budget=Budget(trials=1, confirm=2, cross=0, audit=0.0, extend=0),
    )
    arms = (Arm("scratch", None), Arm("pretext", "pretext"))
    asked = Design(space=space, arms=arms, budget=space.budget, stopping=None)
    return study_without_ray(asked, tmp_path_factory.mktemp("kept") / "run").path


@pytest.fixture(scope="module")
def study(begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as if its models had learnt something: in six iterations they did not."""
    path = tmp_path_factory.mktemp("learnt") / "run"
    shutil.copytree(begun, path)
    truth, rng = read_truth(StudyDir(path)), np.random.default_rng(0)
    assert truth is not None
    for trial in StudyDir(path).trials():
        for name in trial.store.names("detections-*"):
            blur = 6.0 if trial.id.startswith("scratch") else 3.0
            rows = found(truth, rng, each=2, blur=blur)
            write_detections(File(trial.store, name), rows)
            line = trial.records()[0] | average_precision(truth, rows)
            (trial.path / "records.jsonl").write_text(json.dumps(line) + "\n")
    return path


@pytest.fixture(scope="module")
def results(study: Path) -> analysis.Results:
    return analysis.load(study)


@pytest.mark.slow
def test_every_confirm_run_and_no_other_leaves_its_detections(begun: Path):
    for trial in StudyDir(begun).trials():
        files = list(trial.path.glob("detections-*"))
        assert len(files) == (trial.config()["role"] == "confirm")
    (one,) = stored(analysis.load(begun))
    assert len(one.runs) == 4


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_what_is_matched_again_is_what_the_run_recorded(kind: Kind, results: analysis.Results):
    (one,) = stored(results, kind)
    for run in one.runs:
        (row,) = rows(where(results.confirmations, arm=run.arm, seed=run.seed))
        assert run.AP == row[f"AP_{kind}"] > 0
        assert run.matches.ap()[0] == pytest.approx(run.AP, abs=1e-9)


def test_bootstrap_of_images_stands_beside_the_answer(results: analysis.Results):
    (row,) = rows(analysis.image_bootstrap(results, np.random.default_rng(0), resamples=50))
    (answer,) = rows(analysis.answer(results))
    assert row["difference"] == pytest.approx(answer["AP_box_difference"], abs=1e-9)
    for end in ("low", "high"):
        assert row[f"{end}_seeds"] == pytest.approx(answer[f"AP_box_difference_{end}"])
    assert (row["images"], row["runs_arm"], row["runs_reference"]) == (16, 2, 2)
    inner = [row["low"], row["difference"], row["high"]]
    assert sorted([row["low_both"], *inner, row["high_both"]]) == [
        row["low_both"], *inner, row["high_both"]
    ]  # fmt: skip
    assert 0 < row["images_share"] < 1
    assert told(analysis.image_bootstrap(results, np.random.default_rng(0), resamples=50))


def test_the_seeds_interval_of_three_arms_and_two_sizes_is_that_of_the_answer(
    results: analysis.Results,
):
    """It learns from all of them, and holds for all arms at once."""
    (one,) = stored(results)
    ((study, manifest),) = results.manifests.items()
    rng, runs = np.random.default_rng(1), []
    for size in (12, 24):
        for run in one.runs:
            arms = ("own", run.arm) if run.arm == "pretext" else (run.arm,)
            more = [replace(run, arm=arm, size=size, AP=rng.uniform(10, 20)) for arm in arms]
            runs += more
    arms = {arm: arm for arm in ("scratch", "pretext", "own")}
    question = manifest["question"] | {"arms": arms, "sizes": [12, 24]}
    three = replace(results, manifests={study: manifest | {"question": question}})
    of = [replace(one, runs=tuple(runs))]
    table = analysis.image_bootstrap(three, np.random.default_rng(0), resamples=20, of=of)
    scores = {
        size: {arm: {r.key: r.AP for r in runs if (r.arm, r.size) == (arm, size)} for arm in arms}
        for size in (12, 24)
    }
    assert len(table) == 2 * 2
    for row in rows(table):
        gap = together(scores).difference(row["size"], row["arm"], "scratch", 0.95)
        assert gap.compared == 3
        assert (row["low_seeds"], row["high_seeds"]) == (gap.low, gap.high)


def test_bootstrap_is_paired_and_repeats_with_its_generator(results: analysis.Results):
    one, same, other = (
        analysis.image_bootstrap(results, np.random.default_rng(seed), resamples=50)
        for seed in (0, 0, 1)
    )
    assert one.equals(same)
    assert not one.equals(other)
    with pytest.raises(ValueError, match="resamples = 1"):
        analysis.image_bootstrap(results, np.random.default_rng(0), resamples=1)


def test_an_arm_scored_like_the_other_differs_on_no_images(study: Path, tmp_path: Path):
    """The same detections in both arms: resampled together, the difference stays 0."""
    copy = tmp_path / "run"
    shutil.copytree(study, copy)
    for seed in (0, 1):
        mine, theirs = (copy / "trials" / f"{arm}-12-c{seed}" for arm in ("pretext", "scratch"))
        (file,) = mine.glob("detections-*")
        shutil.copy(theirs / file.name, file)
        line = unsealed(mine / "records.jsonl")
        score = unsealed(theirs / "records.jsonl")["AP_box"]
        (mine / "records.jsonl").write_text(json.dumps(line | {"AP_box": score}) + "\n")
    table = analysis.image_bootstrap(analysis.load(copy), np.random.default_rng(0), resamples=20)
    (row,) = rows(table)
    assert (row["difference"], row["sd"]) == (0, 0)
    assert math.isnan(row["low"])
    assert "is the same whichever" in told(table)[0]


def test_errors_are_a_row_for_each_kind_of_each_arm(results: analysis.Results):
    table = analysis.errors(results)
    assert list(table.columns) == list(columns.ERRORS)
    for arm in ("scratch", "pretext"):
        mine = where(table, arm=arm)
        assert values(mine, "error") == list(mistakes.KINDS)
        confirmed = where(results.confirmations, arm=arm)["AP50_box"]
        assert values(mine, "AP50")[0] == pytest.approx(confirmed.mean(), abs=1e-9)
    assert set(values(table, "runs")) == {2}


def test_extremes_are_the_furthest_ahead_and_behind():
    gaps = np.array([3.0, -1.0, math.nan, 0.0, 5.0, 1.0, -7.0])
    assert pictures.extremes(gaps) == [4, 0, 6, 1]
    assert pictures.extremes(np.array([1.0, 0.0]), each=2) == [0]
    assert pictures.extremes(np.full(3, math.nan)) == []


def test_pictures_show_the_truth_and_both_arms(results: analysis.Results):
    (one,) = stored(results)
    shown = pictures.pictures(results, one, looks(["scratch", "pretext"]))
    assert shown
    for picture in shown:
        assert [panel.arm for panel in picture.panels] == ["", "scratch", "pretext"]
        assert picture.title in picture.panels[0].alt
        for panel in picture.panels:
            content = base64.b64decode(panel.source.removeprefix("data:image/webp;base64,"))
            with Image.open(io.BytesIO(content)) as image:
                assert image.size == (panel.width, panel.height)
                assert max(image.size) == pictures.LONG


SECTIONS = ("Which images decide", "Why it fails", "Pictures")


@pytest.mark.slow
def test_page_shows_what_was_kept_and_stays_light(results: analysis.Results, tmp_path: Path):
    file = write_page(results, tmp_path)
    html = file.read_text()
    assert len(html) < 1_500_000
    page = Page(html)
    assert all(section in page.text for section in SECTIONS)
    images = page.all("img")
    assert images
    for image in images:
        assert image["src"].startswith("data:image/webp;base64,")
        assert len(image["alt"]) > 20
    for name in ("image_bootstrap", "errors"):
        assert (tmp_path / f"{name}.csv").exists()


def test_pictures_can_be_left_out(results: analysis.Results):
    shown = evaluations(results, with_pictures=False)
    assert shown.error_table and not shown.pictures
    assert "as asked for" in shown.without_pictures


@pytest.mark.slow
def test_a_copied_run_directory_needs_no_images(
    study: Path, results: analysis.Results, tmp_path: Path
):
    copy = tmp_path / "elsewhere"
    shutil.copytree(study, copy)
    manifest = unsealed(copy / "study.json")
    gone = str(tmp_path / "gone")
    (copy / "study.json").write_text(json.dumps(manifest | {"report_images": gone}))
    moved = evaluations(analysis.load(copy))
    for name, frame in evaluations(results, with_pictures=False).frames.items():
        assert moved.frames[name].drop(columns="study").equals(frame.drop(columns="study"))
    assert not moved.pictures
    assert moved.without_pictures == f"16 of 16 evaluation images are not in {gone} here."


def test_an_image_that_cannot_be_shown_costs_the_pictures_and_no_more(
    results: analysis.Results, monkeypatch: pytest.MonkeyPatch
):
    def unusable(*_: object) -> Image.Image:
        raise Unusable("images/a.png: is 1 x 1 px")

    monkeypatch.setattr(pictures, "as_annotated", unusable)
    shown = evaluations(results)
    assert shown.error_table and not shown.pictures
    assert shown.without_pictures == "images/a.png: is 1 x 1 px."


def test_studies_that_kept_nothing_have_empty_frames_and_no_sections(study: Path, tmp_path: Path):
    copy = tmp_path / "older"
    shutil.copytree(study, copy)
    (file := truth_file(StudyDir(copy))).store.remove(file.name)
    older = analysis.load(copy)
    assert list(analysis.errors(older).columns) == list(columns.ERRORS)
    assert not len(analysis.errors(older))
    assert not len(analysis.image_bootstrap(older, np.random.default_rng(0)))
    assert evaluations(older) == Evaluations()


def test_detections_of_something_else_are_refused(study: Path, tmp_path: Path):
    copy = tmp_path / "mixed"
    shutil.copytree(study, copy)
    file = truth_file(StudyDir(copy))
    truth = json.loads(gzip.decompress(file.read() or b""))
    truth["annotations"] = truth["annotations"][::3]
    file.write(gzip.compress(json.dumps(truth).encode()))
    with pytest.raises(ValueError, match="not the images that were scored; remove the one"):
        analysis.errors(analysis.load(copy))


@pytest.mark.slow
def test_of_what_is_not_learnt_there_are_numbers_and_no_sentences(study: Path, tmp_path: Path):
    copy = tmp_path / "unlearnt"
    shutil.copytree(study, copy)
    for file in copy.glob("trials/*-t*/records.jsonl"):  # of tuning, which keeps no detections
        lines = TrialDir(file.parent).records()
        file.write_text("".join(json.dumps(x | {"AP_box": 30.0}) + "\n" for x in lines))
    manifest = unsealed(copy / "study.json")
    said: list[int] = []
    for chance in (10.0, 60.0):
        both = {"chance": {"tune": chance, "report": 0.0}}
        (copy / "study.json").write_text(json.dumps(manifest | both))
        shown = evaluations(analysis.load(copy), with_pictures=False)
        assert shown.error_table and shown.image_table
        said.append(len(shown.error_lines) + len(shown.image_lines))
    assert said[0] > said[1] == 0
