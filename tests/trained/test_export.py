"""`study.export`: a detector's folder becomes an ONNX file, and bad input one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import save
from torch import nn

from study import export
from study.commands.common import BAD_INPUT, DONE
from study.config import TINY, RunConfig
from study.models import onnx_file
from study.models.detector import Detector
from study.models.weights.whole import own
from study.trained import folder
from tests.powerless import powerless


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Of boxes of two classes, not trained."""
    run = RunConfig(model=TINY.but(masks=False, short_px=48, long_px=96))
    made = Detector(run.model, 2)
    for parameter in made.roi_heads.box_predictor.parameters():
        nn.init.normal_(parameter, std=0.3)
    weights = save(made.state_dict(), own.metadata(run.model, ["cat", "dog"]))
    classes = folder.Classes((3, 7), ("cat", "dog"))
    folder.write(tmp_path / "detector", weights, run, classes, "# card\n")
    return tmp_path / "detector"


@pytest.mark.slow
def test_it_writes_a_file_that_says_what_it_takes(
    detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tmp_path / "d.onnx"
    assert export.main([str(detector), str(file), "--height", "96", "--width", "128"]) == DONE
    said = capsys.readouterr().out
    assert "boxes of 2 classes" in said and "resized to 48 x 64" in said
    session = onnxruntime.InferenceSession(file)
    assert session.get_inputs()[0].shape == [3, 48, 64]
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["cat", "dog"]


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
    detector: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(onnx_file, "write", lambda *_: pytest.fail("exported"))
    file = str(tmp_path / "own" / "d.onnx")
    with powerless(tmp_path, [("own", 0o555)]):
        assert export.main([str(detector), file, "--height", "9", "--width", "9"]) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert "own" in line and "ermission denied" in line


@pytest.mark.parametrize(
    ("place", "file", "said"),
    [
        ("nowhere", "d.onnx", "nowhere"),
        ("detector", "d.pt", "file = '"),
    ],
)
def test_bad_input_is_one_line(
    place: str,
    file: str,
    said: str,
    detector: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    command = [str(tmp_path / place), str(tmp_path / file), "--height", "9", "--width", "9"]
    assert export.main(command) == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line
