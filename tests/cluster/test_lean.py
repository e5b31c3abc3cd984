"""What our own cluster does without: Ray is as it was afterwards, and names that it must have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray._private import parameter, services
from ray.tune import tune as fitting

from study.cluster import lean

NODE = "ab" * 28
ROOT = Path(__file__).parent.parent.parent
REPLACED = (
    (parameter, "RayParams"),
    (services, "start_api_server"),
    (services, "start_raylet"),
    (services, lean.PYTHON),
)


def present() -> list[Any]:
    return [getattr(module, name) for module, name in REPLACED]


@pytest.mark.parametrize("dashboard", [False, True])
def test_ray_is_changed_inside_only(dashboard: bool):
    before = present()
    with lean.lean(dashboard, 1234):
        changed = [now is not then for now, then in zip(present(), before, strict=True)]
        params = parameter.RayParams(num_cpus=2)
        assert params.no_monitor and params.include_log_monitor is False
        assert params.runtime_env_agent_port == (None if dashboard else 1234)
    assert changed == [True] + [not dashboard] * 3
    assert present() == before


def test_a_ray_with_other_parts_starts_as_it_always_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(services, lean.PYTHON)
    before = parameter.RayParams
    with lean.lean(dashboard=False, port=1234):
        assert parameter.RayParams is before


def test_tune_counts_no_callbacks_where_reports_of_usage_are_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    usage: Any = vars(fitting)["air_usage"]  # by which `fit` calls it
    before = usage.tag_callbacks
    with lean.uncounted():
        assert usage.tag_callbacks is not before
        assert usage.tag_callbacks([tune.Callback()]) is False
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    with lean.uncounted():
        assert usage.tag_callbacks is before


def test_what_libraries_say_as_they_start_comes_nowhere(capfd: pytest.CaptureFixture[str]):
    with lean.speechless():
        os.write(2, b"network_util.cc:330: Failed")
    os.write(2, b"after it")
    assert capfd.readouterr().err == "after it"


def test_ports_of_the_agents_are_there_before_the_raylet(tmp_path: Path):
    def start_raylet(gcs: str, node_id: str, *, session_dir: str) -> list[str]:
        assert (gcs, node_id) == ("address", NODE)
        return sorted(path.name for path in Path(session_dir).iterdir())

    found = lean._unwaiting(start_raylet, 1234)("address", NODE, session_dir=str(tmp_path))
    assert len(found) == 4 and all(name.endswith(f"_{NODE}") for name in found)
    assert "1234" in {path.read_text() for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_a_sweep_prints_its_bill_without_what_takes_long_to_import():
    heavy = ("ray", "torch", "optuna", "scipy", "pandas")
    code = f"import sys, study.sweep; print([n for n in {heavy} if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout.strip() == "[]", said
