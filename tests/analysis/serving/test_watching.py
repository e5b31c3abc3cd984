"""A running study's page: made again when something was recorded, and served meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.analysing import analyse
from analysis.options import Analysis
from analysis.serving import watching
from study import sweep
from study.commands.common import BAD_INPUT, DONE
from study.storage import StoreError
from study.storage.run_dir import State
from tests.analysis.incomplete import INCOMPLETE, ONE_SIZE, rng
from tests.analysis.synthetic import Truth, begin, run_of, write_trial
from tests.objects import fresh, s3

Capture = pytest.CaptureFixture[str]


def fetched(url: str) -> tuple[str, str]:
    """The page and its version."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read().decode(), reply.headers["ETag"]


def url_in(text: str) -> str:
    found = re.findall(r"http://127\.0\.0\.1:\d+/", text)
    assert len(found) == 1, text  # once
    return found[0]


def followed(address: Path | str, folder: Path, capsys: Capture) -> None:
    """Serve the page of a study that has just begun, and of which then a trial fails."""
    study = begin(address, ONE_SIZE)  # type: ignore[arg-type]
    seen: list[tuple[str, str]] = []
    url: list[str] = []

    def pause(seconds: float) -> None:
        assert seconds >= watching.PAUSE
        if not url:
            url.append(url_in(capsys.readouterr().out))
        seen.append(fetched(url[0]))
        written = (folder / "index.html").read_text()
        assert "<script" not in written and written.partition("</body>")[0] in seen[-1][0]
        if len(seen) == 2:
            run = run_of(ONE_SIZE, "scratch", 64)
            write_trial(study, run, Truth(), rng=rng())
            study.trial(run.trial_id).mark(State.FAILED, error="out of <memory>")
        if len(seen) == 3:
            raise KeyboardInterrupt

    served = Analysis(run_dir=address, out=folder, watch=True, port=0)
    assert analyse(served, pause) == DONE
    (first, begun), (_, same), (then, after) = seen
    assert begun == same != after  # nothing was recorded: not made again
    assert re.search(
        r"As of \d\d:\d\d \w+, 0 of 24 trainings ended\. Nothing is recorded yet", first
    )
    assert "Nothing is recorded" not in then
    assert "out of &lt;memory&gt;" in then and "out of" not in first
    told = capsys.readouterr().out
    assert "0 of 24 trainings ended: page written again" in told
    assert told.endswith("the page is no longer served\n")
    with pytest.raises(OSError):
        fetched(url[0])  # nobody answers any more


@pytest.mark.slow
def test_a_served_page_follows_the_study(tmp_path: Path, capsys: Capture):
    followed(tmp_path / "run", tmp_path / "run" / "report", capsys)


@pytest.mark.slow
def test_it_follows_a_study_on_an_object_store(tmp_path: Path, capsys: Capture):
    with s3():
        followed(fresh(), tmp_path, capsys)


def test_a_store_that_cannot_be_reached_for_a_while_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    INCOMPLETE["begun"](tmp_path)
    looks = 0

    def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            monkeypatch.setattr(watching, "stamp", unreachable)
        if looks == 2:
            monkeypatch.undo()
        if looks == 3:
            raise KeyboardInterrupt

    def unreachable(_: Path) -> watching.Stamp:
        raise StoreError("s3://bucket/run: no network")

    served = Analysis(run_dir=tmp_path, watch=True, port=0)
    assert analyse(served, pause) == DONE
    assert "s3://bucket/run: no network" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--watch"], "there is no such folder; give the --run-dir of a"),
        (["--port", "8765"], "port = 8765: only with --watch"),
        (["--host", "0.0.0.0"], "host = '0.0.0.0': only with --watch"),
        (["--watch", "--all"], "all = True: leave it out with --watch"),
    ],
)
def test_what_cannot_be_watched_is_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: Capture
):
    assert main([str(tmp_path / "none"), *options]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_a_sweeps_door_becomes_the_command_that_serves(monkeypatch: pytest.MonkeyPatch):
    became: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda path, command: became.append([path, *command[1:]]))
    sweep.main(["--watch", "s3://bucket/run", "--port", "0"])
    sweep.main(["--watch=runs/mine"])
    serves = [sys.executable, "-m", "analysis"]
    assert became == [
        [*serves, "s3://bucket/run", "--watch", "--port=0"],
        [*serves, "runs/mine", "--watch"],
    ]


@pytest.mark.slow
def test_ctrl_c_ends_it_with_a_line(tmp_path: Path):
    INCOMPLETE["begun"](tmp_path)
    asked = [sys.executable, "-m", "study.sweep", "--watch", str(tmp_path), "--port", "0"]
    # in the background of a shell Ctrl-C is ignored, also by what is started there
    listens = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=listens
    ) as it:
        assert it.stdout
        told = it.stdout.readline() + it.stdout.readline()
        page, _ = fetched(url_in(told))
        assert "there are no scores to compare yet" in page
        it.send_signal(signal.SIGINT)
        assert it.stdout.read() == "\nthe page is no longer served\n"
    assert it.returncode == DONE
