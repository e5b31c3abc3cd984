"""What nobody else may know is in no line that is printed, and in no file that is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.__main__ import main as analyse
from study import sweep
from study.commands import machine
from study.commands.options.sweep import Sweep, design
from study.commands.recorded import manifest
from study.data.splits import open_splits
from study.storage.run_dir import StudyDir
from tests.commands.test_bill import SPEED

PLANTED = "hunter2-9f3a"
ENVIRONMENT = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN"),
    *("WANDB_API_KEY", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "RAY_AUTH_TOKEN"),
    *("AZURE_STORAGE_KEY", "GOOGLE_APPLICATION_CREDENTIALS"),
)
ADDRESSES = (
    f"https://user:{PLANTED}@127.0.0.1:9/x.pth",
    f"https://127.0.0.1:9/x.pth?token={PLANTED}",
    f"https://127.0.0.1:9/x.pth?a=b&X-Amz-Signature={PLANTED}&X-Amz-Date=1",
)
STORES = (
    f"s3://key:{PLANTED}@bucket/run",
    f"s3://bucket/run?secret_key={PLANTED}",
    f"abfs://container:{PLANTED}@account/run",
    f"ftp://user:{PLANTED}@host/run",
)


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, PLANTED)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://user:{PLANTED}@127.0.0.1:9")
    monkeypatch.setenv("WANDB_MODE", "offline")
    yield


def written(folder: Path) -> str:
    """All that lies in a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.mark.parametrize("command", ["sweep", "train"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_a_secret_is_refused_without_repeating_it(
    command: str, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from study import train

    run_dir = ["--run-dir", str(tmp_path / "run")]
    if command == "sweep":
        status = sweep.main(["shapes", *run_dir, "--arms", f"mine={address}"])
    else:
        status = train.main([*run_dir, "--arm", f"mine={address}"])
    said = "".join(capsys.readouterr())
    assert status == 2 and "give its path" in said and PLANTED not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_a_run_directory_with_a_secret_is_refused_without_repeating_it(
    store: str, more: list[str], capsys: pytest.CaptureFixture[str]
):
    assert sweep.main(["shapes", "--run-dir", store, *more]) == 2
    assert sweep.main(["--status", store]) == 2
    assert PLANTED not in "".join(capsys.readouterr())


@pytest.mark.slow
def test_a_study_tells_nothing_of_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Its manifest, its status, its report and what is printed; `command` as one has typed it."""
    asked = Sweep(space="shapes", run_dir=str(tmp_path / "run"), log_to=(("mlflow", "wandb"),))
    typed = ["study.sweep", "--run-dir", f"s3://b/x?token={PLANTED}", *ADDRESSES]
    own = design(asked)
    study = StudyDir(tmp_path / "run")
    study.open(manifest(own, open_splits(own.space.fixed.data), asked, typed))
    assert "token=***" in json.dumps(study.manifest)
    sweep.main(["--status", str(tmp_path / "run")])
    assert analyse([str(tmp_path / "run"), "--all"]) == 0
    assert "***" in (tmp_path / "run" / "report" / "index.html").read_text()
    assert PLANTED not in "".join(capsys.readouterr())
    assert PLANTED not in written(tmp_path)


def test_neither_does_a_dry_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(machine, "worker_speed", lambda *_: SPEED)
    command = ["shapes", "--run-dir", str(tmp_path / "run"), "--dry-run", "--log-to", "mlflow"]
    assert sweep.main(command) == 0
    assert PLANTED not in "".join(capsys.readouterr()) + written(tmp_path)
