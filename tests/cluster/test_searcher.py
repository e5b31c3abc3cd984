"""What the searcher does where memory has run out."""

from __future__ import annotations

from pathlib import Path

from study.cluster.searcher import PlanSearcher
from study.planning.plan import Plan
from tests.simulated import design, open_study


def test_after_memory_has_run_out_half_as_many_run_at_once(tmp_path: Path):
    asked = design(trials=8, stopping=None)
    searcher = PlanSearcher(Plan(asked, open_study(tmp_path, asked)), lambda: 6, {})
    assert all(searcher.suggest(str(at)) for at in range(6)) and searcher.suggest("6") is None
    searcher.narrow()
    for at in range(6):
        searcher.on_trial_complete(str(at), error=True)
    assert [bool(searcher.suggest(f"again {at}")) for at in range(5)] == [True] * 3 + [False] * 2
