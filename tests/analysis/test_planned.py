"""The analysis reads off a run directory what the plan that filled it has decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.answers.ranges import searched
from analysis.reading.frames import rows, where
from study.planning.search.range_extension import Strip, edge, extended
from study.planning.trials.tuning import chosen
from study.storage.run_dir import State
from tests.planning.trials.test_specs import LAZY, at_edge
from tests.simulated import Simulation, design


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"trials": 9, "confirm": 1}, LAZY], ids=["tails", "lazy"])
def test_analysis_and_plan_agree(how: dict[str, Any], tmp_path: Path):
    asked = design(**how, audit=0.4, extend=1, cross=1, finalists=2)
    done = Simulation(asked, tmp_path, objective=at_edge).run()
    results = analysis.load(tmp_path)
    best, stops = analysis.best(results), analysis.stop_audit(results)
    for cell in asked.cells:
        place = {"size": cell.size, "arm": cell.arm.name}
        tried, choice = done.plan.tuning_trials(cell), chosen(done.plan.tuning_trials(cell))
        (row,) = rows(where(best, **place))
        assert choice
        assert (row["trial_id"], row["length"]) == (choice.trial.trial_id, choice.length)
        base = asked.ranges_at(cell.size)["lr"]
        now = extended(base, "lr", [Strip("lr", "high", 1)])
        limits = searched(results, str(tmp_path), cell.size)["lr"]
        assert (limits.low, limits.high) == pytest.approx((now.low, now.high))
        assert row["lr_edge"] == (edge(row["lr"], now.low, now.high) or "")
        (stop,) = rows(where(stops, **place))
        assert stop["trials"] == len(tried)
        assert stop["stopped"] == sum(one.state is State.STOPPED for one in tried)
        audits = [t for t in done.study.trials() if t.id.endswith("-audit")]
        assert stop["audited"] == sum(t.id.startswith(f"{cell.name}-") for t in audits)
    assert sum(stops["audited"]) > 0
    assert min(stops["rank_correlation"].tolist()) > 0.5
    crossed = analysis.cross_tuning(results)
    assert crossed["same"].tolist() == [False] * 4
    assert crossed["n"].tolist() == [1] * 4
    assert set(analysis.answer(results)["seeds_arm"]) == {1}  # not the second finalist's
