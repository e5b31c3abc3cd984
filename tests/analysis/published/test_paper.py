"""The paper's numbers are all there, each once, and nothing that was not printed."""

from __future__ import annotations

import pytest

import analysis
from analysis.published import columns as paper_columns
from analysis.reading.frames import rows, values, where
from study import recipes
from study.recipes.recipe import Published
from tests.analysis.reading.test_load import described, documented

FULL = 118_287


def of(arm: str, metric: str = "AP_box", **where_: object) -> list[float]:
    return values(where(analysis.paper(), arm=arm, metric=metric, **where_), "value")


def test_the_frame_needs_no_run_and_has_the_documented_columns():
    table = analysis.paper()
    assert described(table) == documented(paper_columns.PAPER)
    assert set(table["standing"]) == {"V", "2"}
    assert not table.isna().any()[["source", "system", "metric", "value", "note"]].any()
    for name, (_, frame) in paper_columns.FRAMES.items():
        assert name in (analysis.__doc__ or "")
        assert all(column in (analysis.__doc__ or "") for column in frame)


def test_each_number_of_a_recipe_is_there_unless_others_published_it():
    table = analysis.paper()
    there = {(r["source"], r["metric"], r["value"], r["size"], r["arm"]) for r in rows(table)}

    def told(recipe: recipes.Recipe, number: Published) -> bool:
        place = (number.source, number.metric, number.value, recipe.run.size, recipe.run.arm)
        return place in there

    for recipe in recipes.all().values():
        for number in recipe.paper:
            assert told(recipe, number) == (number.standing != "C"), (recipe.name, number)


def test_a_number_that_two_recipes_repeat_is_there_once():
    key = ["source", *(name for name in paper_columns.PAPER if name not in ("source", "note"))]
    assert not analysis.paper().duplicated(key).any()
    assert of("scratch", backbone="resnext152_32x8d") == [46.4, 48.6]
    assert of("imagenet", backbone="resnet50", norm="group", length=180_000) == [40.3]


@pytest.mark.parametrize(
    ("backbone", "gaps"),
    [("resnet50", [-3.5, -1.3, -0.3, -0.2, 0.2]), ("resnet101", [-3.6, -1.3, -0.5, 0.3, 0.5])],
)
def test_gaps_of_table_1(backbone: str, gaps: list[float]):
    place = {"backbone": backbone, "norm": "group", "source": "Table 1"}
    both = zip(of("scratch", **place), of("imagenet", **place), strict=True)
    assert [round(a - b, 1) for a, b in both] == gaps


def test_small_data_say_for_which_arm_the_values_were_tuned():
    found = where(analysis.paper(), arm="scratch", size=1_000)
    told = {(row["setting_of"], row["source"]): row["value"] for row in rows(found)}
    assert told == {
        ("imagenet", "Sec. 5.2, text"): 3.5,
        ("imagenet", "Fig. 8, caption"): 3.4,
        ("scratch", "Sec. 5.2, text"): 5.4,
    }
    assert set(where(analysis.paper(), size=FULL)["setting_of"]) == {""}


def test_curves_and_bars_that_were_not_read_have_no_number():
    table = analysis.paper()
    assert where(table, system="Mask R-CNN FPN + train aug", backbone="resnet50", size=FULL).empty
    assert set(where(table, norm="sync_batch")["length"]) == {540_000}
    assert set(where(table, metric="AP_keypoint")["length"]) == {180_000}
    bars = where(table, source="Fig. 5")
    assert sorted(bars["value"]) == [40.9, 41.6, 41.9, 42.5]


def test_what_is_only_quoted_has_no_training_images():
    table = analysis.paper()
    quoted = rows(table.loc[table["size"].isna().to_numpy()])
    assert {(row["system"], row["value"]) for row in quoted} >= {("DSOD", 29.3)}
    assert all(row["note"] for row in quoted)
