"""Faults without Ray: which come, what damage is, how the table counts; ten are run elsewhere."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.chaos import damage
from benchmarks.chaos.__main__ import drawn
from benchmarks.chaos.course import Told
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.session import ROOT
from benchmarks.chaos.table import lines
from study.storage.run_dir import State, StudyDir


def test_every_kind_comes_as_often_and_the_seed_decides_the_order():
    of = {seed: [*drawn(60, seed, groups=False, disk=True)] for seed in (0, 1)}
    assert of[0] == [*drawn(60, 0, groups=False, disk=True)] != of[1]
    times = Counter(of[0])
    assert set(times) == {name for name, fault in FAULTS.items() if not fault.groups}
    assert max(times.values()) - min(times.values()) <= 1
    assert "disk full" not in [*drawn(60, 0, groups=True, disk=False)]
    assert "dashboard killed" in [*drawn(60, 0, groups=True, disk=False)]


def test_damage_is_of_trials_under_way_and_a_torn_line_is_not_read(tmp_path: Path):
    study, rng = StudyDir(tmp_path), random.Random(0)
    for trial_id, state in (("ended", State.FINISHED), ("runs", State.RUNNING)):
        trial = study.trial(trial_id)
        trial.write_config({"role": "tune", "run": {}})
        trial.append({"AP_box": 1.0})
        trial.mark(state)
        trial.store.write("trunk.pt", bytes(100))
    before, trial = study.trial("runs").records(), study.trial("runs")
    for change in (damage.tear_records, damage.tear_events, damage.cut_checkpoint):
        assert (change(study, rng) or "").startswith("runs/")
    assert trial.records() == before and trial.state is State.RUNNING
    assert trial.store.read("trunk.pt") == bytes(50)
    assert damage.flip_bit(study, rng)
    content = trial.store.read("trunk.pt") or b""
    assert sum(byte.bit_count() for byte in content) == 1
    assert study.trial("ended").store.read("trunk.pt") == bytes(100)
    trial.mark(State.FINISHED)
    assert damage.flip_bit(study, rng) is None


def test_the_table_counts_by_kind():
    told = [
        Told("GCS killed", 0.0, [], 10.0, 1.0),
        Told("GCS killed", 0.0, ["lock: process 1"], 30.0, 2.0),
        Told("clock jumps", 0.0, [], None, None),
    ]
    rows = lines(told)
    assert rows[2:] == [
        "| GCS killed | 2 | 1 | 20.0 | 30.0 | 2.0 |",
        "| clock jumps | 1 | 1 |  |  |  |",
        "| all | 3 | 2 | 20.0 | 30.0 | 2.0 |",
    ]


def test_a_process_sees_the_clock_that_was_moved(tmp_path: Path):
    clock = tmp_path / "clock"
    clock.write_text("86400.0")
    code = "import time, datetime; print(time.time() - datetime.datetime.now().timestamp())"
    environment = {
        "PYTHONPATH": str(ROOT / "benchmarks" / "chaos" / "clock"),
        "CHAOS_CLOCK": str(clock),
    }
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert abs(float(said.stdout) - 86400.0) < 60.0
