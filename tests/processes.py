"""Processes for tests that need several, or one to kill: they fork from one that knows torch.

Importing torch takes seconds, and each of these processes would do it again.
"""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from torch.multiprocessing.spawn import start_processes

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["study.training.engine"])


def started(function: Callable[..., None], *args: Any) -> BaseProcess:
    """A process that runs a function of a module."""
    process = _FORKSERVER.Process(target=function, args=args)
    process.start()
    return process


def two_workers(function: Callable[..., None], *args: Any) -> None:
    """Run `function(rank, address, *args)` twice; the address is for torch.distributed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    start_processes(function, (address, *args), nprocs=2, start_method="forkserver")
