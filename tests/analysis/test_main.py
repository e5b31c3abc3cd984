"""The command: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

import analysis
from analysis import __main__ as command
from analysis import analysing
from analysis.answers import starts
from analysis.report import terminal
from analysis.report.derived import derived
from analysis.report.page import put
from analysis.text.words import headline
from analysis.tuning import cross_tuning, stop_audit
from study.commands.common import BAD_INPUT, DONE, FAILURE, INTERRUPTED
from tests.analysis.conftest import Incomplete
from tests.analysis.incomplete import DRAWN, INCOMPLETE

Capture = pytest.CaptureFixture[str]


def shown(results: analysis.Results) -> str:
    text = io.StringIO()
    terminal.show_all(results, derived(results), text)
    return text.getvalue()


@pytest.mark.slow
def test_it_prints_the_answer_and_writes_the_page(tmp_path: Path, capsys: Capture):
    run, out_dir = tmp_path / "run", tmp_path / "page"
    INCOMPLETE["no masks"](run)
    assert command.main([str(run), "--out", str(out_dir)]) == DONE
    out, err = capsys.readouterr()
    assert not err
    assert out.startswith("With 64 training images, pretext beats scratch by ")
    assert out.endswith(f"report: {out_dir / 'index.html'}\n")
    assert (out_dir / "index.html").stat().st_size > 10_000
    assert not (run / "report").exists()


@pytest.mark.slow
def test_the_page_lies_in_the_run_directory(tmp_path: Path):
    INCOMPLETE["begun"](tmp_path)
    assert command.main([str(tmp_path)]) == DONE
    assert (tmp_path / "report" / "index.html").exists()
    assert command.main([str(tmp_path)]) == DONE  # again, over the former


def test_tables_are_whole_and_fit_100_columns(results: analysis.Results):
    lines = shown(results).splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "…" not in text
    assert "\x1b" not in text  # no colours in a pipe
    for row in analysis.answer(results).to_dict("records"):
        for side in ("reference", "arm"):
            for kind in ("box", "mask"):
                ends = (row[f"AP_{kind}_{side}{end}"] for end in ("", "_low", "_high"))
                assert "{:.1f} ({:.1f} to {:.1f})".format(*ends) in text
        assert f"+{row['AP_box_difference']:.1f} (" in text
    for setting in analysis.best(results).to_dict("records"):
        assert f"{setting['lr']:.3g}" in text
        assert f"{setting['length']}" in text
    assert f"{results.costs['images'].sum():,}" in text


def test_it_says_what_stopping_and_the_papers_way_are_worth(everything: analysis.Results):
    text = shown(everything)
    assert max(map(len, text.splitlines())) <= 100
    flat = " ".join(text.split())
    paper = cross_tuning.as_in_the_paper(everything, analysis.cross_tuning(everything))
    for line in (*stop_audit.told(analysis.stop_audit(everything)), *cross_tuning.told(paper)):
        assert " ".join(line.split()) in flat


@pytest.mark.parametrize("study", DRAWN)
def test_incomplete_studies_can_be_read(study: str, incomplete: Incomplete):
    results = incomplete(study)
    text = shown(results)
    said, flat = headline(analysis.answer(results)), " ".join(text.split())
    if starts.several(analysis.starts(results)):
        assert flat.startswith(" ".join(starts.told(analysis.starts(results))))
        assert said in flat
    else:
        assert flat.startswith(said)
    assert "nan" not in text
    assert "None" not in text
    assert "<NA>" not in text


def test_a_path_moves_no_cursor(tmp_path: Path, capsys: Capture):
    run = tmp_path / "run\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}"
    INCOMPLETE["queued"](run)
    assert command.main([str(run)]) == DONE
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\N{RIGHT-TO-LEFT OVERRIDE}" not in out
    assert (run / "report" / "index.html").exists()


def test_nothing_is_replaced_where_the_page_cannot_be(tmp_path: Path):
    (tmp_path / "index.html").mkdir()
    (tmp_path / "answer.csv").write_text("before")
    with pytest.raises(IsADirectoryError, match=r"index\.html in it is a folder"):
        put({"answer.csv": b"after", "index.html": b""}, tmp_path)
    assert (tmp_path / "answer.csv").read_text() == "before"


def empty(path: Path) -> None:
    path.mkdir()


def a_file(path: Path) -> None:
    path.write_text("")


def one_run(path: Path) -> None:
    path.mkdir()
    (path / "config.json").write_text("{}")


def torn(path: Path) -> None:
    path.mkdir()
    (path / "study.json").write_text('{"question": ')


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such folder; give the --run-dir of a"),
        (a_file, "is a file; give a folder"),
        (empty, "holds no study, no study.json; give the --run-dir of a"),
        (one_run, "holds one run, no study.json; give the --run-dir of a"),
        (torn, "study.json: not JSON"),
    ],
)
def test_what_is_no_study_is_one_line(make, words: str, tmp_path: Path, capsys: Capture):
    make(tmp_path / "run")
    assert command.main([str(tmp_path / "run")]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert str(tmp_path / "run") in err
    assert words in err


def test_a_report_that_cannot_be_written_names_its_folder(tmp_path: Path, capsys: Capture):
    INCOMPLETE["begun"](tmp_path / "run")
    (tmp_path / "taken").write_text("")
    assert command.main([str(tmp_path / "run"), "--out", str(tmp_path / "taken")]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert not out  # nothing is computed that could not be written
    assert err.startswith(f"error: --out = {tmp_path / 'taken'}: ")
    assert err.endswith("is a file; give a folder with --out\n")


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), INTERRUPTED), (RuntimeError("ours"), FAILURE)]
)
def test_other_ends_have_their_status(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    def fail(_: Path) -> None:
        raise error

    monkeypatch.setattr(analysing, "load", fail)
    assert command.main(["runs/any"]) == status
    assert ("Traceback" in capsys.readouterr().err) == (status == FAILURE)


@pytest.mark.slow
def test_status_leaves_the_process(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "analysis", str(tmp_path)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
