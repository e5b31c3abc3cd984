"""A finished study of seconds, and the detector that is made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from study import train
from study.commands.common import DONE
from study.config import Budget, LogUniform, Nuisance, Scientific, SearchSpace
from study.config.arms import Arm
from study.planning.design import Design
from study.storage.run_dir import StudyDir
from tests.runs import TINY_RUN, mixed_shapes, study_without_ray


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyDir:
    """Two arms, each tuned once and confirmed once."""
    folder = tmp_path_factory.mktemp("of_a_detector")
    data = mixed_shapes(folder / "images", train=30, val=6)
    space = SearchSpace(
        name="mixed",
        scientific=Scientific(arms=("scratch", "pretext"), sizes=(12,)),
        nuisance=Nuisance(
            ranges={
                "lr": LogUniform(low=0.019, high=0.021),
                "weight_decay": LogUniform(low=1e-5, high=1e-2),
            },
            lengths=(6,),
        ),
        fixed=replace(TINY_RUN, data=data, keep_weights=False),
        budget=Budget(trials=1, confirm=1, cross=0, audit=0.0, extend=0),
    )
    arms = (Arm("scratch", None), Arm("pretext", "pretext"))
    asked = Design(space=space, arms=arms, budget=space.budget, stopping=None)
    return study_without_ray(asked, folder / "run")


@pytest.fixture(scope="session")
def detector(study: StudyDir, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the detector that the study prefers."""
    out = tmp_path_factory.mktemp("preferred") / "detector"
    arguments = ["--best", str(study.path), "--out", str(out), "--device", "cpu"]
    assert train.main(arguments) == DONE
    return out
