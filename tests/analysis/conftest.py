"""One finished study that the tests share; they only read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import analysis
from tests.analysis.synthetic import write_study


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms, three sizes, eight trials each, four confirmation runs each."""
    path = tmp_path_factory.mktemp("finished") / "run"
    write_study(path, rng=np.random.default_rng(0))
    return path


@pytest.fixture(scope="session")
def results(finished: Path) -> analysis.Results:
    return analysis.load(finished)
