"""A backbone's entry says all about it: what it can be, and what is refused before torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from study import recipes
from study.commands.options.spaces import find, names
from study.config import R50_FPN, TINY, ModelConfig
from study.models import backbones, features
from study.models.detector import Detector

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("backbone", backbones.all(), ids=lambda backbone: backbone.name)
VGG = R50_FPN.but(name="vgg16", norm="none")


@pytest.mark.parametrize(
    "module",
    ["study.models.backbones", "study.models.weights.available", "study.commands.options.models"],
)
def test_backbones_are_named_and_checked_without_torch(module: str):
    program = (
        f"import sys, {module}; from study.models import backbones; from study.config import TINY;"
        "backbones.require(TINY); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_an_unknown_backbone_is_refused_with_the_list_of_all():
    every = ", ".join(backbones.names())
    for model in (TINY.but(name="resnet34"), TINY.but(name="")):
        for refuse in (backbones.require, lambda own: Detector(own, 3)):
            with pytest.raises(ValueError, match=f"model.body.name = .*one of {every}"):
                refuse(model)


def strings(path: Path) -> set[str]:
    """All that a module says in quotes, but for its docstrings."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.slow
def test_no_other_module_knows_a_backbone_by_name():
    """But for values: the defaults of the configuration, and runs of the paper."""
    places = ("study/models/backbones/", "study/config/", "study/recipes/paper/")
    knowing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "study").rglob("*.py")
        if strings(path) & set(backbones.names())
    ]
    assert [path for path in knowing if not path.startswith(places)] == []


def test_the_configurations_values_have_the_bodies_of_the_entries():
    assert TINY.body == backbones.find("thin").body
    assert R50_FPN.body == backbones.find("resnet50").body


@each
def test_an_entry_tells_the_truth(backbone: backbones.Backbone):
    with torch.device("meta"):
        body = features.body(backbone.body)
        x, found = torch.empty(1, 3, 64, 64), {}
        if backbone.read:
            found = dict(zip(backbone.outputs, backbone.read(body.eval(), x), strict=True))
        else:
            for name, module in body.named_children():
                found[name] = x = module(x)
        detector = Detector(backbones.leveled(replace(R50_FPN, body=backbone.body)), 3)
    for output, stride, channels in zip(
        backbone.outputs, backbone.strides, backbone.channels, strict=True
    ):
        assert found[output].shape == (1, channels, 64 // stride, 64 // stride)
    assert body.state_dict()[backbone.first].shape[1] == 3
    parts = {part for stage in backbone.stages for part in stage}
    within = {
        next((part for part in parts if name.startswith(f"{part}.")), name)
        for name, _ in body.named_parameters()
    }
    assert within == parts
    assert backbone.body.norm in backbone.norms
    assert len(detector.rpn.anchor_generator.sizes) == len(backbone.strides) + 1


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (VGG.but(norm="group"), r"model\.body\.norm = 'group': vgg16 can have none"),
        (VGG.but(stride_1x1=True), r"stride_1x1 = True: only for resnet50 and resnet101"),
        (TINY.but(stride_1x1=True), r"stride_1x1 = True: only for resnet50 and resnet101"),
        (
            R50_FPN.but(name="resnext101_32x8d", stride_1x1=True),
            r"model\.body\.stride_1x1 = True: only for resnet50 and resnet101",
        ),
        (TINY.but(pyramid=False, masks=False), r"model\.pyramid = False: only vgg16 can go"),
        (R50_FPN.but(pyramid=False, masks=False), r"model\.pyramid = False: only vgg16 can go"),
        (TINY.but(frozen_stages=5), r"model\.body\.frozen_stages = 5: thin has 4 stages"),
        (TINY.but(anchor_px=(16, 32)), r"anchor_px = \(16, 32\): one size for each of the 4"),
    ],
)
def test_what_a_backbone_cannot_be_is_refused_before_and_when_it_is_built(
    model: ModelConfig, said: str
):
    with pytest.raises(ValueError, match=said):
        backbones.require(model)
    with pytest.raises(ValueError, match=said), torch.device("meta"):
        Detector(model, 3)


def test_what_a_backbone_can_be_is_not_refused():
    backbones.require(VGG.but(pyramid=False, masks=False, anchor_px=(32, 64)))
    backbones.require(R50_FPN.but(name="resnet101", stride_1x1=True, norm="frozen_batch"))


@pytest.mark.parametrize("recipe", recipes.all().values(), ids=list(recipes.all()))
def test_every_recipe_suits_its_backbone(recipe: recipes.Recipe):
    backbones.require(recipe.run.model)
    backbones.require(recipes.reduced(recipe.run).model)


@pytest.mark.parametrize("name", names())
def test_every_search_space_suits_its_backbone(name: str):
    backbones.require(find(name).fixed.model)


def test_anchors_are_laid_anew_where_there_are_more_levels_or_fewer():
    more = backbones.leveled(replace(TINY, body=R50_FPN.body))
    fewer = backbones.leveled(replace(R50_FPN, body=TINY.body))
    assert (len(more.anchor_px), len(fewer.anchor_px)) == (5, 4)
    for before, after in ((TINY, more), (R50_FPN, fewer)):
        assert (after.anchor_px[0], after.anchor_px[-1]) == (
            before.anchor_px[0],
            before.anchor_px[-1],
        )
        ratios = [b / a for a, b in pairwise(after.anchor_px)]
        assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=0.01)
        assert after == replace(before, body=after.body, anchor_px=after.anchor_px)
    assert backbones.leveled(TINY) is TINY
    single = VGG.but(pyramid=False, masks=False, anchor_px=(32, 64))
    assert backbones.leveled(single) is single
