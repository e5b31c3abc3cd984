"""What a session decodes: all of a run's images at its start, or only those that it will see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config import EvaluationConfig, RunConfig
from study.data.batches import decoded
from study.training import engine, speed
from study.training.workers import World
from tests.runs import TINY_RUN, mixed_shapes, trial


@pytest.fixture
def few(tmp_path: Path) -> RunConfig:
    """A run on a data set that is quickly made, for the cache below is empty."""
    return replace(TINY_RUN, data=mixed_shapes(tmp_path / "data", train=48, val=6))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are decoded, in order."""
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    found: list[Path] = []
    own = decoded.read_rgb

    def reading(file: Path, *how: Any) -> np.ndarray:
        found.append(file)
        return own(file, *how)

    monkeypatch.setattr(decoded, "read_rgb", reading)
    return found


@pytest.mark.slow
def test_a_run_has_all_its_images_at_its_start(few: RunConfig, tmp_path: Path, made: list[Path]):
    """Those it is evaluated on too, at each size of test-time augmentation."""
    run = replace(few, evaluation=EvaluationConfig(short_px=(64,)))
    session = engine.Session(run, trial(tmp_path / "run", run), World())
    assert len(made) == 12 + 2 * 6
    session.batches.at(0)
    session.score(session.splits)
    assert len(made) == 12 + 2 * 6


@pytest.mark.slow
def test_a_speed_is_measured_on_the_images_that_it_takes(few: RunConfig, made: list[Path]):
    run = replace(few, size=40)
    assert speed.measure(run, iterations=3, evaluates=False).images_per_second > 0
    assert len(made) <= 16  # of three iterations of 4, and of the one that is made ahead
    speed.measure(run, iterations=3)
    assert len(made) <= 16 + 2 * 6  # and of two splits
