"""The engine's claims: exact resume, tails equal separate runs, divergence is an outcome."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.config import RunConfig, from_dict
from study.data.splits import open_splits
from study.storage import Busy
from study.storage.run_dir import State, TrialDir
from study.training import engine, speed
from tests.processes import started
from tests.runs import TINY_RUN, complete, exact, trial, weights, with_lengths


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    return complete(tmp_path_factory.mktemp("undisturbed"))


WATCHED_RUN = replace(
    TINY_RUN,
    schedule=replace(TINY_RUN.schedule, watch=(3, 8), watched=("trunk", "average")),
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    return complete(tmp_path_factory.mktemp("watched"), WATCHED_RUN)


def test_records_tell_what_was_run(undisturbed: TrialDir):
    first, last = undisturbed.records()
    assert [first["leg"], last["leg"]] == ["tail-8-0.1", "tail-12-0.1"]
    assert (first["images_seen"], last["images_seen"]) == (32, 48)
    assert last["images_spent"] == (12 + 4) * 4  # the trunk once, and two tails of 4
    assert (first["done"], last["done"]) == (False, True)
    assert all(0 <= last[name] <= 100 for name in ("AP_box", "AP_mask", "AP50_box", "AP75_mask"))
    parts = ("objectness", "rpn_box", "classifier", "box", "mask")
    assert last["loss"] == pytest.approx(sum(last[f"loss_{name}"] for name in parts))
    assert undisturbed.state is State.FINISHED
    assert undisturbed.events()[0]["device"] == "cpu"
    told = undisturbed.init_report()
    assert told["backbone.body"]["random"] > 0
    assert {(of["loaded"], of["frozen"]) for of in told.values()} == {(0, 0)}
    assert not list(undisturbed.path.glob("*.pt"))  # nothing left that is not needed


@pytest.mark.slow
def test_a_tail_equals_a_separate_run_of_that_length(undisturbed: TrialDir, tmp_path: Path):
    for length in TINY_RUN.schedule.lengths:
        alone = complete(tmp_path / str(length), with_lengths(TINY_RUN, length))
        name = f"weights-tail-{length}-0.1.safetensors"
        assert weights(alone)[name] == weights(undisturbed)[name]
        record = next(r for r in undisturbed.records() if r["length"] == length)
        own = alone.records()[0]
        assert exact([own | {"done": None}]) == exact([record | {"done": None}])


@pytest.mark.slow
def test_separate_runs_equal_the_shared_trunk(undisturbed: TrialDir, tmp_path: Path):
    schedule = replace(TINY_RUN.schedule, shared=False)
    alone = complete(tmp_path, replace(TINY_RUN, schedule=schedule))
    assert weights(alone) == weights(undisturbed)
    assert exact(alone.records()) == exact(undisturbed.records())
    images = [d.records()[-1]["images_spent"] for d in (alone, undisturbed)]
    assert images == [(8 + 12) * 4, (8 + 4 + 4) * 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", [pytest.param(n, marks=pytest.mark.slow) if n > 1 else n for n in (1, 2, 3, 4)]
)
def test_a_watched_trunk_changes_nothing_and_resumes_exactly(
    undisturbed: TrialDir, watched: TrialDir, tmp_path: Path, moment: int
):
    whole = watched.records()
    assert [(r["iteration"], r["weights"]) for r in whole] == [
        (3, "trunk"),
        (3, "average"),
        (8, "tail"),
        (8, "trunk"),
        (8, "average"),
        (12, "tail"),
    ]
    assert weights(watched) == weights(undisturbed)
    directory = trial(tmp_path, WATCHED_RUN)
    records = engine.run(WATCHED_RUN, directory)
    for _ in range(moment):
        next(records)
    records.close()
    assert exact(complete(tmp_path, WATCHED_RUN).records()) == exact(whole)
    assert weights(directory) == weights(watched)


@pytest.mark.slow
def test_a_length_asked_for_behind_the_checkpoint_is_walked_to_again(
    undisturbed: TrialDir, tmp_path: Path
):
    longer = with_lengths(TINY_RUN, 12)
    directory = trial(tmp_path, longer)
    records = engine.run(longer, directory)
    with contextlib.suppress(
        KeyboardInterrupt
    ):  # in the middle of the trunk, beyond the fork of 8
        original = engine.Session.save
        with pytest.MonkeyPatch.context() as patch:

            def save(self: object, name: str, leg: object) -> None:
                original(self, name, leg)  # type: ignore[arg-type]
                if self.state.iteration == 6:  # type: ignore[attr-defined]
                    raise KeyboardInterrupt

            patch.setattr(engine.Session, "save", save)
            next(records)
    assert directory.load("trunk") is not None and not directory.records()
    shorter = complete(tmp_path, with_lengths(TINY_RUN, 8))
    assert exact([shorter.records()[0] | {"done": False}]) == exact(undisturbed.records()[:1])
    name = "weights-tail-8-0.1.safetensors"
    assert weights(shorter)[name] == weights(undisturbed)[name]


def test_a_trial_that_another_process_holds_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    directory, lock = trial(tmp_path, TINY_RUN), TrialDir.lock
    with directory.lock():
        monkeypatch.setattr(TrialDir, "lock", lambda self: lock(self, 0))  # it would wait minutes
        with pytest.raises(Busy, match="is in use by process"):
            next(engine.run(TINY_RUN, directory))
    assert not directory.events() and not directory.records()


@pytest.mark.slow
def test_closing_the_generator_loses_nothing(undisturbed: TrialDir, tmp_path: Path):
    directory = trial(tmp_path, TINY_RUN)
    records = engine.run(TINY_RUN, directory)
    next(records)
    records.close()
    assert directory.state is State.RUNNING
    assert exact(complete(tmp_path).records()) == exact(undisturbed.records())
    assert weights(directory) == weights(undisturbed)


KILL_WHEN: dict[str, Callable[[TrialDir], bool]] = {
    "inside the trunk": lambda d: d.load("trunk") is not None,
    "inside a tail": lambda d: d.load("tail") is not None,
    "after a record": lambda d: len(d.records()) == 1,
}


def run_slowly(folder: str) -> None:
    """The process that is killed."""
    directory = TrialDir(folder)
    for _ in engine.run(from_dict(RunConfig, directory.config()["run"]), directory):
        time.sleep(0.05)  # gives the killer a moment between a record and the next leg


@pytest.mark.slow
def test_killed_three_times_is_bit_identical(undisturbed: TrialDir, tmp_path: Path):
    directory = trial(tmp_path, TINY_RUN)
    for moment in KILL_WHEN.values():
        process = started(run_slowly, str(tmp_path))
        while not moment(directory) and process.is_alive():
            time.sleep(0.005)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    complete(tmp_path)
    assert exact(directory.records()) == exact(undisturbed.records())
    assert weights(directory) == weights(undisturbed)
    spent = directory.records()[-1]["images_spent"]
    assert spent >= undisturbed.records()[-1]["images_spent"]  # repeated work is on the bill


@pytest.mark.slow
def test_a_longer_schedule_extends_a_finished_run(undisturbed: TrialDir, tmp_path: Path):
    complete(tmp_path, with_lengths(TINY_RUN, 8))
    extended = complete(tmp_path, TINY_RUN)
    assert [record["length"] for record in extended.records()] == [8, 12]
    assert weights(extended) == weights(undisturbed)


@pytest.mark.slow
def test_growth_costs_the_added_iterations_where_the_trunk_was_left(
    undisturbed: TrialDir, tmp_path: Path
):
    keeping = replace(TINY_RUN, keep_trunk=True)
    shorter = complete(tmp_path, with_lengths(keeping, 8))
    assert [file.name for file in shorter.path.glob("*.pt")] == ["trunk.pt"]
    grown = complete(tmp_path, replace(TINY_RUN, keep_trunk=False))
    first, last = grown.records()
    assert first["done"]  # it was the last one when it was written
    assert exact([first | {"done": False}, last]) == exact(undisturbed.records())
    spent = last["images_spent"]
    assert spent == undisturbed.records()[-1]["images_spent"]  # nothing was walked twice
    assert not list(grown.path.glob("*.pt"))


def test_divergence_stops_before_the_step(tmp_path: Path):
    config = replace(TINY_RUN, optim=replace(TINY_RUN.optim, lr=1e9, clip_norm=None))
    directory = trial(tmp_path, config)
    with pytest.raises(engine.Diverged, match="loss not finite at iteration") as outcome:
        list(engine.run(config, directory))
    assert directory.state is State.DIVERGED
    event = directory.events()[-1]
    assert event["iteration"] == outcome.value.iteration
    assert event["images_spent"] == outcome.value.iteration * config.optim.batch_size
    assert directory.records() == []
    assert not list(directory.path.glob("*.pt"))


@pytest.mark.slow
def test_seeds_differ_and_repeat(undisturbed: TrialDir, tmp_path: Path):
    torch.manual_seed(99)  # what the process drew before does not matter
    short = with_lengths(TINY_RUN, 8)
    again = complete(tmp_path / "again", short).records()[0]
    other = complete(tmp_path / "other", replace(short, seed=1)).records()[0]
    assert again["loss"] == undisturbed.records()[0]["loss"]
    assert other["loss"] != again["loss"]


@pytest.mark.slow
def test_speed_is_that_of_one_workers_share(tmp_path: Path):
    found = speed.measure(TINY_RUN, workers=2, iterations=2)
    assert found.images_per_second > 0 and found.peak_bytes > 10**8
    assert (found.share, found.at_once) == (2, 2)
    with pytest.raises(ValueError, match="workers = 3: must divide the batch of 4"):
        speed.measure(TINY_RUN, workers=3)


@pytest.mark.slow
def test_speed_knows_starts_and_evaluations_of_both_splits():
    found = speed.measure(TINY_RUN, iterations=2)
    assert found.start_s > 0 and found.share == TINY_RUN.optim.batch_size
    splits = open_splits(TINY_RUN.data)
    assert found.tuning_images == len(splits.images("tune")[1])
    assert found.report_images == len(splits.images("report")[1])
    assert found.tuning_s > 0 and found.report_s > 0
    plain = speed.measure(TINY_RUN, iterations=2, evaluates=False)
    assert (plain.tuning_s, plain.report_s) == (0.0, 0.0)
    assert (plain.tuning_images, plain.report_images) == (0, 0)


@pytest.mark.slow
def test_speed_is_measured_by_as_many_as_will_run():
    found = speed.measure(TINY_RUN, beside=2, iterations=2)
    assert found.images_per_second > 0 and found.tuning_s > 0


def test_a_worker_that_fails_says_why_and_none_waits_for_it(monkeypatch: pytest.MonkeyPatch):
    both = multiprocessing.get_context("spawn").Barrier(2)
    monkeypatch.setattr(speed, "_shared", both)
    absent = replace(TINY_RUN, arm="own", init="/nowhere.safetensors")
    with pytest.raises(ValueError, match="nowhere"):
        speed._one_of_them(absent, iterations=2, evaluates=True)
    assert both.broken
