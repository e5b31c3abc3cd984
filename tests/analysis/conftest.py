"""Studies that the tests share; they only read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import analysis
from study.config import Scientific
from tests.analysis.incomplete import INCOMPLETE
from tests.analysis.synthetic import SPACE, Truth, write_study

Incomplete = Callable[[str], analysis.Results]


@pytest.fixture(scope="package", autouse=True)
def disk_that_need_not_survive_a_crash() -> Iterator[None]:
    """Hundreds of trials are written here; waiting for the disk would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms, three sizes, eight trials each, four confirmation runs each."""
    path = tmp_path_factory.mktemp("finished") / "run"
    write_study(path, rng=np.random.default_rng(0))
    return path


@pytest.fixture(scope="package")
def results(finished: Path) -> analysis.Results:
    return analysis.load(finished)


@pytest.fixture(scope="package")
def everything(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    """A study with all that a sweep can run: audits, a strip beyond a range, cross-tuning."""
    path = tmp_path_factory.mktemp("everything") / "run"
    space = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
    write_study(
        path,
        truth=Truth(lr_of={"pretext": 0.01}),
        space=space,
        confirm=3,
        cross=2,
        audits=True,
        strip=True,
        rng=np.random.default_rng(3),
    )
    return analysis.load(path)


@pytest.fixture(scope="package")
def incomplete(tmp_path_factory: pytest.TempPathFactory) -> Incomplete:
    """An incomplete study by its name."""

    @cache
    def load(name: str) -> analysis.Results:
        path = tmp_path_factory.mktemp("incomplete") / "run"
        INCOMPLETE[name](path)
        return analysis.load(path)

    return load
