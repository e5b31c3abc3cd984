"""Where a run directory can lie: both kinds of store for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.objects import fresh, s3


@pytest.fixture(scope="package")
def server() -> Iterator[str]:
    """S3 on this machine, by its URL; each test takes an address of its own."""
    with s3() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def address(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> str:
    """A run directory that nobody has used, in a folder and on S3."""
    return fresh() if request.param == "s3" else str(tmp_path / "run")
