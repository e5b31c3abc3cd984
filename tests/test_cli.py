"""Exit statuses: who has to do something about it."""

from __future__ import annotations

import numpy as np
import pytest

from study.cli import BAD_INPUT, DONE, FAILURE, INTERRUPTED, exit_status
from study.config import model


def refuse() -> int:
    model("tinny")
    return DONE


def trip() -> int:
    return int(np.arange(3).reshape(2, 2)[0, 0])  # a ValueError of numpy's: nobody's input


def interrupt() -> int:
    raise KeyboardInterrupt


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]):
    assert exit_status(refuse) == BAD_INPUT
    assert capsys.readouterr().err == "error: model = 'tinny': one of tiny, r50-fpn, r101-fpn\n"


def test_our_mistakes_come_with_a_traceback(capsys: pytest.CaptureFixture[str]):
    assert exit_status(trip) == FAILURE
    assert "Traceback" in capsys.readouterr().err


def test_interruption_and_success():
    assert exit_status(interrupt) == INTERRUPTED
    assert exit_status(lambda: DONE) == DONE
