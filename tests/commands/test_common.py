"""Exit statuses: who has to do something about it."""

from __future__ import annotations

import pytest

from study import prepare, sweep, train
from study.commands.common import BAD_INPUT, DONE, FAILURE, INTERRUPTED, exit_status
from study.data.shapes import scenes
from study.models import backbones


def refuse() -> int:
    backbones.find("tinny", "model")
    return DONE


def trip() -> int:
    """A ValueError of numpy's in a line of ours: nobody's input."""
    scenes.classification(-1, seed=0)
    return DONE


def interrupt() -> int:
    raise KeyboardInterrupt


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]):
    assert exit_status(refuse) == BAD_INPUT
    said = ", ".join(backbones.names()) + ", or timm/NAME"
    assert capsys.readouterr().err == f"error: model = 'tinny': one of {said}\n"


def test_our_mistakes_come_with_a_traceback(capsys: pytest.CaptureFixture[str]):
    assert exit_status(trip) == FAILURE
    assert "Traceback" in capsys.readouterr().err


def test_interruption_and_success():
    assert exit_status(interrupt) == INTERRUPTED
    assert exit_status(lambda: DONE) == DONE


@pytest.mark.parametrize("command", [sweep, train])
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://host/runs", "'ftp://host/runs': no such kind of store; give a folder, s3://"),
        ("s3://", "'s3://': names no bucket"),
        ("s3://key:secret@bucket/runs", "'s3://…': contains credentials"),
        ("s3://bucket/runs?colour=red", "'s3://bucket/runs?colour=red': cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_is_refused(
    command, address: str, said: str, capsys: pytest.CaptureFixture[str]
):
    assert command.main(["--run-dir", address]) == BAD_INPUT
    err = capsys.readouterr().err
    assert err.startswith(f"error: --run-dir = {said}") and "secret" not in err


@pytest.mark.parametrize(
    ("command", "more"), [(sweep, ["--run-dir", "x"]), (train, []), (prepare, [])]
)
def test_the_data_are_given_by_data(command, more: list[str], capsys, tmp_path):
    place = str(tmp_path / "none")
    assert command.main(["--data", place, *more]) == BAD_INPUT
    assert capsys.readouterr().err.startswith(f"error: a problem in the data:\ndata = '{place}'")
    for old in (["--data.folder", place], [f"--data.folder={place}"]):
        assert command.main([*old, *more]) == BAD_INPUT
        said = capsys.readouterr().err
        assert "is called --data now" in said and said.count("\n") == 1
