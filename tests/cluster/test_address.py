"""Which cluster is joined; what cannot be an address is in the corpus of bad input."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.cluster import address
from tests.cluster.test_storage import can_isolate


@pytest.fixture
def head() -> Iterator[str]:
    """Somebody who listens, as a cluster's head does."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Ray's files, in which it writes down where a cluster was started."""
    monkeypatch.delenv(address.VARIABLE, raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray"


def test_without_any_a_command_starts_its_own(monkeypatch: pytest.MonkeyPatch):
    assert address.to_join() is None
    monkeypatch.setenv(address.VARIABLE, "")
    assert address.to_join() is None


def test_what_is_given_comes_before_what_was_started_here(
    head: str, files: Path, monkeypatch: pytest.MonkeyPatch
):
    (files / "ray_current_cluster").write_text("127.0.0.1:1")
    monkeypatch.setenv(address.VARIABLE, head)
    assert address.to_join() == head
    monkeypatch.setenv(address.VARIABLE, "local")
    assert address.to_join() is None


@pytest.mark.parametrize("given", [None, "auto"])
def test_a_cluster_that_was_started_here_is_found(
    given: str | None, head: str, files: Path, monkeypatch: pytest.MonkeyPatch
):
    if given:
        monkeypatch.setenv(address.VARIABLE, given)
    (files / "ray_current_cluster").write_text(head)
    assert address.to_join() == head
    (files / "ray_current_cluster").write_text("127.0.0.1:1")
    with pytest.raises(ValueError, match=r"no Ray cluster answers at 127.0.0.1:1, .*`ray stop`"):
        address.to_join()


@pytest.mark.skipif(not can_isolate(), reason="needs root and namespaces")
def test_a_machine_that_does_not_reach_itself_is_told():
    code = "from study.cluster.address import require_loopback; require_loopback()"
    python = [sys.executable, "-c", code]
    there = subprocess.run(python, capture_output=True, text=True)
    assert there.returncode == 0, there.stderr
    alone = subprocess.run(["unshare", "--net", *python], capture_output=True, text=True)
    assert alone.returncode == 1
    assert "does not reach itself at 127.0.0.1 (Network is unreachable)" in alone.stderr
