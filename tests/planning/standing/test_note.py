"""What a sweep writes down of how its study stands, read later and elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.planning.standing import note
from study.planning.standing.note import Note
from study.planning.standing.parts import standing
from study.storage.run_dir import Damaged
from tests.simulated import Simulation, design


def test_it_is_read_as_it_was_written_and_time_goes_on(tmp_path: Path):
    begun = Simulation(design(), tmp_path).run(4)
    assert note.read(begun.study) is None
    written = Note(standing(begun.plan), seconds=60.0, seconds_left=90.0, time=1000.0)
    written.write(begun.study)
    found = note.read(begun.study)
    assert found is not None and found == written
    assert found.left_at(1000.0) == 90.0 and found.left_at(1030.0) == 60.0
    assert found.left_at(2000.0) == 0.0
    assert Note(written.standing, 60.0, None, 1000.0).left_at(1030.0) is None


def test_another_content_is_refused_by_name(tmp_path: Path):
    study = Simulation(design(), tmp_path).study
    study.write_standing({"seconds": 3.0})
    with pytest.raises(Damaged, match=r"standing\.json: is no note of a sweep"):
        note.read(study)
