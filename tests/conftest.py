"""For all tests: one thread for each process, no waiting for the disk, one Ray at a time."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch; a process per core


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Without fsync, which matters only where a machine crashes: tests kill processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def options_read_once() -> Iterator[None]:
    """tyro reads the source of all options, for their help, at each parsing: hundreds are here."""
    from tyro import _docstrings

    reader: Any = getattr(_docstrings, "_ClassTokenization", None)  # an affair of tyro's own
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(reader, "make"):
            patch.setattr(reader, "make", functools.cache(reader.make))
        yield


@pytest.hookimpl(trylast=True)  # after those that are not asked for have been left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with Ray first, then the slow ones: all processes end at about the same time."""

    def order(one: pytest.Item) -> tuple[bool, bool]:
        long = one.get_closest_marker("slow") or one.nodeid.startswith("tests/bad_input/")
        return not _starts_ray(one.nodeid), not long  # a file's tests are run by one process

    items.sort(key=order)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadgroup`, tests that start Ray go to one worker, others to any.

    Two clusters on one machine disturb each other. The marker xdist_group would say the same, but
    pytest-xdist 3.8 does not see it under pytest 9.2.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # here: pytest runs without xdist too

    class OneRay(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]  # together: they share what they have trained
            return "ray" if _starts_ray(nodeid) else file

    config.option.loadscopereorder = False  # as they were collected
    return OneRay(config, log)


def _starts_ray(nodeid: str) -> bool:
    return nodeid.startswith("tests/cluster/")
