"""R50-FPN with GroupNorm at 800 × 1333 px, 16 images: a step of ours, and torchvision's own loop.

The same layers and images in one process, in turns. Ours is a step as in training, its batch made
from decoded images; torchvision's images and masks are ready in the host's memory.
"""

from __future__ import annotations

import gc
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks import peer
from benchmarks.counting import Counting
from benchmarks.full_size import CLASSES, Steps, run_of
from benchmarks.gpu.setting import Peak, Setting, synchronise
from benchmarks.gpu.table import Row, judged
from study.config import R50_FPN, RunConfig
from study.config.run import Compute
from study.training import memory

OURS: tuple[Compute, ...] = ("bfloat16", "tf32", "float32")
THEIRS = {"bfloat16": torch.bfloat16, "float16 and GradScaler": torch.float16, "float32": None}
ROUNDS = 5
MOST_WAITS = 12  # of a step of 16 images


def check(setting: Setting) -> Iterator[Row]:
    size = (64, 96) if setting.tiny else (800, 1333)
    images = 2 if setting.tiny else 16
    model = setting.small_r50 if setting.tiny else R50_FPN
    run = run_of(setting.folder / "data_full", size, images, model)
    run = replace(run, device=setting.device, threads=setting.threads)
    yield from _memory(setting, replace(run, compute="bfloat16"))
    where = f"{images} × {size[0]} × {size[1]} px"
    ways: dict[str, Callable[[], object]] = {}
    computes = OURS[::2] if setting.tiny else OURS
    ours = [
        Steps(replace(run, compute=compute), setting.folder / f"speed_{compute}")
        for compute in computes
    ]
    for compute, steps in zip(computes, ours, strict=True):
        ways[f"ours, {compute}"] = _with_tf32(compute != "float32", steps.step)
    if not setting.tiny:
        ways["ours, bfloat16, maps channel by channel"] = _by_channel(run, setting)
    ours[0].step()
    assert ours[0].batch
    batch = peer.as_torchvision(ours[0].batch)
    for name in ["float32"] if setting.tiny else THEIRS:
        loop = peer.Loop(peer.mask_rcnn(model, CLASSES), run.optim, setting.on, THEIRS[name])
        tf32 = THEIRS[name] is not None
        ways[f"torchvision, {name}"] = _with_tf32(tf32, lambda own=loop: own.step(*batch))
    peaks = {}
    for name in list(ways):
        row = _first(setting, name, where, ways[name], peaks)
        if row is not None:  # it does not fit the card, or does not run
            del ways[name]
            yield row
            _forget(setting)
    yield from _timed(setting, where, ways, images, peaks)
    for name in ("ours, bfloat16", "torchvision, bfloat16", "torchvision, float32"):
        if name in ways:
            yield _waits(setting, name, ways[name])


def _first(
    setting: Setting, name: str, where: str, way: Callable[[], object], peaks: dict[str, str]
) -> Row | None:
    """The first step, whose memory is measured; a row if there can be no other."""
    try:
        with Peak(setting.on) as peak:
            way()
            synchronise(setting.on)
    except torch.cuda.OutOfMemoryError:
        what, told = f"{name}, {where}", "does not fit this GPU"
        return Row(what, told, "FAILED" if name.startswith("ours") else "for information")
    peaks[name] = str(peak)
    return None


def _timed(
    setting: Setting,
    where: str,
    ways: dict[str, Callable[[], object]],
    images: int,
    peaks: dict[str, str],
) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(1 if setting.tiny else ROUNDS):
        if number and setting.over:
            break
        for name in list(ways) if number % 2 else reversed(ways):
            synchronise(setting.on)
            began = time.perf_counter()
            ways[name]()
            synchronise(setting.on)
            seconds[name].append(time.perf_counter() - began)
    for name, own in seconds.items():
        result = f"{images / statistics.median(own):.2f} images/s, at the peak {peaks[name]}"
        yield Row(f"{name}, {where}", result, "for information")
    for kind in ("bfloat16", "float32"):
        own, theirs = (seconds.get(f"{who}, {kind}") for who in ("ours", "torchvision"))
        if own and theirs:
            times = statistics.median(b / a for a, b in zip(own, theirs, strict=True))
            yield Row(f"ours : torchvision, {kind}", f"× {times:.2f}", "for information")


def _memory(setting: Setting, run: RunConfig) -> Iterator[Row]:
    """What is counted for an image against what a step of one image takes."""
    what = "memory of one image, bfloat16"
    one = replace(run, optim=replace(run.optim, batch_size=1), at_once=1)
    steps = Steps(one, setting.folder / "memory")
    steps.step()  # momentum is there from here on
    counted = memory.image_bytes(steps.session.state.detector, one)
    steps.session.state.optimiser.zero_grad()  # gradients come as what is counted goes
    _forget(setting)
    with Peak(setting.on) as peak:
        steps.step()
        synchronise(setting.on)
    if peak.added is None:
        yield Row(what, f"counted {counted / 1e9:.2f} GB; a CPU does not say", "for information")
        return
    planned = memory.SPARE * counted
    result = f"{planned / 1e9:.2f} GB planned with, {peak.added / 1e9:.2f} GB taken"
    yield judged(what, result, peak.added <= planned <= 3 * peak.added)


def _waits(setting: Setting, name: str, way: Callable[[], object]) -> Row:
    """How often the host waits for the device in a step: as CUDA warns, or as can be counted."""
    what = f"host waits in a step, {name}"
    if setting.device == "cuda":
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                way()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        waits = sum("synchronizing" in str(one.message) for one in told)
        how = "as CUDA warns"
    else:
        with Counting() as found:
            way()
        waits, how = found.waits, "as counted"
    if not name.startswith("ours"):
        return Row(what, f"{waits} {how}", "for information")
    return judged(what, f"{waits} {how} (at most {MOST_WAITS})", waits <= MOST_WAITS)


def _by_channel(run: RunConfig, setting: Setting) -> Callable[[], object]:
    """Not channels-last: whether it is worth it is a question of the GPU's GroupNorm."""
    steps = Steps(replace(run, compute="bfloat16"), setting.folder / "speed_by_channel")
    detector = steps.session.state.detector
    detector.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    detector._laid_out = Tensor.contiguous  # type: ignore[method-assign]
    return _with_tf32(True, steps.step)


def _with_tf32(allowed: bool, step: Callable[[], object]) -> Callable[[], object]:
    """The switch is the process's, and each way has its own."""

    def way() -> object:
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed
        return step()

    return way


def _forget(setting: Setting) -> None:
    gc.collect()
    if setting.device == "cuda":
        torch.cuda.empty_cache()
