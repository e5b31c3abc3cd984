"""The paper's account of what was seen, to its digits, and that of a study."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

import analysis
from analysis.answers.seen import (
    COCO_1X,
    COCO_BATCH,
    CURRENCIES,
    KNOWN,
    NOTHING,
    PRETEXT,
    Account,
    Seen,
    coco,
    paper,
    pretraining,
    table,
)
from analysis.drawing import seen as drawn
from analysis.drawing.looks import looks
from analysis.reading.frames import rows, values, where
from analysis.report import figures
from study import recipes
from study.storage.run_dir import StudyDir
from study.training.pretraining import shapes as pretext_shapes
from tests.analysis.conftest import Incomplete

PER_IMAGE = {"24": (2.5, 9216.0), "64": (3.0, 9216.0), "256": (2.75, 9216.0)}


@pytest.fixture(scope="module")
def counted(finished: Path) -> analysis.Results:
    """The finished study as a sweep writes it, with what an image holds."""
    results = analysis.load(finished)
    (manifest,) = results.manifests.values()
    manifest["per_image"] = {
        size: {"instances": instances, "pixels": pixels}
        for size, (instances, pixels) in PER_IMAGE.items()
    }
    return results


def by_currency(frame: pd.DataFrame, arm: str, column: str) -> list[float]:
    mine = where(frame, arm=arm)
    assert tuple(values(mine, "currency")) == CURRENCIES
    return values(mine, column)


def test_the_papers_bars():
    """PAPER.md, Sec. 5: what Fig. 2's caption comes to."""
    frame = paper()
    assert by_currency(frame, "imagenet", "pretraining") == pytest.approx(
        [1.280e8, 1.280e8, 6.42e12], rel=1e-3
    )
    assert by_currency(frame, "imagenet", "total") == [
        pytest.approx(value, rel=1e-3) for value in (1.308e8, 1.479e8, 9.45e12)
    ]
    assert by_currency(frame, "scratch", "total") == [
        pytest.approx(value, rel=1e-3) for value in (8.52e6, 5.96e7, 9.08e12)
    ]
    ratios = by_currency(frame, "imagenet", "ratio")
    assert [f"{ratio:.3g}" for ratio in ratios] == ["15.4", "2.48", "1.04"]
    assert by_currency(frame, "scratch", "ratio") == [1, 1, 1]


def test_the_same_from_iterations():
    imagenet = pretraining(100, 1_281_167)
    images = COCO_1X * COCO_BATCH
    accounts = {
        "scratch": Account(NOTHING, coco(6 * images)),
        "imagenet": Account(imagenet, coco(2 * images)),
    }
    ratios = by_currency(table(accounts), "imagenet", "ratio")
    assert [f"{ratio:.3g}" for ratio in ratios] == ["15.2", "2.45", "1.03"]


def test_where_scratch_breaks_even_with_imagenet_and_2x():
    one = coco(COCO_1X * COCO_BATCH)
    account = Account(analysis.IMAGENET_100_EPOCHS, coco(2 * COCO_1X * COCO_BATCH))
    even = analysis.break_even(account, NOTHING, one)
    said = {name: f"{value:.3g}" for name, value in even.items()}
    assert said == {"images": "90.9", "instances": "14.7", "pixels": "6.18"}


def test_the_arm_coco_has_seen_imagenet_and_coco():
    known = KNOWN["coco"]
    assert known.images == 90 * 1_281_167 + 26 * 118_287
    assert known.instances == 90 * 1_281_167 + 26 * 118_287 * 7
    assert known.pixels == pytest.approx(90 * 1_281_167 * 224**2 + 26 * 118_287 * 800 * 1333)


def test_what_the_pretext_weights_saw_is_what_makes_them():
    images = pretext_shapes.ITERATIONS * pretext_shapes.BATCH
    assert Seen(images, images, images * 48 * 48) == PRETEXT


def test_a_studys_account_adds_up(counted: analysis.Results):
    frame = analysis.seen(counted)
    chosen = analysis.best(counted)
    assert len(frame) == 2 * 3 * 3
    for row in rows(frame):
        (best,) = rows(where(chosen, arm=row["arm"], size=row["size"]))
        each = dict(zip(CURRENCIES, (1.0, *PER_IMAGE[str(row["size"])]), strict=True))
        assert row["training"] == best["length"] * 8 * each[row["currency"]]
        before = {"scratch": NOTHING, "pretext": PRETEXT}[row["arm"]]
        assert row["pretraining"] == getattr(before, row["currency"])
        assert row["total"] == row["pretraining"] + row["training"]
        # trained for so many iterations, the reference would have seen exactly this
        assert row["break_even"] * 8 * each[row["currency"]] == pytest.approx(row["total"])
    scratch = where(frame, arm="scratch")
    assert values(scratch, "ratio") == [1.0] * 9
    assert values(scratch, "break_even") == values(scratch, "length")


def test_what_is_not_known_is_nan(results: analysis.Results):
    """A study of before means were recorded, and an arm whose pre-training nobody has told."""
    frame = analysis.seen(results, pretraining={"pretext": Seen(1e6, math.nan, math.nan)})
    images, others = where(frame, currency="images"), where(frame, currency="pixels")
    assert all(map(math.isfinite, values(images, "total")))
    assert all(map(math.isnan, values(others, "training") + values(others, "ratio")))
    with pytest.raises(ValueError, match=r"pretraining: imagnet: no arm .* pretext, scratch"):
        analysis.seen(results, pretraining={"imagnet": analysis.IMAGENET_100_EPOCHS})


def test_an_arm_that_nobody_has_told_about_is_not_known(finished: Path, tmp_path: Path):
    study = StudyDir(tmp_path)
    manifest = StudyDir(finished).manifest
    question = manifest["question"] | {"arms": {"scratch": None, "mine": "a file"}}
    study.open(manifest | {"question": question})
    for trial in StudyDir(finished).trials():
        config = trial.config()
        name = {"pretext": "mine"}.get(config["run"]["arm"], "scratch")
        config["run"]["arm"] = name
        copy = study.trial(trial.id)
        copy.write_config(config)
        for record in trial.records():
            copy.append(record | {"arm": name})
    frame = analysis.seen(analysis.load(tmp_path))
    assert all(map(math.isnan, values(where(frame, arm="mine"), "pretraining")))
    told = analysis.seen(analysis.load(tmp_path), {"mine": Seen(1, 1, 1)})
    assert set(values(where(told, arm="mine"), "pretraining")) == {1}


def segments(frame: pd.DataFrame, currency: str) -> list[tuple[str, str, float, float]]:
    return [
        (row["arm"], row["part"], row["low"], row["high"])
        for row in rows(where(frame, currency=currency))
    ]


def test_bars_stack_what_was_seen_in_multiples_of_the_reference():
    scratch, before, then = segments(drawn.seen(paper()), "images")
    assert scratch == ("scratch", "training", 0, 1)
    assert before[:3] == ("imagenet", "pretraining", 0)
    assert then == ("imagenet", "training", before[3], pytest.approx(15.4, abs=0.05))
    assert then[3] - then[2] == pytest.approx(1 / 3)  # 24 of 72 epochs


def test_of_what_nobody_saw_there_is_no_bar():
    empty = Account(NOTHING, Seen(images=100, instances=0, pixels=1e6))  # of 100 without an object
    after = Account(PRETEXT, empty.training)
    frame = drawn.seen(table({"scratch": empty, "pretext": after}))
    assert set(frame["currency"]) == {"images", "pixels"}


def test_the_figure_is_drawn_with_the_arms_own_colours():
    frame, arms = drawn.seen(paper()), looks(["scratch", "imagenet"])
    canvas = Canvas(figsize=(6, 3))
    FigureCanvasSVG(canvas)
    ax = canvas.add_subplot()
    drawn.draw_seen(ax, frame, arms)
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(bars) == len(frame) == 9
    colours = {to_hex(bar.get_edgecolor()) for bar in bars}
    assert colours == {look.colour for look in arms.values()}
    assert sorted(bool(bar.get_hatch()) for bar in bars) == [False] * 6 + [True] * 3
    said = [text.get_text() for text in ax.texts]
    assert said == ["1×", "15.4×", "1×", "2.48×", "1×", "1.04×"]
    assert [label.get_text() for label in ax.get_xticklabels()] == list(CURRENCIES)


def test_the_report_shows_it_for_each_size(counted: analysis.Results):
    (study,) = counted.manifests
    panels = figures.seen(counted, study, looks(counted.arms(study)))
    assert [panel.title for panel in panels] == ["24 images", "64 images", "256 images"]
    assert "pretext has seen" in panels[0].alt and "times as many images" in panels[0].alt


def test_arms_that_nobody_pre_trained_need_no_figure(incomplete: Incomplete):
    results = incomplete("one arm")
    (study,) = results.manifests
    assert figures.seen(results, study, looks(results.arms(study))) == []


def test_weights_say_what_was_seen(tmp_path: Path):
    told, silent = tmp_path / "told.safetensors", tmp_path / "silent.safetensors"
    counts = {"images": 6400, "instances": 6400, "pixels": 6400 * 48**2}
    tensors = {"w": np.zeros(2, np.float32)}
    safetensors.numpy.save_file(tensors, told, metadata={"pretraining": json.dumps(counts)})
    safetensors.numpy.save_file(tensors, silent)
    assert analysis.seen_by(told) == Seen(**counts) == pretraining(1, 6400, px=48)
    with pytest.raises(ValueError, match="do not say what was seen"):
        analysis.seen_by(silent)
    with pytest.raises(ValueError, match="no such file"):
        analysis.seen_by(tmp_path / "none.safetensors")
    silent.write_bytes(b"x")
    with pytest.raises(ValueError, match="not a safetensors file"):
        analysis.seen_by(silent)


def test_the_papers_schedules_are_multiples_of_the_1x():
    lengths = recipes.find("table1/r50-gn-scratch").run.schedule.lengths
    assert [length / COCO_1X for length in lengths] == [2, 3, 4, 5, 6]
