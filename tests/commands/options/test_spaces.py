"""The spaces that come along: arms that have weights, the recipes' settings, copies of them."""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search_spaces import _paper
from study import recipes
from study.commands.options.spaces import find, names
from study.config import SearchSpace, to_dict
from study.config.arms import parse
from study.models import backbones
from study.models.weights import available
from study.recipes import cost

FOLDER = Path(_paper.__file__).parent
RECIPES = {  # the run of the paper that each space asks about
    "coco_35k": "fig7/35k-tuned-scratch",
    "coco_10k": "fig8/10k-scratch",
    "coco_1k": "fig8/1k-scratch",
    "voc": "voc/r101-scratch",
}
OF_A_STUDY = {  # set for each trial, or tuned; a recipe has one value and reports at once
    *("size", "split", "data.tune_size", "keep_weights"),
    *("optim.lr", "optim.weight_decay"),
    "compute",  # bfloat16, for the GPUs of today
    *("schedule.lengths", "schedule.factors", "schedule.watch", "schedule.watched"),
}
WITH_OTHERS = {  # what else differs
    "coco_35k": set(),
    "coco_10k": set(),
    "coco_1k": set(),
    "voc": {"model.body.norm"},  # its ImageNet weights have BatchNorm
}

OF_DETECTRON = {  # what the spaces share, by the names that a configuration has
    "data.annotated_only": "objects",
    "model.fidelity": "detectron",
    "model.short_px": 800,
    "model.long_px": 1333,
    "optim.batch_size": 16,
    "optim.momentum": 0.9,
    "optim.weight_decay": 1e-4,
    "optim.clip_norm": None,
    "schedule.warmup": 500,
}


def fields(config: Any, before: str = "") -> dict[str, Any]:
    """Every value of a configuration by its dotted name."""
    if not isinstance(config, dict):
        return {before: config}
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= fields(value, f"{before}.{key}".lstrip("."))
    return found


def fixed(space: SearchSpace) -> dict[str, Any]:
    return fields(to_dict(space.fixed))


def test_what_spaces_share_is_no_space():
    assert names() == [
        "coco_10k",
        "coco_1k",
        "coco_35k",
        "crossover",
        "custom",
        "photos",
        "shapes",
        "voc",
    ]
    with pytest.raises(ValueError, match=r"space = '_paper': no such search space"):
        find("_paper")


@pytest.mark.parametrize("name", names())
def test_every_arm_has_weights_for_its_model(name: str):
    space = find(name)
    backbones.require(space.fixed.model)
    for text in space.scientific.arms:
        arm = parse(text)
        available.require(replace(space.fixed, arm=arm.name, init=arm.init))


def test_on_voc_the_papers_own_norm_has_no_published_weights():
    run = find("voc").fixed
    with pytest.raises(ValueError, match="no ImageNet weights with GroupNorm for 'resnet101'"):
        available.require(replace(run, model=run.model.but(norm="group"), init="imagenet"))


@pytest.mark.parametrize("name", RECIPES)
def test_fields_are_the_recipes_but_for_those_listed(name: str):
    ours, theirs = fixed(find(name)), fields(to_dict(recipes.find(RECIPES[name]).run))
    assert ours.keys() == theirs.keys()
    differing = {field for field in ours if ours[field] != theirs[field]}
    assert differing - OF_A_STUDY == WITH_OTHERS[name]


@pytest.mark.parametrize("name", RECIPES)
def test_fields_are_detectrons(name: str):
    ours = fixed(find(name))
    assert {field: ours[field] for field in OF_DETECTRON} == OF_DETECTRON
    full = fields(to_dict(recipes.find("table1/r50-gn-scratch").run))
    assert {field: full[field] for field in OF_DETECTRON} == OF_DETECTRON


@pytest.mark.parametrize(
    ("name", "span"),
    [
        *((name, (512, 800)) for name in ("coco_35k", "coco_10k", "coco_1k")),
        ("voc", (640, 800)),
    ],
)
def test_training_images_have_the_shorter_sides_that_the_docstring_says(
    name: str, span: tuple[int, int]
):
    assert find(name).fixed.model.train_short_px == span
    assert f"[{span[0]}, {span[1]}]" in (FOLDER / f"{name}.py").read_text()


def test_voc_has_boxes_alone_and_its_own_metric():
    run = find("voc").fixed
    assert (run.model.masks, run.evaluation.metric) == (False, "voc")
    assert run.model.body.norm == "sync_batch"


@pytest.mark.parametrize("name", RECIPES)
def test_the_range_of_the_search_holds_the_recipes_values(name: str):
    run, nuisance = recipes.find(RECIPES[name]).run, find(name).nuisance
    for hyper in nuisance.names:
        value = getattr(run.optim, hyper)
        assert nuisance.ranges[hyper].low <= value <= nuisance.ranges[hyper].high
    assert set(run.schedule.factors) <= set(nuisance.factors)


@pytest.mark.parametrize("name", RECIPES)
def test_the_assumed_speed_is_that_of_the_recipes(name: str):
    space = find(name)
    speed = cost.speed(space.fixed.model)
    assert speed and space.assumed_speed == math.floor(speed)


@pytest.mark.parametrize("name", RECIPES)
def test_a_copy_elsewhere_is_the_same_space(name: str, tmp_path: Path):
    copy = tmp_path / "mine.py"
    text = (FOLDER / f"{name}.py").read_text()
    copy.write_text(text)
    assert find(str(copy)) == find(name)
    assert "_paper.py" in text  # where a copy finds the rest
    copy.write_text(text.replace("    size=", "    size=2_000 + 0 * "))
    assert find(str(copy)).scientific.sizes == (2_000,)


def test_what_is_said_of_copies_works(tmp_path: Path):
    said = (_paper.__doc__ or "").split("any of it:\n\n")[1].split("\n\n")[0]
    lines = [
        *("from dataclasses import replace", "from search_spaces._paper import space"),
        *("from study.config import Budget", textwrap.dedent(said)),
    ]
    copy = tmp_path / "mine.py"
    copy.write_text("\n".join(lines))
    mine = find(str(copy))
    assert (mine.name, mine.scientific.sizes, mine.budget.trials) == ("mine", (2_000,), 16)
    assert mine.fixed.optim.clip_norm == 10.0
    assert mine.fixed.model == find("coco_10k").fixed.model
