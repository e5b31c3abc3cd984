"""A run that is killed in the midst of its trunk, and goes on, ends as an undisturbed one.

On a GPU some kernels add in no fixed order (RoIAlign's backward, for large maps), so that not even
two undisturbed runs need be the same to the last bit; a resumed one is then held to be as near.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from benchmarks.gpu.setting import Setting
from benchmarks.gpu.table import Row, judged
from study.config import RunConfig, to_dict
from study.config.schedule import Leg
from study.storage.run_dir import TrialDir
from study.training import engine

KILLED_AT = 5  # iterations; a checkpoint is two before
NEAR = 1e-2  # relative difference of weights


def check(setting: Setting) -> Iterator[Row]:
    yield _one(setting, "killed and resumed", setting.embedded)
    if not setting.tiny:
        yield _one(setting, "killed and resumed, large maps", setting.large_maps)


def _one(setting: Setting, what: str, run: RunConfig) -> Row:
    folder = setting.folder / what.replace(" ", "_")
    undisturbed = complete(run, folder / "once")
    process = multiprocessing.get_context("spawn").Process(
        target=killed, args=(run, folder / "killed")
    )
    process.start()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        return judged(what, f"it was to be killed, and ended with {process.exitcode}", False)
    resumed = complete(run, folder / "killed")
    if far(resumed, undisturbed) == 0:
        return judged(what, "bit-identical to an undisturbed run", True)
    usual = far(complete(run, folder / "again"), undisturbed)
    found = far(resumed, undisturbed)
    result = f"weights differ by {found:.0e}, those of two undisturbed runs by {usual:.0e}"
    return judged(what, result, usual > 0 and found <= max(10 * usual, NEAR))


def train(run: RunConfig, folder: Path) -> None:
    """Take the run to its end, from wherever it stands."""
    trial = TrialDir(folder)
    trial.write_config({"run": to_dict(run)})
    for _ in engine.run(run, trial):
        pass


def complete(run: RunConfig, folder: Path) -> dict[str, Tensor]:
    """The weights at the end of the run."""
    train(run, folder)
    last = sorted(folder.glob("*.safetensors"))[-1]
    return safetensors.torch.load_file(last)


def killed(run: RunConfig, folder: Path) -> None:
    """A process that dies in its run, as of a lost machine."""
    step = engine.Session.step

    def dies(self: engine.Session, leg: Leg, iteration: int) -> None:
        if iteration == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        step(self, leg, iteration)

    engine.Session.step = dies
    train(run, folder)


def far(some: dict[str, Tensor], others: dict[str, Tensor]) -> float:
    """The norm of the difference by the norm, of all weights; 0 where all bits are the same."""
    if all(torch.equal(some[name], own) for name, own in others.items()):
        return 0.0
    rows = [torch.cat([own.double().flatten() for own in of.values()]) for of in (some, others)]
    return float((rows[0] - rows[1]).norm() / rows[1].norm())
