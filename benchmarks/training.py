"""Training speed of one worker on the embedded data, by images per iteration.

python -m benchmarks.training
"""

from __future__ import annotations

from dataclasses import replace

from study.config import RunConfig
from study.training.speed import measure


def main() -> None:
    run = RunConfig(size=1024)
    for batch_size in (2, 4, 8):
        optim = replace(run.optim, batch_size=batch_size)
        speed = measure(replace(run, optim=optim), iterations=60).images_per_second
        print(f"{batch_size} images: {1000 * batch_size / speed:6.1f} ms, {speed:5.1f} images/s")


if __name__ == "__main__":
    main()
