"""What cannot be logged is refused in a line, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.commands.common import BAD_INPUT
from study.commands.options import log_to
from study.commands.options.log_to import PACKAGES, Kind, require
from study.commands.options.parsing import parsed
from study.commands.options.sweep import Sweep
from study.storage import opened
from study.sweep import main


class Elsewhere:
    """A run directory on an object store, which nobody need ask for this."""

    folder = None

    def __str__(self) -> str:
        return "s3://bucket/study"


S3: Any = Elsewhere()


def test_log_to_may_be_given_as_a_list_and_several_times():
    arguments = ["--run-dir", "r", "--log-to", "tensorboard", "mlflow", "--log-to", "wandb"]
    assert parsed(Sweep, arguments, "sweep").logs == ("tensorboard", "mlflow", "wandb")
    twice = parsed(Sweep, [*arguments, "--log-to", "mlflow"], "sweep")
    assert twice.logs == ("tensorboard", "mlflow", "wandb")
    assert parsed(Sweep, ["--run-dir", "r"], "sweep").logs == ()


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_missing_package_is_named_with_what_brings_it(
    kind: Kind,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(log_to, "find_spec", lambda _: None)
    run_dir = tmp_path / "study"
    assert main(["--run-dir", str(run_dir), "--log-to", kind]) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--log-to = {kind}" in line and f"pip install {PACKAGES[kind][1]}," in line
    assert not run_dir.exists()


def test_wandb_needs_somebody_who_is_logged_in_or_to_be_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(log_to, "_logged_in", lambda: False)
    with pytest.raises(ValueError, match="`wandb login`, set WANDB_API_KEY, or set WANDB_MODE"):
        require(["wandb"], opened(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    require(["wandb"], opened(tmp_path))


@pytest.mark.parametrize("kind", PACKAGES)
def test_files_are_not_written_beside_a_run_directory_on_an_object_store(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ValueError, match=f"log_to = {kind}: .* {S3} is on an object store"):
        require([kind], S3)


def test_servers_are_told_of_a_run_directory_on_an_object_store(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(log_to, "_logged_in", lambda: True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    require(["wandb", "mlflow"], S3)
