"""Steps of a run by another process, or another checkout: a line in, a line of numbers out.

    PYTHONPATH=CHECKOUT python -P benchmarks/step_server.py

Of this checkout it uses nothing but `benchmarks/counting.py` beside it, so that what is timed is
the checkout's own `study`. A line "N" takes N steps, and gives the CPU's milliseconds of each; a
line "count" takes one, and gives its operations and waits.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType


def counting() -> ModuleType:
    path = Path(__file__).with_name("counting.py")
    spec = importlib.util.spec_from_file_location("counting", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    from study.config import RunConfig, schedule, to_dict
    from study.storage.run_dir import TrialDir
    from study.training.engine import Session
    from study.training.workers import World

    run = RunConfig(size=1024, device="cpu")
    leg = schedule.legs(run.schedule)[0]
    with tempfile.TemporaryDirectory() as folder:
        trial = TrialDir(folder)
        trial.write_config({"run": to_dict(run)})
        session = Session(run, trial, World())
        iteration = 0
        for line in sys.stdin:
            if line.strip() == "count":
                with counting().Counting() as found:
                    session.step(leg, iteration)
                iteration += 1
                print(json.dumps([found.operations, found.waits]), flush=True)
                continue
            taken = []
            for iteration in range(iteration, iteration + int(line)):  # noqa: B020
                began = time.process_time()
                session.step(leg, iteration)
                taken.append(1000 * (time.process_time() - began))
            iteration += 1
            print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
