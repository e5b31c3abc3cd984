"""Losses and gradients of one step: the device against the CPU, bfloat16 against float32.

A sample is drawn by a hash and not by rounding, so that both take the same boxes, unless rounding
moves a box across a threshold. float64 tells that from a mistake: there it practically never does.
In float32 the middle one of three batches is judged.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.full_size import Steps, run_of
from benchmarks.gpu.setting import Setting
from benchmarks.gpu.table import Row, judged
from study.config import RunConfig

BATCHES = 3
EXACT, FLOAT = 1e-8, 1e-3  # relative differences of losses and of the whole gradient
LOSS, COSINE = 0.05, 0.9  # of bfloat16: difference of the loss, and angle of the gradients


class Found(NamedTuple):
    losses: dict[str, float]
    gradient: Tensor  # all parameters', in a row, float64 on the host


def check(setting: Setting) -> Iterator[Row]:
    for name, run in _runs(setting).items():
        exact = replace(run, precision="float64")
        yield _against_cpu(setting, f"{name}, float64, against a CPU", exact, EXACT)
        plain = [_step(setting, run, number) for number in range(BATCHES)]
        yield _against_cpu(setting, f"{name}, float32, against a CPU", run, FLOAT, plain)
        rough = [
            _step(setting, replace(run, compute="bfloat16"), number) for number in range(BATCHES)
        ]
        yield _coarse(f"{name}, bfloat16, against float32", rough, plain)


def _runs(setting: Setting) -> dict[str, RunConfig]:
    side = setting.short_px
    images = 1 if setting.tiny else 2
    size = side, side * 5 // 4
    r50 = run_of(setting.folder / "data_small", size, images, setting.small_r50)
    r50 = replace(r50, device=setting.device, threads=setting.threads)
    runs = {"embedded network": setting.embedded}
    return runs if setting.tiny else runs | {"R50-FPN GN": r50}


def _step(setting: Setting, run: RunConfig, number: int) -> Found:
    """The first step of a run of that seed."""
    run = replace(run, seed=number)
    steps = Steps(run, setting.folder / "steps" / f"{run.device}{run.precision}{run.compute}")
    losses = steps.step()
    parameters = steps.session.state.detector.parameters()
    rows = [p.grad.detach().cpu().double().flatten() for p in parameters if p.grad is not None]
    return Found(losses, torch.cat(rows))


def _against_cpu(
    setting: Setting, what: str, run: RunConfig, limit: float, own: list[Found] | None = None
) -> Row:
    cpu = replace(run, device="cpu")
    batches = 1 if own is None else BATCHES
    own = own or [_step(setting, run, number) for number in range(batches)]
    pairs = [(_step(setting, cpu, number), one) for number, one in enumerate(own)]
    loss = statistics.median(
        max(abs(one.losses[k] - value) / max(abs(value), 1e-12) for k, value in ref.losses.items())
        for ref, one in pairs
    )
    gradient = statistics.median(
        float((one.gradient - ref.gradient).norm() / ref.gradient.norm()) for ref, one in pairs
    )
    result = f"losses differ by {loss:.0e}, gradient by {gradient:.0e} (at most {limit:.0e})"
    return judged(what, result, loss <= limit and gradient <= limit)


def _coarse(what: str, rough: list[Found], plain: list[Found]) -> Row:
    pairs = list(zip(rough, plain, strict=True))
    loss = statistics.median(abs(a.losses["loss"] / b.losses["loss"] - 1) for a, b in pairs)
    angle = statistics.median(
        float(a.gradient @ b.gradient / (a.gradient.norm() * b.gradient.norm())) for a, b in pairs
    )
    result = f"loss differs by {loss:.1%} (at most {LOSS:.0%}), gradients' cosine {angle:.3f}"
    return judged(what, f"{result} (at least {COSINE})", loss <= LOSS and angle >= COSINE)
