"""Two processes with a GPU each compute what one does with the whole batch."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist

from benchmarks.gpu.resuming import complete, far, train
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.table import Row, judged
from study.config import RunConfig

RANKS = 2
LIMIT = 1e-6  # relative difference of weights, in float64


def check(setting: Setting) -> Iterator[Row]:
    if setting.device == "cuda" and torch.cuda.device_count() < RANKS:
        yield Row("two ranks", "there is one GPU: NCCL was not tried", "not done")
        return
    run = replace(setting.embedded, precision="float64")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = setting.folder / "ranks"
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=work, args=(rank, port, run, folder / "two"))
        for rank in range(RANKS)
    ]
    for process in processes:
        process.start()
    alone = complete(run, folder / "one")
    for process in processes:
        process.join(300)
    if any(process.exitcode for process in processes):
        ends = [process.exitcode for process in processes]
        for process in processes:
            process.kill()
        yield judged("two ranks", f"exit statuses {ends}", False)
        return
    found = far(complete(run, folder / "two"), alone)
    result = f"weights differ by {found:.0e} from one rank's in float64 (at most {LIMIT:.0e})"
    yield judged(f"two ranks ({_backend(run)})", result, found <= LIMIT)


def work(rank: int, port: int, run: RunConfig, folder: Path) -> None:
    """A rank's process."""
    if run.device == "cuda":
        torch.cuda.set_device(rank)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group(_backend(run), rank=rank, world_size=RANKS)
    train(run, folder)
    dist.destroy_process_group()


def _backend(run: RunConfig) -> str:
    return "nccl" if run.device == "cuda" else "gloo"
