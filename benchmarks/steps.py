"""A training step on one CPU thread: against another checkout's, and against torchvision's.

    python -m benchmarks.steps shapes CHECKOUT [--rounds N]
    python -m benchmarks.steps full [--side PX] [--rounds N]

`shapes`: the embedded network, in two processes that take turns, with the number of operations and
of waits in a step of each. `full`: R50-FPN with GroupNorm, two generated images, against
torchvision's parts and loop in this process, in float32 and in bfloat16; torchvision's images and
masks are ready in memory. Milliseconds are the CPU's, and ratios medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import peer
from benchmarks.counting import Counting
from benchmarks.full_size import CLASSES, Steps, run_of
from study.config.run import Compute

HERE = Path(__file__).parent.parent
EACH = 15  # steps of `shapes` in a turn
LENGTHER = 4 / 3  # of an image's sides


class Server:
    """A process that takes steps of `shapes` with a checkout's code."""

    def __init__(self, checkout: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "benchmarks" / "step_server.py")],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> list[float]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def taken_in_turns(
    ways: Mapping[str, Callable[[], list[float]]], rounds: int
) -> dict[str, list[float]]:
    """The median of each way's milliseconds, round by round; who is first changes."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 else list(ways)[::-1]:
            found[name].append(statistics.median(ways[name]()))
    return found


def report(found: Mapping[str, list[float]], counts: Mapping[str, str], images: int) -> None:
    """A row for each way; times as fast as the last one."""
    peer_of = found[list(found)[-1]]
    for name, own in found.items():
        times = statistics.median(b / a for a, b in zip(own, peer_of, strict=True))
        middle = statistics.median(own) / images
        print(f"  {name:28} {middle:8.1f} ms an image   × {times:.2f} as fast   {counts[name]}")


def shapes(other: Path, rounds: int) -> None:
    servers = {"this": Server(HERE), "other": Server(other.resolve())}
    for server in servers.values():
        server.ask("20")
    counts = {name: server.ask("count") for name, server in servers.items()}
    told = {name: f"{own[0]:.0f} operations, {own[1]:.0f} waits" for name, own in counts.items()}
    ways = {name: lambda own=server: own.ask(str(EACH)) for name, server in servers.items()}
    print("shapes, 4 images of 96 px")
    report(taken_in_turns(ways, rounds), told, images=4)
    for server in servers.values():
        server.end()


def full(side: int, rounds: int) -> None:
    torch.set_num_threads(1)
    size = side, round(side * LENGTHER)
    with tempfile.TemporaryDirectory() as folder:
        computes: dict[str, Compute] = {"float32": "float32", "bfloat16": "bfloat16"}
        config = run_of(Path(folder) / "data", size, images=2)
        ours = {
            name: Steps(replace(config, compute=compute), Path(folder) / name)
            for name, compute in computes.items()
        }
        ways: dict[str, Callable[[], object]] = {f"ours, {n}": own.step for n, own in ours.items()}
        ours["float32"].step()
        assert ours["float32"].batch
        batch = peer.as_torchvision(ours["float32"].batch)
        for name in reversed(computes):
            amp = None if name == "float32" else torch.bfloat16
            theirs = peer.mask_rcnn(config.model, CLASSES)
            loop = peer.Loop(theirs, config.optim, torch.device("cpu"), amp)
            ways[f"torchvision, {name}"] = lambda own=loop: own.step(*batch)
        told = {}
        for name, way in ways.items():
            way()
            with Counting() as found:
                way()
            told[name] = f"{found.operations / 2:.0f} operations an image, {found.waits} waits"
        print(f"R50-FPN, 2 images of {size[0]} × {size[1]} px")
        timed = {name: lambda own=way: [milliseconds(own)] for name, way in ways.items()}
        report(taken_in_turns(timed, rounds), told, images=2)


def milliseconds(way: Callable[[], object]) -> float:
    began = time.process_time()
    way()
    return 1000 * (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_shapes = commands.add_parser("shapes")
    of_shapes.add_argument("other", type=Path, help="another checkout")
    of_shapes.add_argument("--rounds", type=int, default=12)
    of_full = commands.add_parser("full")
    of_full.add_argument("--side", type=int, default=480, help="shorter side, px")
    of_full.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.command == "shapes":
        shapes(given.other, given.rounds)
    else:
        full(given.side, given.rounds)


if __name__ == "__main__":
    main()
