"""Runs and studies on an object store: the same numbers, the same few checkpoints, read alike."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.__main__ import main as analyse
from analysis.serving.watching import stamp
from study.commands.status import report
from study.config import Scientific
from study.config.arms import parse
from study.planning.design import Design
from study.planning.stopping import Halving, Stopping
from study.storage.folder import FolderStore
from study.storage.run_dir import State, StudyDir, TrialDir
from study.sweep import main as sweep
from study.training import engine
from tests.analysis.synthetic import SPACE, write_study
from tests.objects import fresh, keys
from tests.runs import TINY_RUN, exact, trial
from tests.simulated import Simulation, design, outcome


def one_cell(**changes: Any) -> Design:
    """A simulated study of one arm at one size."""
    asked = design(arms=(parse("scratch"),), **changes)
    scientific = Scientific(arms=("scratch",), sizes=(8,))
    return replace(asked, space=replace(asked.space, scientific=scientific))


def checkpoints(directory: TrialDir) -> list[str]:
    return directory.store.names("*.pt")


@pytest.mark.slow
def test_a_run_cut_off_on_s3_ends_with_the_numbers_of_a_folder(server: str, tmp_path: Path):
    run = replace(TINY_RUN, keep_detections=True)
    folder, there = trial(tmp_path, run), trial(fresh(), run)
    for _ in engine.run(run, folder):
        assert len(checkpoints(folder)) <= 2
    for _ in engine.run(run, there):
        assert len(checkpoints(there)) <= 2
        break  # and taken up again below, from the store alone
    assert checkpoints(there) == ["trunk.pt"]
    again = TrialDir(str(there.store))
    for _ in engine.run(run, again):
        pass
    assert exact(again.records()) == exact(folder.records())
    assert checkpoints(there) == [] and again.state is State.FINISHED
    for name in (*folder.store.names("*.safetensors"), *folder.store.names("*.parquet")):
        assert again.store.read(name) == folder.store.read(name)


@pytest.mark.slow
def test_stopped_trials_leave_no_checkpoint(address: str):
    asked = one_cell(trials=4, confirm=1, stopping=Stopping(Halving(earliest=0.0)))
    study = Simulation(asked, address, seed=1).run(5).study
    assert all(len(checkpoints(one)) <= 2 for one in study.trials())
    study = Simulation(asked, address, seed=2).run().study  # the driver was killed
    states = {one.state for one in study.trials()}
    assert states == {State.FINISHED, State.STOPPED}
    assert not any(map(checkpoints, study.trials()))


@pytest.mark.slow
def test_a_study_on_s3_is_that_in_a_folder(server: str, tmp_path: Path):
    asked = one_cell(trials=2, confirm=1)
    address = fresh()
    Simulation(asked, address).run(3)
    there = Simulation(asked, address).run().study
    assert outcome(there) == outcome(Simulation(asked, tmp_path).run().study)


@pytest.fixture(scope="module")
def written(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One study, in a folder and on S3."""
    folder, address = tmp_path_factory.mktemp("study") / "run", fresh()
    space = replace(SPACE, scientific=Scientific(sizes=(24,)))
    write_study(folder, space=space, confirm=2, rng=np.random.default_rng(0))
    there = StudyDir(address).store
    for path in folder.rglob("*.json*"):
        there.write(str(path.relative_to(folder)), path.read_bytes())
    return folder, address


@pytest.mark.slow
def test_the_analysis_reads_it_from_there(written: tuple[Path, str]):
    folder, address = written
    local, results = analysis.load(folder), analysis.load(address)
    assert list(results.manifests) == [address]
    for name in ("trials", "curves", "tails", "costs", "confirmations", "init_reports"):
        here, there = (getattr(one, name).drop(columns="study") for one in (local, results))
        assert here.equals(there), name
    assert {k: size for k, (_, size) in stamp(address).items()} == {
        k: size for k, (_, size) in stamp(folder).items()
    }


@pytest.mark.slow
def test_the_report_of_a_study_on_s3_is_written_here(
    written: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert analyse([written[1]]) == 0
    assert "report: report/index.html" in capsys.readouterr().out
    assert (tmp_path / "report" / "index.html").exists()


@pytest.mark.slow
def test_the_status_is_read_from_there(written: tuple[Path, str], capsys):
    folder, address = written
    assert sweep(["--status", address]) == sweep(["--status", str(folder)])
    there, here = capsys.readouterr().out.split("study  ")[1:]
    there, here = (
        [line for line in said.splitlines()[:-1] if not line.startswith("last sign")]  # "2 s ago"
        for said in (there.replace(address, str(folder)), here)
    )
    assert there == here
    lines, _ = report(StudyDir(address).snapshot())
    assert lines[0].startswith("study ")
    with StudyDir(address).lock():
        assert any("holds the study" in line for line in report(StudyDir(address).snapshot())[0])
    assert not [key for key in keys(address) if ".lock" in key]


def test_what_is_no_study_is_named(server: str):
    with pytest.raises(ValueError, match=r"run directory s3://study/runs/\w+: there is no such"):
        analysis.load(fresh())
    StudyDir(address := fresh()).open({"budget": asdict(design().budget)} | {"question": {}})
    study = StudyDir(address)
    study.trial("t").write_config({})
    study.trial("t").store.append("records.jsonl", b"{")
    with pytest.raises(ValueError, match=f"{address}/trials/t/records.jsonl: line 1: not JSON"):
        analysis.load(address)


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else a machine that crashes could leave the new name with nothing in it."""
    done: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(os, "fsync", lambda _: done.append("disk"))
    monkeypatch.setattr(Path, "replace", lambda *paths: (done.append("name"), replace(*paths))[1])
    store = FolderStore(tmp_path)
    store.write("whole", b"1")
    store.write_soon("soon", b"1")
    store.append("lines", b"1")
    assert done == ["disk", "name", "disk", "name", "disk"]
