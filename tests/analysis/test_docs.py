"""The documented way to read a study runs, on a study that lies where it says."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "reading.py"


@pytest.mark.slow
def test_the_example_runs(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("MPLBACKEND", "agg")  # no window
    shutil.copytree(finished, tmp_path / "runs" / "demo")
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(EXAMPLE))
    assert len(found["answer"]) == 3
    assert "pretext beats scratch" in capsys.readouterr().out
    assert (tmp_path / "learning.png").stat().st_size > 10_000
