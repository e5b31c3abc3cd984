"""What a measured speed says: of which seconds, for how many images, of how many workers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from study.storage.run_dir import State
from study.training import speed
from study.training.speed import Speed
from tests.runs import TINY_RUN

ONE = Speed(
    images_per_second=30.0,
    peak_bytes=100,
    at_once=4,
    share=4,
    start_s=2.0,
    tuning_s=6.0,
    report_s=8.0,
    tuning_images=10,
    report_images=20,
)


class Clock:
    """Seconds that pass only where a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(speed, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def session(images: int) -> Any:
    """As much of a session as an evaluation needs."""
    splits = SimpleNamespace(images=lambda split: ("index", list(range(images))))
    state = SimpleNamespace(detector=None)
    return SimpleNamespace(splits=splits, state=state, config=None, world=None)


@pytest.mark.parametrize(
    ("images", "each_s", "times"),
    [(40, 3.0, 1), (40, 0.75, 3), (40, 0.1, speed.MOST_EVALUATIONS), (5, 0.1, 4)],
)
def test_an_evaluation_is_repeated_for_two_seconds_and_counts_for_the_whole_split(
    images: int, each_s: float, times: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    seen: list[int] = []

    def score(_detector: Any, _index: Any, ids: list[int], *_: Any) -> None:
        seen.append(len(ids))
        clock.now += each_s if len(seen) > 1 else 50.0  # what is done once is not counted

    monkeypatch.setattr(speed, "score", score)
    few = min(images, speed.EVALUATION_BATCH)
    seconds, number = speed._evaluation(session(images), "tune")
    assert seen == [1] + [few] * times
    assert number == images and seconds == pytest.approx(each_s * images / few)


class Steps:
    """A session that does nothing but say which steps it was asked for, each of three seconds."""

    def __init__(self, clock: Clock) -> None:
        self.asked: list[int] = []
        self.device, self.gradients = torch.device("cpu"), SimpleNamespace(at_once=4)
        self.meter = SimpleNamespace(begin_leg=self.begin, images_per_second=2.0)
        self._clock, self.begun_at = clock, -1

    def begin(self) -> None:
        self.begun_at = len(self.asked)

    def step(self, _leg: Any, iteration: int) -> None:
        self.asked.append(iteration)
        self._clock.now += 3.0


def test_the_first_step_warms_up_and_six_are_taken_however_long_they_are(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    steps = Steps(clock)
    monkeypatch.setattr(speed, "_session", lambda *_: (steps, 5.0))
    met: list[int] = []  # after so many steps
    found = speed._measure(TINY_RUN, 50, lambda: met.append(len(steps.asked)), evaluates=False)
    assert steps.asked == list(range(speed.LEAST)) and steps.begun_at == 1
    assert met == [1, speed.LEAST]
    # 4 images at 2.0 a second are 2 s of the first step's 3 s; the rest was the start's
    assert (found.images_per_second, found.start_s) == (2.0, 6.0)


def test_a_split_without_images_takes_no_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(speed, "score", None)
    assert speed._evaluation(session(0), "report") == (0.0, 0)


@pytest.mark.parametrize(("first_s", "begun", "told_s"), [(9.0, 2, 1.0), (11.0, 1, 11.0)])
def test_a_short_start_is_measured_again_without_what_is_done_once(
    first_s: float, begun: int, told_s: float, clock: Clock, tmp_path, monkeypatch
):
    asked: list[range] = []

    def begin(_config: Any, trial: Any, _world: Any, only: range) -> str:
        clock.now += told_s if asked else first_s
        asked.append(only)
        trial.mark(State.RUNNING)
        return f"session {len(asked)}"

    monkeypatch.setattr(speed, "Session", begin)
    found = speed._session(TINY_RUN, str(tmp_path), 3)
    assert found == (f"session {begun}", told_s)
    assert asked == [range(4)] * begun  # the batch after the last is begun too


def test_workers_beside_each_other_are_one_of_the_mean_kind():
    """Rates are meant by the time that an image takes; of memory the most counts."""
    other = replace(ONE, images_per_second=10.0, peak_bytes=300, start_s=4.0, tuning_s=10.0)
    found = speed._mean([ONE, replace(other, report_s=2.0)])
    assert found.images_per_second == pytest.approx(15.0)
    assert (found.peak_bytes, found.start_s, found.tuning_s, found.report_s) == (300, 3, 8, 5)
    assert (found.at_once, found.share, found.tuning_images) == (4, 4, 10)


def test_a_worker_has_its_share_of_a_batch():
    found = speed.measure(TINY_RUN, workers=2, iterations=3, evaluates=False)
    assert found.share == TINY_RUN.optim.batch_size // 2
    assert (found.tuning_s, found.report_s, found.tuning_images) == (0.0, 0.0, 0)
    assert 0 < found.at_once <= found.share and found.start_s > 0 and found.peak_bytes > 1e6


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"workers = 3: must divide the batch of 4"):
        speed.measure(TINY_RUN, workers=3)
