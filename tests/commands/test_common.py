"""Exit statuses: who has to do something about it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from study import prepare, sweep, train
from study.commands.common import BAD_INPUT, DONE, FAILURE, INTERRUPTED, exit_status
from study.commands.options.parsing import parsed
from study.commands.options.sweep import Sweep
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


def test_our_mistakes_come_with_a_traceback_and_say_whose_they_are(
    capsys: pytest.CaptureFixture[str],
):
    assert exit_status(trip) == FAILURE
    said = capsys.readouterr().err
    assert "Traceback" in said
    *_, what, report = said.splitlines()
    assert what.startswith("error: this is a fault of the program, not of what you gave it: Val")
    assert report.startswith("Please report it, with the lines above and the command, to ")


@pytest.mark.parametrize(
    ("number", "status", "remedy"),
    [
        (errno.ENOSPC, FAILURE, "make room there"),
        (errno.EROFS, BAD_INPUT, "that can be written to"),
        (errno.EACCES, BAD_INPUT, "who may read or write it"),
        (errno.ENAMETOOLONG, BAD_INPUT, "a shorter path"),
        (errno.ENOTDIR, BAD_INPUT, "a part of the path is a file"),
        (errno.EMFILE, FAILURE, "ulimit -n"),
    ],
)
def test_what_the_system_refuses_is_one_line_with_the_path_and_what_to_do(
    number: int, status: int, remedy: str, capsys: pytest.CaptureFixture[str]
):
    def act() -> int:
        raise OSError(number, os.strerror(number), "some/file")

    assert exit_status(act) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: some/file: {os.strerror(number)}; ") and remedy in line


def test_want_of_memory_is_one_line(capsys: pytest.CaptureFixture[str]):
    def act() -> int:
        raise MemoryError

    assert exit_status(act) == FAILURE
    (line,) = capsys.readouterr().err.splitlines()
    assert "fewer --workers" in line


def test_a_package_that_cannot_be_loaded_is_one_line_but_not_our_own(capsys):
    def act(name: str, said: str) -> int:
        raise ImportError(said, name=name)

    segment = "libtorch_cpu.so: failed to map segment from shared object"
    assert exit_status(lambda: act("torch._C", segment)) == FAILURE
    said = capsys.readouterr().err
    assert said.startswith(f"error: a package cannot be loaded: {segment}; install")
    assert said.count("\n") == 1
    assert exit_status(lambda: act("study.models", "cannot import name 'x'")) == FAILURE
    assert "a fault of the program" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "package"),
    [
        ("MPLBACKEND", "matplotlib"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "huggingface_hub.constants"),
        ("TORCH_LOGS", "torch"),
    ],
)
def test_a_variable_that_a_package_does_not_take_is_one_line(variable: str, package: str):
    act = f"lambda: __import__({package!r}) and 0"
    code = f"from study.commands.common import exit_status; exit(exit_status({act}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {variable: "nonsense"},
        capture_output=True,
        text=True,
        check=False,
    )
    line = done.stderr.strip()
    assert done.returncode == BAD_INPUT and "\n" not in line
    assert line.startswith(f"error: environment variable {variable} = 'nonsense': ")
    assert line.endswith(f"; correct it, or unset {variable}")


def test_a_variable_that_has_nothing_to_do_with_it_is_not_blamed(monkeypatch, capsys):
    monkeypatch.setenv("CHANCE", "negative")  # a word of what numpy says
    assert exit_status(trip) == FAILURE
    assert "this is a fault of the program" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["study.prepare", "analysis.__main__"])
def test_what_may_fail_at_its_import_is_imported_where_that_is_told(command: str):
    heavy = ("torch", "matplotlib")
    code = f"import sys, {command}; print([n for n in {heavy} if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.stdout.strip() == "[]", said


def test_a_folder_that_was_removed_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert exit_status(lambda: DONE) == BAD_INPUT
    assert "was removed: go to another one" in capsys.readouterr().err


def test_control_characters_of_a_name_do_not_reach_the_terminal(capsys):
    def act() -> int:
        parsed(Sweep, ["--data.folder=\x1b[2J"], "sweep")
        return DONE

    assert exit_status(act) == BAD_INPUT
    assert "\x1b" not in capsys.readouterr().err


ENDS = """
import sys
from study.commands.common import exit_status
def act():
    if sys.argv[1] == "much":
        for _ in range(100000): print("a line")
    print("\u65e5\u672c")
    return 0
sys.exit(exit_status(act))
"""


@pytest.mark.parametrize(
    ("shell", "status"),
    [
        ("{python} -c '{ends}' much | head -1; exit ${{PIPESTATUS[0]}}", 141),
        ("LC_ALL=C PYTHONIOENCODING=ascii {python} -c '{ends}' x", 0),
        ("{python} -c '{ends}' x >&-", 0),
        ("{python} -c '{ends}' x 2>&-", 0),
    ],
)
def test_no_output_ends_in_a_traceback(shell: str, status: int):
    text = shell.format(python=sys.executable, ends=ENDS)
    done = subprocess.run(["bash", "-c", text], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize(("goes_on", "said"), [(True, "goes on where"), (False, "begins again")])
def test_interruption(goes_on: bool, said: str, capsys: pytest.CaptureFixture[str]):
    assert exit_status(interrupt, goes_on=goes_on) == INTERRUPTED
    assert f"interrupted: the same command {said}" in capsys.readouterr().err


def test_success():
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
    ("command", "more"), [(sweep, ["--run-dir", "x"]), (train, ["--run-dir", "x"]), (prepare, [])]
)
def test_the_data_are_given_by_data(command, more: list[str], capsys, tmp_path):
    place = str(tmp_path / "none")
    assert command.main(["--data", place, *more]) == BAD_INPUT
    assert capsys.readouterr().err.startswith(f"error: a problem in the data: data = '{place}'")
    for old in (["--data.folder", place], [f"--data.folder={place}"]):
        assert command.main([*old, *more]) == BAD_INPUT
        said = capsys.readouterr().err
        assert "is called --data now" in said and said.count("\n") == 1
