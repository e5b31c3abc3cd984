"""What Tune leaves of a trial's end is read, whatever kind of exception it was."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from study.cluster.failures.causes import Situation
from study.cluster.group import PeerLost, WorkerDied
from study.cluster.scheduler import what_ended
from study.storage.run_dir import State


def left(folder: Path, error: BaseException) -> Any:
    """Tune's trial after it; Ray's own errors alone are pickled."""
    trial = SimpleNamespace(pickled_error_file=None, error_file=str(folder / "error.txt"))
    Path(trial.error_file).write_text(f"Failure # 1 (occurred at noon)\n{error}\n")
    if isinstance(error, RayTaskError | RayActorError):
        trial.pickled_error_file = str(folder / "error.pkl")
        Path(trial.pickled_error_file).write_bytes(pickle.dumps(error))
    return trial


def raised(error: Exception) -> RayTaskError:
    text = f"Traceback (most recent call last):\n  ...\n{type(error).__name__}: {error}"
    return RayTaskError("train", text, error)


def test_an_exception_is_told_by_its_last_line_and_kept_whole(tmp_path: Path):
    ending, text = what_ended(left(tmp_path, raised(KeyError("a"))), Situation())
    assert ending.state is State.FAILED
    assert text.count("\n") == 2 and ending.error == "KeyError: 'a'"


def test_a_process_s_death_and_a_group_s_worker_s(tmp_path: Path):
    for error, said in (
        (RayActorError(), "its process died"),
        (raised(WorkerDied("rank 1")), "a worker died"),
    ):
        ending, _ = what_ended(left(tmp_path, error), Situation())
        assert (ending.state, ending.error) == (State.PREEMPTED, said)
    assert not issubclass(PeerLost, WorkerDied)


def test_ray_s_memory_monitor_is_heard(tmp_path: Path):
    error = OutOfMemoryError("Task was killed due to the node running low on memory.\nRefer to")
    ending, _ = what_ended(left(tmp_path, error), Situation())
    assert ending.cause == "memory" and "Ray's memory monitor" in ending.error
