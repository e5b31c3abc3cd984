"""Why a trial ended: what is said, whether it is tried again, and with how many beside it."""

from __future__ import annotations

from typing import Any

import pytest

from study.cluster.failures.causes import Ending, Situation, memory_of, of_exception, of_process
from study.storage.run_dir import State

OF_RAY = (
    "Task was killed due to the node running low on memory.\nMemory on the node was 22.9GB /"
    " 23.4GB (0.98), which exceeds the memory usage threshold of 0.95.\nRefer to the documentation"
)
RAN_OUT = {
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 MiB. GPU 0": "device",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED": "device",
    "MemoryError": "machine",
    "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 4 GiB": "machine",
    "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to": "machine",
    "OSError: [Errno 12] Cannot allocate memory": "machine",
    OF_RAY: "machine",
    "ValueError: a broken picture": None,
}
MACHINE = frozenset({"machine"})


def event(ending: Ending) -> dict[str, Any]:
    """As the scheduler writes it down."""
    return {"state": str(ending.state), "error": ending.error, "cause": ending.cause} | (
        ending.fields
    )


@pytest.mark.parametrize(("text", "place"), RAN_OUT.items())
def test_memory_that_ran_out_is_recognised(text: str, place: str | None):
    assert memory_of(f"Traceback (most recent call last):\n  ...\n{text}") == place


@pytest.mark.parametrize("text", [text for text, place in RAN_OUT.items() if place])
def test_where_nothing_ran_beside_it_is_not_tried_again_and_the_remedy_is_said(text: str):
    ending = of_exception(Situation(), text)
    assert ending.state is State.FAILED and not ending.fields["again"] and not ending.fewer
    assert "model.short_px" in ending.error and "at_once" in ending.error
    assert "--max-concurrent" not in ending.error and "\n" not in ending.error


def test_beside_others_it_is_tried_once_more_with_half_as_many():
    beside = Situation(beside=3, shares=MACHINE)
    first = of_exception(beside, "MemoryError")
    assert first.state is State.PREEMPTED and first.fewer
    assert "4 ran at once: from now on at most 2" in first.error
    assert event(first)["beside"] == 3
    second = of_exception(Situation(1, MACHINE, events=[event(first)]), "MemoryError")
    assert second.state is State.FAILED and not second.fewer
    assert "--max-concurrent 1" in second.error
    alone_on_its_device = of_exception(beside, "torch.OutOfMemoryError: CUDA out of memory.")
    assert alone_on_its_device.state is State.FAILED


def test_ray_s_memory_monitor_is_named():
    said = of_exception(Situation(beside=1, shares=MACHINE), OF_RAY).error
    assert said.startswith("ended by Ray's memory monitor") and "Refer to" not in said


def test_a_killed_process_is_probably_the_system_s_where_that_has_killed():
    died = of_process(Situation(beside=1, shares=MACHINE))
    assert (died.state, died.error) == (State.PREEMPTED, "its process died")
    killed = of_process(Situation(beside=1, shares=MACHINE, killed=True))
    assert "probably ended by the system, which was out of memory" in killed.error
    assert killed.fewer and killed.cause == "memory"


def test_the_same_error_at_the_same_iteration_is_left_for_this_run():
    events: list[dict[str, Any]] = [{"state": "running", "iteration": 6}]
    first = of_exception(Situation(events=events), "Traceback\nValueError: of process 12 at 0x7f")
    assert first.state is State.FAILED and first.fields == {"again": True, "at": 6}
    assert first.error == "ValueError: of process 12 at 0x7f"
    events.append(event(first))
    second = of_exception(Situation(events=events), "Traceback\nValueError: of process 13 at 0x6e")
    assert second.fields == {"again": False, "at": 6}
    assert "the same error at the same iteration as before" in second.error
    events.append(event(second))
    assert not of_exception(Situation(events=events), "ValueError: of process 9 at 0x1").fields[
        "again"
    ]
    other = of_exception(Situation(events=events), "KeyError: 'another'")
    further = [*events, {"state": "running", "iteration": 9}]
    later = of_exception(Situation(events=further), "ValueError: of process 12 at 0x7f")
    assert other.fields["again"] and later.fields["again"]


def test_silence_is_said_and_twice_at_the_same_iteration_is_the_end():
    events: list[dict[str, Any]] = [{"state": "running", "iteration": 6}]
    first = of_process(Situation(silent_s=700.0, events=events))
    assert first.state is State.PREEMPTED and first.cause == "silent"
    assert "no sign of life for 700 s after iteration 6" in first.error
    again = of_process(Situation(silent_s=700.0, events=[*events, event(first)]))
    assert again.state is State.FAILED and "STUDY_SILENCE_S" in again.error
