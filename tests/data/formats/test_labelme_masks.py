"""A mask within a file of LabelMe's is a PNG, and nothing else is made of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from study.data.formats import recognised
from study.data.source import BadData
from tests.bad_input import data_sets as sets

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n%%EOF\n"


def test_a_program_in_the_place_of_a_mask_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Pillow reads an EPS by starting Ghostscript with it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "bin" / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (data := tmp_path / "data").mkdir()
    mask = base64.b64encode(EPS).decode()
    shape = {"label": "cat", "points": [[2, 2], [21, 21]], "shape_type": "mask", "mask": mask}
    told = {"imagePath": "1.png", "imageWidth": 24, "imageHeight": 24, "shapes": [shape]}
    (data / "1.json").write_text(json.dumps(told))
    (data / "1.png").write_bytes(sets.content(sets.scene(1)))
    with pytest.raises(BadData, match="cannot be read as a PNG in base64: no PNG"):
        recognised(data).train.read()
    assert not (tmp_path / "ran").exists()
