"""Ours beside the paper's, where the same was asked; and nothing where it was not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.published import against
from analysis.published import columns as paper_columns
from analysis.reading.frames import rows, values, where
from analysis.report.page import write as write_page
from study import recipes
from study.commands.options.spaces import find
from study.config import EvaluationConfig, RunConfig, Scientific, SearchSpace, to_dict
from study.planning.confirming import scatter
from study.recipes import reduced
from study.storage.run_dir import TrialDir
from tests.analysis.incomplete import rng
from tests.analysis.page import Page
from tests.analysis.reading.test_load import described, documented
from tests.analysis.synthetic import Truth, write_study

SIZES = (1_000, 10_000)
TRUTH = Truth(
    peak={"scratch": {1_000: 6.0, 10_000: 26.5}, "imagenet": {1_000: 10.0, 10_000: 26.5}},
    slowness={"scratch": 60_000.0, "imagenet": 9_000.0},
    noise=0.3,
    too_fast=9.0,
    lr_of={"imagenet": 0.02, "scratch": 0.06},
)


def space(name: str = "coco_10k", sizes: tuple[int, ...] = SIZES) -> SearchSpace:
    """That space with small changes, for the synthetic studies have one drop factor."""
    found = find(name)
    scientific = Scientific(arms=("scratch", "imagenet"), sizes=sizes)
    return replace(found, scientific=scientific, nuisance=replace(found.nuisance, factors=(0.1,)))


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    """Two sizes of COCO, tuned for each arm, and two runs with the other arm's values."""
    path = tmp_path_factory.mktemp("coco") / "run"
    how = {"truth": TRUTH, "trials": 4, "confirm": 3, "cross": 2}
    write_study(path, space=space(), rng=rng(), **how)
    return analysis.load(path)


def test_a_study_of_something_else_has_nothing_to_stand_beside(results: analysis.Results):
    table = analysis.against_paper(results)
    assert described(table) == documented(paper_columns.AGAINST)
    assert table.empty


@pytest.mark.parametrize(
    "change",
    [
        lambda fixed: replace(fixed, data=replace(fixed.data, val_size=100)),
        lambda fixed: replace(fixed, model=fixed.model.but(name="resnet18")),
        lambda fixed: replace(fixed, model=fixed.model.but(norm="sync_batch")),
    ],
    ids=["images", "network", "norm"],
)
def test_nor_has_one_with_other_parts(change: Callable[[RunConfig], RunConfig], tmp_path: Path):
    asked = space(sizes=(1_000,))
    asked = replace(asked, fixed=change(asked.fixed))
    write_study(tmp_path, truth=TRUTH, space=asked, trials=1, confirm=2, rng=rng())
    assert analysis.against_paper(analysis.load(tmp_path)).empty


def test_each_arm_stands_beside_the_number_that_was_made_its_way(coco: analysis.Results):
    table = analysis.against_paper(coco)
    beside = {
        (r["size"], r["arm"], r["setting_of"]): (r["paper"], r["paper_setting_of"])
        for r in rows(table)
    }
    assert beside == {
        (1_000, "scratch", "scratch"): (5.4, "scratch"),
        (1_000, "scratch", "imagenet"): (3.5, "imagenet"),
        (1_000, "imagenet", "imagenet"): (9.9, "imagenet"),
        (10_000, "scratch", "scratch"): (25.9, "imagenet"),  # it has no other
        (10_000, "scratch", "imagenet"): (25.9, "imagenet"),
        (10_000, "imagenet", "imagenet"): (26.0, "imagenet"),
    }
    assert set(table["standing"]) == {"V"}
    assert set(where(table, setting_of="imagenet", arm="scratch")["runs"]) == {2}


def test_ours_are_the_answers_means_and_the_papers_run_is_taken_to_scatter_alike(
    coco: analysis.Results,
):
    answer = rows(analysis.answer(coco))
    table = analysis.against_paper(coco)
    for row, at in ((r, a) for r in rows(table) for a in answer if r["size"] == a["size"]):
        side = "reference" if row["arm"] == "scratch" else "arm"
        if row["arm"] != row["setting_of"]:
            continue
        for end in ("", "_low", "_high"):
            assert row[f"ours{end}"] == pytest.approx(at[f"AP_box_{side}{end}"])
        assert row["difference"] == pytest.approx(row["ours"] - row["paper"])
        ours, gap = (row[f"{x}_high"] - row[x] for x in ("ours", "difference"))
        assert gap == pytest.approx(ours * math.sqrt(1 + row["runs"]))


def test_the_interval_of_a_difference_holds_none_as_often_as_it_says():
    draws, hits, generator = 2000, 0, rng()
    for _ in range(draws):
        runs, theirs = generator.normal(0, 1, (2, 4)), generator.normal(0, 1)
        spread = scatter.pooled(runs)
        ours = analysis.mean_interval(runs[0], 0.9, spread)
        hits += abs(ours.mean - theirs) <= against.beside_one_run(spread, ours, 0.9)
    assert hits / draws == pytest.approx(0.9, abs=3 * math.sqrt(0.09 / draws))


def test_before_confirmation_the_tuning_split_stands_there_and_has_no_interval(tmp_path: Path):
    asked = space(sizes=(1_000,))
    write_study(tmp_path, truth=TRUTH, space=asked, trials=2, confirm=0, rng=rng())
    table = analysis.against_paper(analysis.load(tmp_path))
    assert set(table["split"]) == {"tune"}
    assert all(map(math.isnan, values(table, "difference_low")))
    assert "optimistic" in against.layout(table).caption


@pytest.mark.slow
def test_voc_stands_beside_ap50_and_the_page_says_so(tmp_path: Path):
    truth = replace(TRUTH, peak={arm: {10_000: 50.0} for arm in ("scratch", "imagenet")})
    asked = space("voc", sizes=(10_000,))
    model = asked.fixed.model.but(norm="group", masks=True)  # the paper's norm, and Mask R-CNN
    fixed = replace(asked.fixed, model=model, evaluation=EvaluationConfig())
    asked = replace(asked, fixed=fixed)
    write_study(tmp_path, truth=truth, space=asked, trials=1, confirm=2, rng=rng())
    table = analysis.against_paper(analysis.load(tmp_path))
    assert values(table, "paper") == [77.6, 82.7]
    assert set(table["metric"]) == {"AP50_box"}
    for note in table["note"]:
        assert "AP50 stands beside the paper's mAP; the paper trained on 10,728 images" in note
    results = analysis.load(tmp_path)
    page = " ".join(Page(write_page(results, tmp_path / "report").read_text()).text)
    assert all(line in page for line in against.told(table))
    (decided,) = rows(where(analysis.hypotheses(results), id="H13"))
    assert decided["verdict"] == "contradicted"
    assert decided["evidence"] in page


def test_voc_with_another_norm_is_judged_by_its_claim_alone(tmp_path: Path):
    truth = replace(TRUTH, peak={arm: {10_000: 50.0} for arm in ("scratch", "imagenet")})
    asked = space("voc", sizes=(10_000,))
    write_study(tmp_path, truth=truth, space=asked, trials=1, confirm=2, rng=rng())
    results = analysis.load(tmp_path)
    assert analysis.against_paper(results).empty
    (decided,) = rows(where(analysis.hypotheses(results), id="H13"))
    assert decided["verdict"] == "contradicted"


def written(path: Path, name: str, change: Callable[[RunConfig], RunConfig] | None = None) -> Path:
    """A finished run of a recipe that got the paper's numbers at every length."""
    recipe = recipes.find(name)
    run, trial = recipe.run if change is None else change(recipe.run), TrialDir(path)
    trial.write_config({"role": "single", "recipe": name, "run": to_dict(run)})
    best = {row.metric: row.value for row in recipe.paper if row.length is None}
    for length in run.schedule.lengths:
        there = {row.metric: row.value for row in recipe.paper if row.length == length}
        scores = best if there.get("AP_box") == best.get("AP_box") else there
        record = {"weights": "tail", "length": length, "loss": 1.0, "AP_box": None}
        trial.append(record | {"images_seen": 16 * length} | scores)
    return path


NAMES = [f"table1/{net}-gn-{arm}" for net in ("r50", "r101") for arm in ("scratch", "pretrain")]


def test_runs_of_recipes_stand_beside_all_that_was_published(tmp_path: Path):
    name = "table1/r50-gn-scratch"
    table = analysis.load_runs([run := written(tmp_path / "run", name)])
    assert analysis.load_runs(str(run)).equals(table) and analysis.load_runs(run).equals(table)
    assert described(table) == documented(paper_columns.RUNS)
    told = table.loc[table["paper"].notna().to_numpy()]
    assert set(told["difference"]) == {0.0}
    assert {"Table 1", "Table 2, best of 2x–6x", "Detectron, projects/GN/README.md"} == set(
        told["source"]
    )
    assert set(told["recipe"]) == {name}
    assert values(where(told, metric="AP_box", source="Table 1"), "value") == [
        *(36.8, 39.5, 40.6, 40.7, 41.3)
    ]


@pytest.mark.parametrize(
    "change", [reduced, lambda run: replace(run, size=1000)], ids=["tiny", "fewer images"]
)
def test_another_run_stands_beside_nothing(
    change: Callable[[RunConfig], RunConfig], tmp_path: Path
):
    table = analysis.load_runs([written(tmp_path, "table1/r50-gn-scratch", change)])
    assert len(table) > 0
    assert not any(map(math.isfinite, values(table, "paper")))


def test_runs_of_the_papers_numbers_support_its_claims(tmp_path: Path):
    runs = analysis.load_runs([written(tmp_path / str(i), name) for i, name in enumerate(NAMES)])
    found = rows(analysis.hypotheses(runs))
    assert {row["verdict"] for row in found if row["id"] in ("H1", "H2", "H3")} == {"supported"}


def test_a_folder_without_a_run_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match=r"holds no run \(config.json is missing\)"):
        analysis.load_runs([tmp_path])
