"""The paper's experiments: each builds, is told apart, and says the paper's own numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from study import recipes
from study.config import RunConfig, from_dict, to_dict
from study.config.arms import BUILT_IN
from study.config.schedule import iterations, legs, lr
from study.recipes import MODULES, Recipe, base
from study.recipes.cost import gpu_hours, images
from study.recipes.recipe import Published, Standing

ALL = recipes.all()
each = pytest.mark.parametrize("recipe", ALL.values(), ids=list(ALL))

SCHEDULES = {  # multiple of 90k: length, drops, epochs of train2017; derived from Sec. 3
    2: (180_000, 120_000, 160_000, 24.4),
    3: (270_000, 210_000, 250_000, 36.5),
    4: (360_000, 300_000, 340_000, 48.7),
    5: (450_000, 390_000, 430_000, 60.9),
    6: (540_000, 480_000, 520_000, 73.0),
    9: (810_000, 750_000, 790_000, 109.6),
    11: (990_000, 930_000, 970_000, 133.9),
}
TABLE_1 = {
    "r50-gn-scratch": (36.8, 39.5, 40.6, 40.7, 41.3),
    "r50-gn-pretrain": (40.3, 40.8, 40.9, 40.9, 41.1),
    "r101-gn-scratch": (38.2, 41.0, 41.8, 42.2, 42.7),
    "r101-gn-pretrain": (41.8, 42.3, 42.3, 41.9, 42.2),
}


def of(name: str, metric: str, length: int | None = None) -> list[float]:
    return [row.value for row in ALL[name].paper if (row.metric, row.length) == (metric, length)]


@each
def test_a_recipe_survives_being_written_down(recipe: Recipe):
    assert from_dict(RunConfig, to_dict(recipe.run)) == recipe.run


def test_names_tell_recipes_apart_and_stand_in_their_modules():
    assert len(ALL) == sum(len(module.RECIPES) for module in MODULES)
    assert len({recipe.reproduces for recipe in ALL.values()}) == len(ALL)
    for module in MODULES:
        table = module.__name__.rpartition(".")[2]
        assert all(make().name.startswith(f"{table}/") for make in module.RECIPES)


def test_no_two_recipes_are_the_same_run():
    runs = [repr(recipe.run) for recipe in ALL.values()]
    assert len(set(runs)) == len(runs)


@each
def test_a_recipe_has_detectrons_settings_at_16_images(recipe: Recipe):
    run = recipe.run
    assert run.model.fidelity == "detectron"
    assert (run.optim.batch_size, run.optim.weight_decay, run.optim.momentum) == (16, 1e-4, 0.9)
    assert run.optim.clip_norm is None
    assert run.schedule.warmup == 500
    assert (run.model.short_px, run.model.long_px) == (800, 1333)
    tuned = recipe.name.startswith("fig8/") or "tuned" in recipe.name
    assert run.optim.lr == (0.04 if tuned else 0.02)
    assert run.schedule.factors == ((0.02,) if tuned else (0.1,))
    assert (run.split, run.data.tune_size) == ("report", 0)


@each
def test_drops_are_those_of_the_papers_schedule(recipe: Recipe):
    run = recipe.run
    if run.schedule.tail != base.TAIL:
        assert recipe.name.startswith(("fig8/", "voc/")), "the paper states the others"
        return
    by_length = {length: drops for length, *drops, _ in SCHEDULES.values()}
    (factor,) = run.schedule.factors
    tails = [leg for leg in legs(run.schedule) if leg.is_tail]
    assert [tail.length for tail in tails] == list(run.schedule.lengths)
    for tail in tails:
        first, second = by_length[tail.stop]
        at = (first - 1, first, second - 1, second, tail.stop - 1)
        rates = [lr(1.0, run.schedule, tail, iteration) for iteration in at]
        assert rates == pytest.approx([1, factor, factor, factor**2, factor**2])
        assert tail.start == first


def test_lengths_are_multiples_of_1x_and_have_the_papers_epochs():
    for multiple, (length, _, _, epochs) in SCHEDULES.items():
        assert base.times(multiple) == (length,)
        assert length * 16 / base.TRAIN2017 == pytest.approx(epochs, abs=0.06)


def test_table_1_is_one_trunk():
    schedule = ALL["table1/r50-gn-scratch"].run.schedule
    assert schedule.lengths == tuple(SCHEDULES[k][0] for k in range(2, 7))
    assert (iterations(schedule), sum(schedule.lengths)) == (780_000, 1_800_000)


@pytest.mark.parametrize("name", TABLE_1)
def test_table_1_has_its_numbers(name: str):
    for length, value in zip(base.times(2, 3, 4, 5, 6), TABLE_1[name], strict=True):
        assert of(f"table1/{name}", "AP_box", length) == [value]
    assert of(f"table1/{name}", "AP_box") == [max(TABLE_1[name])] or "r101-gn-pretrain" in name


@pytest.mark.parametrize(
    ("name", "metric", "length", "values"),
    [
        ("table1/r50-gn-scratch", "AP75_box", None, [45.6]),
        ("table1/r101-gn-pretrain", "AP_mask", None, [37.2]),
        ("fig4/r50-syncbn-scratch", "AP_box", 540_000, [39.3]),
        ("fig4/r50-syncbn-scratch", "AP_box", 180_000, []),  # a curve only
        ("fig5/r50-cascade-scratch-tta", "AP_mask_augmented", None, [41.6]),
        ("fig5/r50-cascade-scratch-tta", "AP_box_augmented", None, []),  # a bar only
        ("fig5/r101-aug-scratch", "AP75_mask", None, [42.1]),
        ("fig5/r101-cascade-scratch", "AP_mask", 810_000, [40.5]),
        ("table3/x152-cascade-scratch-tta", "AP_box_augmented", None, [50.9]),
        ("table3/x152-cascade-scratch-tta", "AP_box", None, [48.6]),
        ("fig6/r50-keypoints-pretrain", "AP_keypoint", 180_000, [65.5]),
        ("fig6/r50-keypoints-pretrain", "AP_keypoint", 270_000, []),  # a curve only
        ("vgg/c5-scratch", "AP_box", 990_000, [35.2]),
        ("vgg/c5-pretrain", "AP_box", 810_000, [35.6]),
        ("fig7/35k-tuned-pretrain", "AP_box", 540_000, [36.3]),
        ("fig8/10k-pretrain", "AP_box", 60_000, [26.0]),
        ("fig8/10k-scratch", "AP_box", 220_000, [25.9]),
        ("fig8/3p5k-scratch", "AP_box", None, [9.3]),
        ("fig8/1k-scratch", "AP_box", None, [3.5, 3.4]),  # the text and the caption
        ("voc/r101-scratch", "mAP_voc12", 144_000, [77.6]),
        ("voc/r101-pretrain", "mAP_voc12", 18_000, [82.7]),
        ("ablation/r50-frozen-random-stem", "AP_mask", 270_000, [32.5]),
    ],
)
def test_other_tables_and_figures_have_theirs_and_no_guesses(
    name: str, metric: str, length: int | None, values: list[float]
):
    assert of(name, metric, length) == values


def test_what_is_only_in_pictures_or_not_in_the_paper_has_no_number():
    without = {name for name, recipe in ALL.items() if not recipe.paper}
    assert without == {
        *(f"fig5/r50-{system}" for system in ("aug-scratch", "aug-pretrain")),
        *(f"fig5/r50-{system}" for system in ("cascade-scratch", "cascade-pretrain")),
        *("fig5/r101-aug-pretrain", "fig5/r101-cascade-pretrain"),
        *(name for name in ALL if "/x101-" in name),
        *("vgg/fpn-scratch", "vgg/fpn-pretrain", "fig7/35k-default-pretrain"),
    }


@each
def test_each_number_says_how_it_is_known(recipe: Recipe):
    for row in recipe.paper:
        assert row.standing in get_args(Standing) and row.source


def test_a_number_of_unknown_standing_or_of_another_length_is_refused():
    with pytest.raises(ValueError, match="standing = 'memory'"):
        Published(metric="AP_box", value=40.0, length=None, standing="memory", source="")  # type: ignore[arg-type]
    recipe = ALL["table1/r50-gn-scratch"]
    stray = replace(recipe.paper[0], length=90_000)
    with pytest.raises(ValueError, match=r"paper = \{90000\}"):
        replace(recipe, paper=(stray,))


@each
def test_arms_are_known_and_differ_in_initial_weights_alone(recipe: Recipe):
    run = recipe.run
    assert (run.arm, run.init) in ((arm, BUILT_IN[arm]) for arm in ("scratch", "imagenet"))
    twin = ALL.get(recipe.name.replace("scratch", "pretrain"))
    if "scratch" in recipe.name and twin:
        expected = replace(run, arm="imagenet", init="imagenet", schedule=twin.run.schedule)
        assert twin.run == expected


def test_frozen_stages_are_named_and_random_ones_are_a_mistake():
    for name, recipe in ALL.items():
        run = recipe.run
        assert (run.model.body.frozen_stages > 0) == ("frozen" in name)
        assert run.frozen_random == recipe.mistake == name.startswith("ablation/")


def test_from_scratch_a_cascade_joins_late_and_pre_trained_it_is_there_at_once():
    for name, recipe in ALL.items():
        late = recipe.run.schedule.cascade_last
        assert bool(recipe.run.model.cascade) == ("cascade" in name)
        assert late == (270_000 if "cascade-scratch" in name else None)


@each
def test_its_cost_can_be_told(recipe: Recipe):
    hours = gpu_hours(recipe.run)
    assert hours and hours > 1
    assert images(recipe.run) == 16 * iterations(recipe.run.schedule)


def test_a_cascade_that_joins_late_costs_less():
    run = ALL["fig5/r50-cascade-scratch"].run
    throughout = replace(run, schedule=replace(run.schedule, cascade_last=None))
    plain = ALL["fig5/r50-aug-scratch"].run
    late, whole, none = (gpu_hours(r) or 0 for r in (run, throughout, plain))
    assert late - none == pytest.approx((whole - none) / 3)


def test_typos_list_near_matches():
    with pytest.raises(ValueError, match="did you mean table1/r50-gn-scratch,"):
        recipes.find("table1/r50-gn-scrach")
    with pytest.raises(ValueError, match="--list shows all"):
        recipes.find("zzz")


def test_notes_speak_of_the_recipe_that_they_stand_at():
    """One that varies another has its notes, but not those that are true of that one alone."""
    for name, recipe in ALL.items():
        said, run = " ".join(recipe.notes), recipe.run
        pretrained = run.init is not None
        assert ("R-101-GN.pkl" in said) == (pretrained and run.model.body.norm == "group"), name
        assert ("IMAGENET1K_V1" in said) == (pretrained and run.model.body.norm == "sync_batch"), (
            name
        )
        assert ("before NMS are ours" in said) == (not run.model.pyramid), name
        assert "the 9x of" not in said or run.schedule.lengths == (810_000,), name
        assert "the 6x of" not in said or run.schedule.lengths == (540_000,), name
        assert len(set(recipe.notes)) == len(recipe.notes), name
