"""The check for GPUs, on a CPU: every check gives its rows, and a failure is seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks import check_gpu
from benchmarks.gpu import numerics, resuming
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.table import Row, Table

ROWS = [
    "embedded network, float64, against a CPU",
    "embedded network, float32, against a CPU",
    "embedded network, bfloat16, against float32",
    "killed and resumed",
    "two ranks (gloo)",
    "system table1/r50-gn-scratch",
]


@pytest.fixture
def tiny(tmp_path: Path) -> Setting:
    return Setting("cpu", tmp_path, tiny=True)


@pytest.mark.slow
def test_every_check_gives_its_rows(tiny: Setting, monkeypatch: pytest.MonkeyPatch):
    """But for numbers, which come next, and speed: on a busy CPU its steps take minutes."""
    others = {n: check for n, check in check_gpu.CHECKS.items() if n not in ("numbers", "speed")}
    monkeypatch.setattr(check_gpu, "CHECKS", others)
    rows = check_gpu.checked(tiny).rows
    assert [row.what for row in rows] == ROWS[3:]
    assert {row.verdict for row in rows} == {"ok"}


@pytest.mark.slow
def test_a_device_that_agrees_with_the_cpu_passes(tiny: Setting):
    rows = list(numerics.check(tiny))
    assert [row.what for row in rows] == ROWS[:3]
    assert {row.verdict for row in rows} == {"ok"}


@pytest.mark.slow
def test_a_device_that_computes_otherwise_fails(tiny: Setting, monkeypatch: pytest.MonkeyPatch):
    step = numerics._step

    def wrong(setting: Setting, run: numerics.RunConfig, number: int) -> numerics.Found:
        found = step(setting, run, number)
        return found if run.compute == "bfloat16" else found._replace(gradient=-found.gradient)

    monkeypatch.setattr(numerics, "_step", wrong)
    assert [row.verdict for row in numerics.check(tiny)] == ["ok", "ok", "FAILED"]


def test_weights_are_the_same_or_as_far_apart_as_they_are():
    one = {"a": torch.ones(3), "b": torch.zeros(2)}
    other = {"a": torch.ones(3), "b": torch.tensor([0.0, 3**0.5])}
    assert resuming.far(one, one) == 0
    assert resuming.far(one, other) == pytest.approx((3 / 6) ** 0.5)


def test_what_a_check_raises_is_a_row_that_failed(capsys: pytest.CaptureFixture[str]):
    def check() -> Iterator[Row]:
        yield Row("first", "as it should be", "ok")
        raise RuntimeError("no kernel image\nis available")

    table = Table()
    table.take("broken", check())
    assert table.rows == [
        Row("first", "as it should be", "ok"),
        Row("broken", "no kernel image", "FAILED"),
    ]
    assert table.failed and "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("verdict", "status"), [("ok", 0), ("FAILED", 1)])
def test_the_exit_status_says_whether_a_row_failed(
    verdict: str, status: int, monkeypatch: pytest.MonkeyPatch
):
    rows = [Row("something", "", verdict)]  # type: ignore[arg-type]
    monkeypatch.setattr(check_gpu, "CHECKS", {"one": lambda _: iter(rows)})
    assert check_gpu.main(["--device", "cpu", "--tiny"]) == status


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert check_gpu.main([]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "there is no GPU that torch can use; --device cpu --tiny checks the check itself"
    ]


@pytest.mark.slow
def test_it_needs_no_ray():
    blocked = "import sys; sys.modules['ray'] = None; import benchmarks.check_gpu"
    assert subprocess.run([sys.executable, "-c", blocked], check=False).returncode == 0
