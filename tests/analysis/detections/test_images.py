"""What kept detections tell: AP of any images from one matching, mistakes, and pictures."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import analysis
from analysis.detections import columns, mistakes, pictures
from analysis.detections.images import told
from analysis.detections.matches import Kind, Matches, evaluated, ground_truth, matches
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
from study.planning.design import Design
from study.storage import File
from study.storage.detection_files import read_truth, truth_file, write_detections
from study.storage.run_dir import StudyDir, TrialDir
from study.training.evaluation.coco import average_precision
from tests.analysis.page import Page
from tests.runs import TINY_RUN, study_without_ray
from tests.unsealed import unsealed

SIZE = {"width": 100, "height": 100}


def found(
    truth: dict[str, Any], rng: np.random.Generator, each: int = 4, blur: float = 2.0
) -> list[dict[str, Any]]:
    """Detections around the objects, many of another class, and a few of nothing at all."""
    rows = [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"] if rng.random() < 0.7 else 1,
            "bbox": (np.array(row["bbox"]) + rng.normal(0, blur, 4)).clip(0.5).tolist(),
            "score": round(float(rng.random()), 2),  # so that many are equal
        }
        for row in truth["annotations"]
        for _ in range(each)
    ]
    nothing = {"image_id": 1, "category_id": 2, "bbox": [90.0, 90.0, 5.0, 5.0], "score": 0.99}
    return [*rows, nothing]


def scenes(images: int, rng: np.random.Generator, classes: int = 3) -> dict[str, Any]:
    """Boxes strewn over images, one image without any, some of them crowd regions."""
    annotations = [
        {
            "id": 1 + 9 * image + place,
            "image_id": image,
            "category_id": int(rng.integers(1, classes + 1)),
            "bbox": [*rng.uniform(0, 60, 2).tolist(), *rng.uniform(10, 40, 2).tolist()],
            "area": 500.0,
            "iscrowd": int(rng.random() < 0.1),
        }
        for image in range(2, images + 1)
        for place in range(int(rng.integers(1, 6)))
    ]
    return {
        "images": [{"id": i, **SIZE, "file_name": f"{i}.png"} for i in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": i, "name": f"class{i}"} for i in range(1, classes + 2)],
    }


def matched(truth: dict[str, Any], rows: list[dict[str, Any]], kind: Kind = "box") -> Matches:
    return matches(evaluated(ground_truth(truth), rows, kind))


def copied(
    content: dict[str, Any], rows: list[dict[str, Any]], weights: np.ndarray
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data set that holds image i `weights[i]` times, copies next to each other."""
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": content["categories"]}
    detections = []
    for image, weight in zip(content["images"], weights, strict=True):
        for copy in range(int(weight)):
            new = {"image_id": 1000 * image["id"] + copy}
            truth["images"].append(image | {"id": new["image_id"]})
            own = [a for a in content["annotations"] if a["image_id"] == image["id"]]
            truth["annotations"] += [
                a | new | {"id": len(truth["annotations"]) + 1 + i} for i, a in enumerate(own)
            ]
            detections += [row | new for row in rows if row["image_id"] == image["id"]]
    return truth, detections


def test_with_every_image_once_it_is_the_full_metric():
    rng = np.random.default_rng(0)
    truth = scenes(30, rng)
    rows = found(truth, rng)
    reference = average_precision(truth, rows, ["box"], backend="pycocotools")["AP_box"]
    assert matched(truth, rows).ap()[0] == pytest.approx(reference, abs=1e-9)


def test_a_weight_is_so_many_copies_of_the_image():
    rng = np.random.default_rng(1)
    truth = scenes(12, rng)
    rows = found(truth, rng)
    for at, row in enumerate(rows):  # copies of equal scores within an image may swap
        row["score"] += at * 1e-6
    once = matched(truth, rows)
    weights = rng.multinomial(12, [1 / 12] * 12, size=8)
    aps = once.ap(weights)
    for own, ap in zip(weights, aps, strict=True):
        again = average_precision(*copied(truth, rows, own), ["box"], backend="pycocotools")
        assert ap == pytest.approx(again["AP_box"], abs=1e-9)
    assert once.ap(weights[3:4])[0] == pytest.approx(aps[3], abs=1e-12)


def test_images_without_objects_have_no_ap_and_no_detections_have_0():
    truth = scenes(4, np.random.default_rng(2))
    nothing = matched(truth, [])
    assert nothing.ap()[0] == 0
    assert math.isnan(nothing.ap(np.array([[1, 0, 0, 0]]))[0])
    shares = nothing.tops().share()
    assert math.isnan(shares[0])
    assert not shares[1:].any()


def test_the_share_that_hits_is_that_of_the_highest_scores():
    box = {"image_id": 1, "category_id": 1, "bbox": [10.0, 10.0, 20.0, 20.0]}
    other = box | {"bbox": [60.0, 60.0, 20.0, 20.0]}
    objects = [one | {"id": i, "area": 400.0, "iscrowd": 0} for i, one in enumerate((box, other))]
    crowd = box | {"id": 9, "bbox": [0.0, 80.0, 20.0, 20.0], "area": 400.0, "iscrowd": 1}
    truth = scenes(1, np.random.default_rng(0)) | {"annotations": [*objects, crowd]}
    below = {"category_id": 2, "score": 0.7}
    rows = [
        other | {"score": 0.5},  # a hit, but the third of two
        box | {"score": 0.8, "bbox": [10.0, 10.0, 20.0, 15.0]},  # IoU 0.75: six of ten thresholds
        crowd | {"score": 0.9},  # counts for nothing
        box | below,  # of another class
    ]
    tops = matched(truth, rows).tops()
    assert tops.row.tolist() == [1, 3]
    assert tops.share().tolist() == [pytest.approx(100 * 0.6 / 2)]


def test_a_thousand_resamples_take_seconds():
    rng = np.random.default_rng(3)
    truth = scenes(200, rng)
    run = matched(truth, found(truth, rng))
    weights = rng.multinomial(200, [1 / 200] * 200, size=1000)
    began = time.process_time()
    run.ap(weights)
    assert time.process_time() - began < 3


MISTAKES = {  # kind of mistake: a detection beside the one object's own, at [0, 0, 50, 50]
    "classification": {"category_id": 2},
    "localisation": {"bbox": [0.0, 0.0, 50.0, 20.0]},
    "both": {"category_id": 2, "bbox": [0.0, 0.0, 50.0, 20.0]},
    "background": {"bbox": [80.0, 80.0, 20.0, 20.0]},
    "duplicate": {"score": 0.8},
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_are_of_the_kinds_that_tide_defines(kind: str):
    right = {"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [0.0, 0.0, 50.0, 50.0]}
    truth = scenes(1, np.random.default_rng(0))
    object_ = {"id": 1, "image_id": 1, "category_id": 1, "bbox": right["bbox"]}
    truth["annotations"] = [object_ | {"area": 2500.0, "iscrowd": 0}]
    tide = evaluated(ground_truth(truth), [right, right | MISTAKES[kind]]).tide_errors()
    counted = {name: tide["counts"][short] for name, short in mistakes.KINDS.items()}
    assert counted == {name: int(name == kind) for name in mistakes.KINDS}


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
    with pytest.raises(ValueError, match="not the detections or not the images"):
        analysis.errors(analysis.load(copy))


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
