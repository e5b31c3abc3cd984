"""Which photos a folder holds."""

from __future__ import annotations

from pathlib import Path

from study.trained.photos import WRITTEN, listed


def test_hidden_files_and_what_was_found_before_are_no_photos(tmp_path: Path):
    for name in ("a.jpg", "b/c.png", ".d.jpg", ".e/f.jpg", "out/g.jpg", "before/h.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in WRITTEN:
        (tmp_path / "before" / name).touch()
    found = listed([tmp_path, tmp_path / "a.jpg"], tmp_path / "out")
    assert found == [tmp_path / "a.jpg", tmp_path / "b" / "c.png"]
