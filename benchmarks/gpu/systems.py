"""Every system of the paper's recipes takes two steps, at its full width, on small images."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks import recipes as of_recipes
from benchmarks.full_size import Steps
from benchmarks.gpu.setting import Peak, Setting, synchronise
from benchmarks.gpu.table import Row, judged
from study import recipes

STEPS = 2


def check(setting: Setting) -> Iterator[Row]:
    names = list(of_recipes.distinct(list(recipes.all())))
    for number, name in enumerate(names[:1] if setting.tiny else names):
        if setting.over:
            left = ", ".join(names[number:])
            yield Row(f"{len(names) - number} systems", f"the time is over: {left}", "not done")
            return
        yield _one(setting, name, number)
        gc.collect()


def _one(setting: Setting, name: str, number: int) -> Row:
    run = replace(of_recipes.run_of(recipes.find(name)), device=setting.device)
    began = time.monotonic()
    with Peak(setting.on) as peak:
        steps = Steps(run, setting.folder / f"system{number}")
        try:
            losses = [steps.step()["loss"] for _ in range(STEPS)]
        except Exception as error:
            return judged(f"system {name}", str(error).splitlines()[0], False)
        synchronise(setting.on)
        del steps
    seconds = time.monotonic() - began
    result = f"loss {losses[-1]:.2f}, {seconds:.1f} s with its building, {peak}"
    return judged(f"system {name}", result, all(map(math.isfinite, losses)))
