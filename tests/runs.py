"""Tiny real runs that the tests share: seconds on one core, the same code as any other run."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from study.commands.recorded import keep_truth
from study.config import DataConfig, OptimConfig, RunConfig, ScheduleConfig, from_dict
from study.data.splits import open_splits
from study.planning.design import Design
from study.planning.plan import Plan
from study.planning.stopping import Decision
from study.storage.run_dir import COSTS, Record, StudyDir, TrialDir
from study.storage.writing import write_atomically
from study.training import engine
from study.training.single_run import trial_config

TINY_RUN = RunConfig(
    trial_id="tiny",
    size=12,
    data=DataConfig(tune_size=6, val_size=6),
    optim=OptimConfig(batch_size=4, lr=0.02),
    schedule=ScheduleConfig(lengths=(8, 12), tail=(4, 2), warmup=2),
    checkpoint_every=3,
    keep_weights=True,
    device="cpu",
)


def mixed_shapes(folder: Path, train: int = 48, val: int = 12) -> DataConfig:
    """Portraits and landscapes of up to 1 : 2: no two images need share a canvas."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"aspect": [1, 2], "counts": {"train": train, "val": val}}
    write_atomically(folder / "shapes.json", json.dumps(asked).encode())  # workers share it
    return DataConfig(name="mixed", folder=str(folder), tune_size=6, val_size=val)


def with_lengths(config: RunConfig, *lengths: int) -> RunConfig:
    return replace(config, schedule=replace(config.schedule, lengths=lengths))


def trial(folder: Path | str, config: RunConfig) -> TrialDir:
    """A trial's folder with its configuration."""
    directory = TrialDir(folder)
    directory.write_config(trial_config(config))
    return directory


def complete(folder: Path | str, config: RunConfig = TINY_RUN) -> TrialDir:
    """The trial after its run, from wherever it stands."""
    directory = trial(folder, config)
    for _ in engine.run(config, directory):
        pass
    return directory


def study_without_ray(asked: Design, folder: Path | str) -> StudyDir:
    """The whole study, one trial after another in this process."""
    study = StudyDir(folder)
    splits = open_splits(asked.space.fixed.data)
    images = {"report_images": str(splits.val.image_dir)}
    study.open({"question": asked.question(data={}), "budget": asdict(asked.budget)} | images)
    keep_truth(study, splits)
    plan = Plan(asked, study)
    while (found := plan.next(set())) is not None:
        run = from_dict(RunConfig, found[1]["run"])
        with contextlib.closing(engine.run(run, study.trial(found[0]))) as records:
            for _ in records:
                if plan.heard_from(found[0]) is not Decision.GO:
                    break
    return study


def exact(records: list[Record]) -> list[dict[str, Any]]:
    """Records without the columns that a kill may change."""
    return [{k: v for k, v in record.items() if k not in COSTS} for record in records]


def weights(directory: TrialDir) -> dict[str, bytes]:
    """The stored weights of each leg, as the file's bytes."""
    return {path.name: path.read_bytes() for path in directory.path.glob("*.safetensors")}
