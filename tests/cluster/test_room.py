"""How far a cluster may grow is read off the file that it was started with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from study.cluster.room import fully_grown

ROOT = Path(__file__).parent.parent.parent


def shipped(**changes: Any) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text()) | changes


@pytest.mark.parametrize(("limit", "gpus"), [(8, 8), (5, 5), (20, 8)])
def test_workers_count_up_to_the_limit_of_all_together(tmp_path: Path, limit: int, gpus: int):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(shipped(max_workers=limit)))
    assert fully_grown(path) == {"CPU": 8 * gpus, "GPU": gpus}


def test_types_with_gpus_count_first(tmp_path: Path):
    types = {
        "head": {"resources": {"CPU": 0}},
        "small": {"resources": {"CPU": 4}, "max_workers": 10},
        "large": {"resources": {"CPU": 8, "GPU": 2}, "max_workers": 3},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(shipped(max_workers=4, available_node_types=types)))
    assert fully_grown(path) == {"CPU": 28, "GPU": 6}


def test_machines_of_ones_own_and_a_cluster_without_a_file_are_taken_as_they_are(tmp_path: Path):
    local = yaml.safe_load((ROOT / "cluster.local.yaml").read_text())
    # what `ray up` makes of it: one type, of which it knows nothing
    local |= {"available_node_types": {"local.cluster.node": {"resources": {}, "max_workers": 2}}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(local | {"head_node_type": "local.cluster.node"}))
    assert fully_grown(path) is None
    assert fully_grown(tmp_path / "none.yaml") is None
