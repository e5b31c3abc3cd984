"""`python -m study.train --workers 2` under Ray: the records of one worker, taken up and extended.

Only one Ray instance lives at a time.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import ray

from study import train
from study.cluster import single
from study.commands.common import BAD_INPUT, DONE
from study.config import RunConfig, from_dict
from study.storage.run_dir import State, TrialDir
from tests.runs import complete, exact

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 240.0
SHAPES = ["--size", "12", "--tail", "4", "2", "--data.val-size", "6", "--device", "cpu"]


@pytest.mark.slow
def test_two_workers_go_on_from_one_and_give_its_records(tmp_path: Path):
    """Where two begin, see `test_objects.py`."""
    run_dir = tmp_path / "two"
    options = ["--run-dir", str(run_dir), *SHAPES, "--lengths", "8"]
    assert train.main(options) == DONE
    trial = TrialDir(run_dir)
    assert trial.state is State.FINISHED

    done = subprocess.run(
        [sys.executable, "-m", "study.train", *options, "12", "--workers", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "8 iterations" in done.stdout and "(before)" in done.stdout
    assert "12 iterations" in done.stdout and trial.state is State.FINISHED
    assert {event["workers"] for event in trial.events() if "workers" in event} == {1, 2}
    assert not (run_dir / ".tune").exists()

    alone = complete(tmp_path / "alone", from_dict(RunConfig, trial.config()["run"]))
    found, expected = exact(trial.records()), exact(alone.records())
    assert [record["length"] for record in found] == [8, 12]
    for one, other in zip(found, expected, strict=True):
        for key, value in other.items():
            if key == "done":  # the first was the last one when it was written
                continue
            if isinstance(value, float):
                # rounding decides between equal proposals now and then: seen 4e-4 of a loss
                points = 0.5 if key.startswith("AP") else 0.0
                assert one[key] == pytest.approx(value, rel=3e-3, abs=points), key
            else:
                assert one[key] == value, key


def test_more_workers_than_places_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As Ray counts this machine's cores; it need not be started to know what follows."""
    monkeypatch.setattr(single, "cluster", lambda _workers: contextlib.nullcontext(True))
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    options = ["--workers", "64", "--batch-size", "64"]
    assert train.main(["--run-dir", str(tmp_path), *SHAPES, *options]) == BAD_INPUT
    err = capsys.readouterr().err
    assert "workers = 64: this machine has fewer CPU cores" in err and "Traceback" not in err
