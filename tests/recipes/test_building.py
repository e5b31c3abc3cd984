"""Recipes build at their full size, and train with all their parts on small images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study import recipes
from study.config import DataConfig, ModelConfig, RunConfig
from study.models.detector import Detector
from study.recipes import scaling
from study.storage.run_dir import Record
from study.training import engine
from tests.runs import trial

ALL = recipes.all()
SHARED = Path(__file__).parents[3] / "shared" / "data" / "coco_cc_by"

BODIES = {  # million parameters without the classifier
    "resnet50": 23.5,
    "resnet101": 42.5,
    "resnext101_32x8d": 86.7,
    "resnext152_32x8d": 120.3,  # 122.4 with it
    "vgg16": 14.7,
}


MODELS = {recipe.run.model: name for name, recipe in ALL.items()}  # many share theirs


@pytest.mark.parametrize("model", MODELS, ids=MODELS.values())
def test_a_recipe_builds_at_full_size_around_the_body_that_it_names(model: ModelConfig):
    with torch.device("meta"):
        detector = Detector(model, 80)
    body = sum(p.numel() for p in detector.backbone.body.parameters())
    assert body / 1e6 == pytest.approx(BODIES[model.body.name], abs=0.06)


def trained(run: RunConfig, tmp_path: Path, **changes: Any) -> list[Record]:
    """The records of the run reduced, from random weights: no network is needed.

    In narrow layers: `test_train` trains a recipe at its full width.
    """
    run = recipes.reduced(run, **changes)
    run = replace(run, model=run.model.but(name="resnet18", fpn_channels=64, box_fc=64))
    run = replace(run, arm="scratch", init=None, device="cpu")
    return list(engine.run(run, trial(tmp_path, run)))


@pytest.mark.slow
def test_a_cascade_trains_and_is_scored_with_augmentation(tmp_path: Path):
    run = recipes.find("fig5/r50-cascade-scratch-tta").run
    data = replace(scaling.EMBEDDED, val_size=1)  # each is scored in 10 versions
    *_, last = trained(run, tmp_path, data=data, short_px=32, size=4)
    losses = {name for name in last if name.startswith("loss_")}
    stages = {f"loss_{kind}_{stage}" for kind in ("classifier", "box") for stage in (1, 2, 3)}
    assert losses == stages | {"loss_objectness", "loss_rpn_box", "loss_mask"}
    scores = {f"AP{iou}_{kind}" for iou in ("", "50", "75") for kind in ("box", "mask")}
    assert scores | {f"{name}_augmented" for name in scores} <= last.keys()


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the excerpt of COCO beside the project")
def test_keypoints_train_on_real_persons(tmp_path: Path):
    data = DataConfig(
        name="coco",
        root=str(SHARED),
        train="annotations/person_keypoints_train2017.json",
        train_images="train2017",
        val="annotations/person_keypoints_val2017.json",
        val_images="val2017",
        tune_size=0,
        val_size=5,  # the first with persons on them
        annotated_only="keypoints",
    )
    run = recipes.find("fig6/r50-keypoints-scratch").run
    # the head's eight convolutions of 512 channels take a minute
    run = replace(run, model=replace(run.model, keypoint_convs=1, keypoint_channels=32))
    *_, last = trained(run, tmp_path, data=data, size=2)
    assert last["loss_keypoint"] > 0
    assert last["AP_keypoint"] is not None
