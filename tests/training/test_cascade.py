"""A run that becomes a cascade on the way: plain before, exact across, itself after."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from study.config import RunConfig
from study.config.schedule import legs
from study.models import initialisation
from study.storage.run_dir import TrialDir
from study.training import engine
from study.training.workers import World
from tests.runs import TINY_RUN, complete, exact, trial, weights

SMALL = replace(TINY_RUN.model, proposals=(40, 20), roi_samples=24)
PLAIN_RUN = replace(
    TINY_RUN,
    model=replace(SMALL, class_agnostic=True),
    schedule=replace(
        TINY_RUN.schedule, lengths=(8,), tail=(3, 1), watch=(2, 5), watched=("trunk",)
    ),
)
SWITCH = 3  # the first iteration with all stages; on the trunk, which ends with the fifth
CASCADE_RUN = replace(
    PLAIN_RUN,
    model=replace(PLAIN_RUN.model, cascade=(0.5, 0.6, 0.7)),
    schedule=replace(PLAIN_RUN.schedule, cascade_last=8 - SWITCH),
)


def halted(folder: Path, config: RunConfig, records: int) -> TrialDir:
    """The trial of a run that was closed after so many records."""
    directory = trial(folder, config)
    run = engine.run(config, directory)
    for _ in range(records):
        next(run)
    run.close()
    return directory


def saved(directory: TrialDir) -> dict[str, Any]:
    content = directory.load("trunk")
    assert content is not None
    return torch.load(io.BytesIO(content), weights_only=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    return complete(tmp_path_factory.mktemp("cascade"), CASCADE_RUN)


@pytest.mark.slow
def test_before_the_switch_it_is_the_plain_run(tmp_path: Path):
    staged = halted(tmp_path / "staged", CASCADE_RUN, records=1)
    plain = halted(tmp_path / "plain", PLAIN_RUN, records=1)
    ours, theirs = saved(staged), saved(plain)
    assert ours["iteration"] == theirs["iteration"] == 2
    for name, value in theirs["detector"].items():
        assert torch.equal(ours["detector"].pop(name), value), name
    fresh = initialisation.build(CASCADE_RUN, 8)[0].state_dict()
    assert ours["detector"]  # the later stages
    for name, value in ours["detector"].items():
        assert name.startswith("roi_heads.later.")
        assert torch.equal(value, fresh[name]), name
    momenta = [own["optimiser"]["state"] for own in (ours, theirs)]
    assert len(momenta[0]) == len(momenta[1])
    (own,), (reference,) = staged.records(), plain.records()
    assert own["loss"] == reference["loss"]
    assert (own["loss_box_1"], own["loss_mask"]) == (reference["loss_box"], reference["loss_mask"])
    for metric in ("AP50_box", "AP50_mask"):  # the first stage alone is evaluated
        assert own[metric] == reference[metric]


def test_after_the_switch_every_stage_is_trained(undisturbed: TrialDir):
    early, late, end = undisturbed.records()
    assert "loss_box_1" in early and "loss_box_2" not in early
    assert late["loss_box_2"] > 0 and end["loss_classifier_3"] > 0
    fresh = initialisation.build(CASCADE_RUN, 8)[0].state_dict()
    (content,) = weights(undisturbed).values()
    trained = safetensors.torch.load(content)
    for name, value in trained.items():
        if name.startswith("roi_heads.later.") and "weight" in name:
            assert not torch.equal(value, fresh[name]), name


# before and after the switch
@pytest.mark.slow
@pytest.mark.parametrize("records", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_it_resumes_exactly_across_the_switch(undisturbed: TrialDir, tmp_path: Path, records: int):
    halted(tmp_path, CASCADE_RUN, records)
    resumed = complete(tmp_path, CASCADE_RUN)
    assert exact(resumed.records()) == exact(undisturbed.records())
    assert weights(resumed) == weights(undisturbed)


def test_an_evaluation_right_after_resuming_knows_the_stages(tmp_path: Path):
    """The last step was taken by another process: the switch is a function of the iteration."""
    directory = halted(tmp_path, CASCADE_RUN, records=1)
    session = engine.Session(CASCADE_RUN, directory, World())
    walk = legs(CASCADE_RUN.schedule)
    session.enter(walk[0], walk)
    assert session.state.detector.every_stage
    session.evaluate(walk[0], "trunk", done=False)
    assert not session.state.detector.every_stage
