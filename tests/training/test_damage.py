"""Whatever of a run is damaged, the next start ends with the records of an undisturbed one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.storage.run_dir import State, TrialDir, json_text
from study.storage.run_dir.mending import is_damaged, mend
from study.training import engine
from study.training.resuming import identity
from tests.runs import TINY_RUN, complete, exact, trial, weights

RUN = replace(TINY_RUN, checkpoint_every=1)
Damage = Callable[[bytes], bytes]

CHECKPOINT: dict[str, Damage] = {
    "truncated": lambda content: content[: len(content) // 2],
    "a flipped bit": lambda content: flipped(content, len(content) // 2),
    "empty": lambda _: b"",
    "zeros": lambda content: bytes(len(content)),
    "no checkpoint": lambda _: b"PK\x03\x04 of an earlier version, and cut off",
}
RECORDS: dict[str, Damage] = {
    "zeros": lambda content: bytes(60) + content[60:],
    "not UTF-8": lambda content: content[:30] + b"\xff" + content[31:],
    "a flipped digit": lambda content: flipped(content, content.index(b"AP_box") + 9),
    "cut short": lambda content: content[: content.index(b"\n") + 1],
    "of another trial": lambda content: content.replace(b'"tiny"', b'"tinz"'),
    "empty": lambda _: b"",
    "of another rate": lambda content: content + made_again(content, length=9, lr=0.9),
    "an AP that cannot be": lambda content: content + made_again(content, length=9, AP_box=1e9),
    "two of one place": lambda content: content + made_again(content, AP_box=9.0),
}
STAY = {
    "cut short": 1,
    "two of one place": 1,
    "of another rate": 2,
    "an AP that cannot be": 2,
}  # lines; of others none


def made_again(records: bytes, **changed: float) -> bytes:
    """The last record as another process would have made it."""
    return json_text.line(json_text.parsed(records.splitlines()[-1]) | changed) + b"\n"


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    return complete(tmp_path_factory.mktemp("undisturbed"), RUN)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> TrialDir:
    """A run that ended on its trunk, behind its first record."""
    directory = trial(tmp_path_factory.mktemp("stopped"), RUN)
    original = engine.Session.save

    def save(self: engine.Session, name: str, leg: object) -> None:
        original(self, name, leg)  # type: ignore[arg-type]
        if self.state.iteration == 7 and name == "trunk":
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine.Session, "save", save)
        list(engine.run(RUN, directory))
    assert directory.checkpoints("trunk") == ["trunk.pt", "trunk.before.pt"]
    return directory


def copied(directory: TrialDir, to: Path) -> TrialDir:
    return TrialDir(Path(shutil.copytree(directory.path, to / "run")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(k, marks=pytest.mark.slow) if k not in ("truncated",) else k
        for k in CHECKPOINT
    ],
)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(
    kind: str, undisturbed: TrialDir, stopped: TrialDir, tmp_path: Path
):
    directory = copied(stopped, tmp_path)
    file = directory.path / "trunk.pt"
    file.write_bytes(damaged := CHECKPOINT[kind](file.read_bytes()))
    list(engine.run(RUN, directory))
    assert exact(directory.records()) == exact(undisturbed.records())
    assert weights(directory) == weights(undisturbed)
    assert (directory.path / "trunk.pt.damaged").read_bytes() == damaged
    told = [event for event in directory.events() if "set_aside" in event]
    assert [event["set_aside"] for event in told] == ["trunk.pt.damaged"]
    again = directory.records()[-1]["images_spent"] - undisturbed.records()[-1]["images_spent"]
    assert again == RUN.optim.batch_size  # one iteration


@pytest.mark.slow
def test_with_both_damaged_or_of_another_trial_the_run_starts_again(
    undisturbed: TrialDir, stopped: TrialDir, tmp_path: Path
):
    directory = copied(stopped, tmp_path)
    (directory.path / "trunk.pt").write_bytes(b"")
    other = complete(tmp_path / "other", replace(RUN, seed=5, keep_trunk=True))
    shutil.copy(other.path / "trunk.pt", directory.path / "trunk.before.pt")
    list(engine.run(RUN, directory))
    assert exact(directory.records()) == exact(undisturbed.records())
    assert weights(directory) == weights(undisturbed)
    (why,) = [e["why"] for e in directory.events() if "trunk.before" in e.get("set_aside", "")]
    assert why.endswith("trunk.before.pt: is of another trial")


@pytest.mark.parametrize("kind", RECORDS)
def test_of_damaged_records_those_before_stay(kind: str, undisturbed: TrialDir, tmp_path: Path):
    directory = copied(undisturbed, tmp_path)
    file = directory.path / "records.jsonl"
    whole = file.read_bytes()
    file.write_bytes(damaged := RECORDS[kind](whole))
    assert is_damaged(directory)
    assert "records.jsonl" in mend(directory)[0] and not is_damaged(directory)
    assert directory.state is State.PREEMPTED  # it has something to do again
    assert (directory.path / "records.jsonl.damaged").read_bytes() == damaged
    assert file.read_bytes() == b"".join(whole.splitlines(keepends=True)[: STAY.get(kind, 0)])


@pytest.mark.slow
def test_what_was_lost_is_computed_again(undisturbed: TrialDir, tmp_path: Path):
    directory = copied(undisturbed, tmp_path)
    for name in ("records.jsonl", "events.jsonl"):
        first, *others = (directory.path / name).read_bytes().splitlines(keepends=True)
        (directory.path / name).write_bytes(b"".join([first, b"\0\0\0\n", *others[1:]]))
    for name in ("config.json", "init_report.json"):
        (directory.path / name).write_bytes(b"")
    list(engine.run(RUN, directory))
    assert exact(directory.records()) == exact(undisturbed.records())
    assert weights(directory) == weights(undisturbed)
    assert directory.state is State.FINISHED and not is_damaged(directory)
    for name in ("config.json", "init_report.json"):
        assert (directory.path / name).read_bytes() == (undisturbed.path / name).read_bytes()


def test_doubled_and_swapped_lines_say_the_same(undisturbed: TrialDir, tmp_path: Path):
    directory = copied(undisturbed, tmp_path)
    file = directory.path / "records.jsonl"
    file.write_bytes(b"".join([*reversed(file.read_bytes().splitlines(keepends=True))] * 2))
    assert directory.records() == undisturbed.records() and not is_damaged(directory)


def test_a_record_that_two_workers_made_is_no_damage(undisturbed: TrialDir, tmp_path: Path):
    directory = copied(undisturbed, tmp_path)
    with (directory.path / "records.jsonl").open("ab") as file:
        file.write(made_again((directory.path / "records.jsonl").read_bytes(), time=9.0))
    assert len(directory.records()) == 3 and not is_damaged(directory)


def says(found: Any, before: Any) -> bool:
    """Whether all is there and the same; where the word `check` is damaged, it is a field."""
    if isinstance(before, list):
        return len(found) == len(before) and all(map(says, found, before))
    return before == {name: found.get(name) for name in before}


def test_one_flipped_or_lost_byte_never_changes_what_is_read(
    undisturbed: TrialDir, tmp_path: Path
):
    directory = copied(undisturbed, tmp_path)
    reads = {
        "config.json": TrialDir.config,
        "init_report.json": TrialDir.init_report,
        "records.jsonl": TrialDir.records,
        "events.jsonl": TrialDir.events,
    }
    for name, read in reads.items():
        whole, before = (directory.path / name).read_bytes(), read(directory)
        for at in range(0, len(whole) - 1, 1 + len(whole) // 150):
            for damaged in (flipped(whole, at), whole[:at] + whole[at + 1 :]):
                (directory.path / name).write_bytes(damaged)
                try:
                    found = read(directory)
                except ValueError as error:
                    assert f"{name}: " in str(error) and "\n" not in str(error)
                else:
                    assert says(found, before), (name, at)
        (directory.path / name).write_bytes(whole)


@pytest.mark.parametrize("part", [{"arm": "own"}, {"size": 11}, {"draw": 1}, {"seed": 5}])
def test_a_run_that_differs_in_what_it_trains_on_is_another(part: dict[str, object]):
    assert identity(replace(TINY_RUN, **part)) != identity(TINY_RUN)  # type: ignore[arg-type]
    rate = replace(TINY_RUN.optim, lr=0.01)
    assert identity(replace(TINY_RUN, optim=rate)) != identity(TINY_RUN)
    assert identity(replace(TINY_RUN, trial_id="other", threads=2)) == identity(TINY_RUN)
