"""`python -m study.train --workers 2` under Ray: the records of one worker, taken up and extended.

Only one Ray instance lives at a time.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from study.config import RunConfig, from_dict
from study.storage.run_dir import State, TrialDir
from tests.runs import complete, exact

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 240.0
SHAPES = ["--size", "12", "--tail", "4", "2", "--data.val-size", "6", "--device", "cpu"]
EXACT = ["--precision", "float64"]  # else rounding chooses between equal proposals


def train(run_dir: Path, *options: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "study.train", "--run-dir", str(run_dir), *SHAPES, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_two_workers_go_on_from_one_to_the_records_of_one(tmp_path: Path):
    run_dir = tmp_path / "two"
    status, out, err = train(run_dir, *EXACT, "--lengths", "8")
    assert (status, err) == (0, "")
    assert "8 iterations" in out
    trial = TrialDir(run_dir)
    assert trial.state is State.FINISHED

    status, out, err = train(run_dir, *EXACT, "--workers", "2", "--lengths", "8", "12")
    assert (status, err) == (0, "")
    assert "(before)" in out and "12 iterations" in out
    assert not (run_dir / ".tune").exists()

    alone = complete(tmp_path / "alone", from_dict(RunConfig, trial.config()["run"]))
    found, expected = exact(trial.records()), exact(alone.records())
    assert [record["length"] for record in found] == [8, 12]
    for one, other in zip(found, expected, strict=True):
        for key, value in other.items():
            if key == "done":  # the first was the last one when it was written
                continue
            if isinstance(value, float):
                points = 1e-4 if key.startswith("AP") else 0.0
                assert one[key] == pytest.approx(value, rel=1e-6, abs=points), key
            else:
                assert one[key] == value, key


@pytest.mark.slow
def test_more_workers_than_places_are_refused(tmp_path: Path):
    status, _, err = train(tmp_path / "many", "--workers", "64", "--batch-size", "64")
    assert status == 2
    assert "workers = 64: this machine has fewer CPU cores" in err and "Traceback" not in err
