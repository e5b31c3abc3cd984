"""The paper's systems in miniature: what each learns on the embedded data in a minute.

    python -m benchmarks.systems [NAME ...]

64 images, 300 iterations of 4, AP on the report split (200 images), one run each; VGG-16, which
learns nothing in that time, has more of both and takes 12 minutes and more. They show that every
part learns, not which is better: a difference of 2 AP is one of seeds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.config import EvaluationConfig, RunConfig, ScheduleConfig, to_dict
from study.storage.run_dir import Record, TrialDir
from study.training import engine

BASE = RunConfig(
    arm="pretext",
    init="pretext",
    split="report",
    schedule=ScheduleConfig(lengths=(300,)),
    device="cpu",
)
SCRATCH: dict[str, Any] = {"arm": "scratch", "init": None}
STAGES = (0.5, 0.6, 0.7)


def systems() -> dict[str, RunConfig]:
    """The runs by name; the first is what the others vary."""
    scratch = replace(BASE, **SCRATCH)
    cascade = with_model(BASE, cascade=STAGES)
    vgg = with_model(scratch, name="vgg16", norm="none", anchor_px=(8, 16, 32, 48, 96))
    vgg = replace(longer(vgg, warmup=100), size=256)
    plain = with_model(vgg, pyramid=False, masks=False, box_fc=256)
    slow = replace(scratch.optim, lr=0.01)  # without any norm a higher rate diverges
    return {
        "Mask R-CNN": BASE,
        "Faster R-CNN": with_model(BASE, masks=False),
        "Keypoint R-CNN": with_model(BASE, masks=False, keypoints=3),
        "cascade": cascade,
        "cascade for the last 150 iterations": replace(
            cascade, schedule=replace(cascade.schedule, cascade_last=150)
        ),
        "scale augmentation": with_model(BASE, train_short_px=(72, 96)),
        "as Detectron": with_model(BASE, fidelity="detectron"),
        "test-time augmentation": replace(
            BASE, evaluation=EvaluationConfig(short_px=(80, 112), flip=True)
        ),
        "mirrored test images": replace(BASE, evaluation=EvaluationConfig(flip=True)),
        "scratch": scratch,
        "scratch, 900 iterations": longer(scratch),
        "scratch, SyncBN, 900 iterations": longer(with_model(scratch, norm="sync_batch")),
        "scratch, no norm, 900 iterations": longer(
            replace(with_model(scratch, norm="none"), optim=slow)
        ),
        "scratch, VGG-16 with FPN": vgg,
        "scratch, VGG-16 without": replace(plain, optim=replace(plain.optim, lr=0.03)),
    }


def longer(run: RunConfig, length: int = 900, **changes: Any) -> RunConfig:
    return replace(run, schedule=replace(run.schedule, lengths=(length,), **changes))


def with_model(run: RunConfig, **changes: Any) -> RunConfig:
    return replace(run, model=run.model.but(**changes))


def train(run: RunConfig) -> Record:
    """The run's last record."""
    with tempfile.TemporaryDirectory() as folder:
        trial = TrialDir(Path(folder) / "run")
        trial.write_config({"role": "single", "index": 0, "strategy": "", "run": to_dict(run)})
        *_, last = engine.run(run, trial)
    return last


def main(names: list[str]) -> None:
    for name, run in systems().items():
        if names and name not in names:
            continue
        began = time.monotonic()
        record = train(run)
        scores = {key: value for key, value in record.items() if key.startswith("AP_")}
        told = ", ".join(f"{key[3:]} {value:.1f}" for key, value in scores.items())
        print(f"{name:36} AP: {told:40} ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
