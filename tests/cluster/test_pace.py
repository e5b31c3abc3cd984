"""How often the driver looks: less often, the longer a look takes or the more it computes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from study.cluster import hooks
from study.cluster.hooks import Pace


@pytest.mark.parametrize(
    ("took", "worked", "pause"),
    [(0.004, 0.004, 2.0), (1.0, 0.0, 20.0), (1.0, 1.0, 500.0), (0.1, 0.08, 40.0)],
    ids=["quick", "waits for a store", "computes", "both"],
)
def test_the_next_look_is_as_far_away_as_the_last_one_cost(
    took: float, worked: float, pause: float, monkeypatch: pytest.MonkeyPatch
):
    now = {"wall": 100.0, "cpu": 5.0}
    clock = SimpleNamespace(monotonic=lambda: now["wall"], thread_time=lambda: now["cpu"])
    monkeypatch.setattr(hooks, "time", clock)
    pace = Pace(2.0)
    assert pace.due
    with pace.look():
        now["wall"] += took
        now["cpu"] += worked
    now["wall"] = 100.0 + pause - 1e-6
    assert not pace.due
    now["wall"] = 100.0 + pause + 1e-6
    assert pace.due
    with pace.look():
        pass
    pace.hurry()
    assert pace.due
