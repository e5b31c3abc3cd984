"""Processes that run tests: forks of this one, which has imported what takes long to import."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutants import mistaken
from benchmarks.mutants.mistaken import ROOT
from benchmarks.mutants.mutations import Mutant

SLOW_IMPORTS = ("torch", "torchvision", "scipy.stats", "pandas", "optuna", "cattrs", "PIL.Image")
SLOW_IMPORTS += ("hotcoco", "pycocotools", "opda", "matplotlib", "tyro", "safetensors.torch")
SLOW_IMPORTS += ("jsonschema", "rich.console", "rich.progress", "pyarrow.parquet", "hypothesis")
SLOW_IMPORTS += ("matplotlib.figure", "matplotlib.backends.backend_agg", "scipy.optimize", "yaml")
SLOW_IMPORTS += ("optuna.samplers", "torchvision.models.detection", "_pytest.assertion.rewrite")
OPTIONS = ("-p", "no:cacheprovider", "-q", "--no-header")


def import_what_is_slow() -> None:
    """Nothing of ours: each child imports that, with its mistake."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # no test here needs another's plugin
    for name in SLOW_IMPORTS:
        importlib.import_module(name)


def forked(work: Callable[[Path], int], seconds: float) -> tuple[str, str]:
    """Do the work in a child; returns how it ended, and what it printed last.

    The work is given an empty folder. "exit N", "time", or "signal N".
    """
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        out = os.open(folder / "printed", os.O_CREAT | os.O_WRONLY)
        os.dup2(out, 1)
        os.dup2(out, 2)
        limit = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        try:
            status = work(folder)
        except BaseException as error:  # the child never returns to what its parent does
            print(repr(error), flush=True)
            status = 99
        sys.stdout.flush()
        os._exit(int(status))
    try:
        return _waited(child, seconds), (folder / "printed").read_text(errors="replace")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests may have started
        shutil.rmtree(folder, ignore_errors=True)


def _waited(child: int, seconds: float) -> str:
    end = time.monotonic() + 12 * seconds + 30  # one that sleeps; others may use this machine
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "time"
        time.sleep(0.01)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "time" if number in (signal.SIGXCPU, signal.SIGKILL) else f"signal {number}"
    return f"exit {os.WEXITSTATUS(status)}"


def tested(mutant: Mutant | None, tests: Sequence[str], seconds: float) -> tuple[str, str]:
    """Run tests with the mistake, or without any, until one of them fails."""

    def work(folder: Path) -> int:
        if mutant is not None:
            mistaken.install(mutant.file, mutant.number)
            # those that its tests start have it too
            (folder / "sitecustomize.py").write_text(
                "from benchmarks.mutants import mistaken\n"
                f"mistaken.install({mutant.file!r}, {mutant.number})\n"
            )
            os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
        options = ["-x", "--tb=line", "--durations=0", f"--basetemp={folder / 'temp'}"]
        return pytest.main([*OPTIONS, *options, *tests])

    return forked(work, seconds)


def reached(test_file: str, sources: Sequence[str]) -> dict[str, Any]:
    """Which functions of the sources each of a file's tests calls, and its seconds of the CPU.

    {"tests": {id: seconds}, "calls": {"FILE:LINE": [ids]}}. What a fixture calls counts for all
    tests of the file, because it may be shared. Empty where the file's tests fail.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as found:
        answer = Path(found) / "reached.json"

        def work(folder: Path) -> int:
            observer = _Observer({str(ROOT / source): source for source in sources})
            options = [*OPTIONS, f"--basetemp={folder / 'temp'}", test_file]
            status = pytest.main(options, plugins=[observer])
            if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                answer.write_text(json.dumps(observer.found()))
            return status

        how, printed = forked(work, 300)
        if not answer.exists():
            raise RuntimeError(f"{test_file}: {how} without any mistake\n{printed[-2000:]}")
        return json.loads(answer.read_text())


class _Observer:
    """A plugin of pytest: what each test calls."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, set[str]] = defaultdict(set)
        self._now = "*"

    def _trace(self, frame: types.FrameType, _event: str, _value: object) -> None:
        code = frame.f_code
        if code.co_filename in self._sources:
            self._calls[f"{self._sources[code.co_filename]}:{code.co_firstlineno}"].add(self._now)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        began = time.process_time()
        found = yield
        self._seconds[item.nodeid] = round(time.process_time() - began, 3)
        self._now = "*"
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        self._now = item.nodeid
        found = yield
        self._now = "*"
        return found

    def pytest_sessionstart(self) -> None:
        threading.settrace(self._trace)  # type: ignore[arg-type]
        sys.settrace(self._trace)  # type: ignore[arg-type]

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)

    def found(self) -> dict[str, Any]:
        calls = {
            place: sorted(self._seconds if "*" in tests else tests)
            for place, tests in self._calls.items()
        }
        return {"tests": self._seconds, "calls": calls}
