"""The run directory survives kills, refuses another question, and has one owner at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.storage import Busy
from study.storage.run_dir import DifferentQuestion, State, StudyDir, TrialDir


def test_torn_line_is_dropped_and_overwritten(tmp_path: Path):
    trial = TrialDir(tmp_path)
    trial.append({"a": 1})
    with (tmp_path / "records.jsonl").open("ab") as file:
        file.write(b'{"a": 2, "b"')  # a kill in the middle of a write
    assert trial.records() == [{"a": 1}]
    trial.append({"a": 3})
    assert trial.records() == [{"a": 1}, {"a": 3}]


def test_state_is_the_last_event(tmp_path: Path):
    trial = TrialDir(tmp_path / "scratch-24-t000")
    assert trial.state is None
    trial.mark(State.RUNNING, iteration=5)
    trial.mark(State.STOPPED)
    assert trial.state is State.STOPPED
    assert [event["state"] for event in trial.events()] == ["running", "stopped"]


def test_another_question_is_refused_by_name(tmp_path: Path):
    study = StudyDir(tmp_path)
    question = {"sizes": [24], "nuisance": {"ranges": {"lr": {"low": 0.01, "high": 0.1}}}}
    study.open({"question": question, "budget": {"trials": 4}})
    study.open({"question": question, "budget": {"trials": 8}})  # a larger budget extends
    assert study.manifest["budget"] == {"trials": 8}
    other = {"sizes": [24], "nuisance": {"ranges": {"lr": {"low": 0.01, "high": 0.2}}}}
    with pytest.raises(DifferentQuestion, match=r"nuisance.ranges.lr.high: there 0.1, now 0.2"):
        study.open({"question": other, "budget": {"trials": 8}})


def test_folder_without_a_study_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no study"):
        _ = StudyDir(tmp_path).manifest


def test_checkpoint_is_whole_or_absent(tmp_path: Path):
    trial = TrialDir(tmp_path / "t")
    assert trial.load("trunk") is None
    trial.save("trunk", b"one")
    trial.save("trunk", b"two")
    assert trial.load("trunk") == b"two"
    assert sorted(path.name for path in trial.path.iterdir()) == ["trunk.before.pt", "trunk.pt"]


def test_what_killed_writers_left_goes_when_the_trial_is_taken_up(tmp_path: Path):
    trial = TrialDir(tmp_path)
    trial.save("trunk", b"whole")
    for torn in (".trunk.pt.123", ".tail.pt.124", ".weights-tail-8.safetensors.124"):
        (tmp_path / torn).write_bytes(b"in part")
    with trial.lock():
        assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["trunk.pt"]


def test_lock_is_held_against_another_process_and_freed_by_its_death(tmp_path: Path):
    code = (
        "import sys, time; from study.storage.run_dir import TrialDir\n"
        "with TrialDir(sys.argv[1]).lock(0):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=str(holder.pid)), TrialDir(tmp_path).lock(0):
        pass
    holder.kill()
    holder.wait()
    with TrialDir(tmp_path).lock(5):
        pass


def test_the_init_report_of_an_earlier_version_is_read(tmp_path: Path):
    trial = TrialDir(tmp_path)
    assert trial.init_report() == {}
    older = {"rpn": {"loaded": 0, "random": 3, "frozen": 0}}
    (tmp_path / "init_audit.json").write_text(json.dumps(older))
    assert trial.init_report() == older
    trial.write_init_report({"rpn": {"loaded": 3, "random": 0, "frozen": 0}})
    assert trial.init_report()["rpn"]["loaded"] == 3
