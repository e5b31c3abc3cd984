"""python -m study.train: one run, one arm, one setting; needs no Ray.

Prints a line for each length of the schedule. The same command again goes on after a kill, and
extends the run when --lengths grew. The weights of each length are kept beside the records.

Exit status: 0 done, 1 a failure of ours or a diverged loss, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from study import engine, schedule, words
from study.arms import parse
from study.cli import DONE, FAILURE, Count, OwnData, exit_status
from study.config import RunConfig, from_dict, model, to_dict
from study.data.checks import check
from study.rundir import DifferentQuestion, Record, TrialDir

DEFAULTS = RunConfig()


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train one detector and evaluate it at each length."""

    run_dir: Path
    """The run's folder: configuration, records, checkpoints, weights."""
    arm: str = "scratch"
    """scratch, pretext, imagenet, a weights file, or name=file."""
    size: int = DEFAULTS.size
    """Training images."""
    draw: int = 0
    """Which random draw of that many images."""
    seed: int = 0
    lr: float = DEFAULTS.optim.lr
    """Learning rate at the batch size given."""
    weight_decay: float = DEFAULTS.optim.weight_decay
    batch_size: int = DEFAULTS.optim.batch_size
    """Images per iteration."""
    lengths: tuple[int, ...] = DEFAULTS.schedule.lengths
    """Total iterations; several share one trunk and end in a tail each."""
    tail: tuple[int, int] = DEFAULTS.schedule.tail
    """The rate drops so many iterations before the end of each length."""
    factor: tuple[float, ...] = DEFAULTS.schedule.factors
    """By how much it drops."""
    split: Literal["tune", "report"] = "report"
    """Images to evaluate on."""
    model: str = "tiny"
    """tiny, r50-fpn or r101-fpn."""
    crop_px: Count = None
    """Train on random square crops of this side, in px."""
    data: OwnData = field(default_factory=OwnData)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    """CPU threads."""


def config(command: Train) -> RunConfig:
    """The whole configuration that the command means.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    arm = parse(command.arm)
    lengths = {"lengths": command.lengths, "tail": command.tail, "factors": command.factor}
    rates = {"lr": command.lr, "weight_decay": command.weight_decay}
    return replace(
        DEFAULTS,
        trial_id=command.run_dir.resolve().name,
        arm=arm.name,
        init=arm.init,
        size=command.size,
        draw=command.draw,
        seed=command.seed,
        split=command.split,
        data=command.data.over(DEFAULTS.data, "custom"),
        model=replace(model(command.model), crop_px=command.crop_px),
        optim=replace(DEFAULTS.optim, batch_size=command.batch_size, **rates),
        schedule=replace(DEFAULTS.schedule, **lengths),
        device=command.device,
        threads=command.threads,
        keep_weights=True,
    )


def begin(run: RunConfig, trial: TrialDir) -> None:
    """Write the configuration; a folder that holds another run is refused.

    Raises:
        DifferentQuestion: more differs than device, threads, or lengths added at the end.
    """
    if (trial.path / "config.json").exists():
        there = from_dict(RunConfig, trial.config()["run"])
        before, now = there.schedule.lengths, run.schedule.lengths
        longer = now[: len(before)] == before  # a shorter one would lie behind the checkpoint
        allowed = replace(
            there,
            schedule=replace(there.schedule, lengths=now if longer else before),
            device=run.device,
            threads=run.threads,
        )
        if allowed != run:
            raise DifferentQuestion(
                f"run directory {trial.path} holds another run (see its config.json): repeat that"
                " command to resume it, or choose another --run-dir"
            )
    trial.write_config({"role": "single", "index": 0, "strategy": "given", "run": to_dict(run)})


def line(record: Record) -> str:
    """A record as a line to read."""
    scores = ((name, "none" if ap is None else f"{ap:.1f}") for name, ap in words.scores(record))
    return (
        f"{record['length']:>8} iterations  {record['images_seen']:>9} images"
        + "".join(f"  {name} {ap:>5}" for name, ap in scores)
        + f"  loss {record['loss']:6.3f}  {record['images_per_second']:6.1f} images/s"
    )


def train(command: Train) -> int:
    """Check the data, then train."""
    run, trial, console = config(command), TrialDir(command.run_dir), Console(highlight=False)
    check(run.data, (run.size,))
    begin(run, trial)
    total = schedule.iterations(run.schedule)
    console.print(f"{run.arm}, {run.size} images, {total} iterations of {run.optim.batch_size}")
    for record in trial.records():
        console.print(line(record) + "  (before)")
    try:
        for record in engine.run(run, trial):
            console.print(line(record))
    except engine.Diverged as outcome:
        console.print(f"diverged: {outcome}. Try a lower --lr.")
        return FAILURE
    return DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    command = tyro.cli(Train, prog="python -m study.train", args=arguments, description=__doc__)
    return exit_status(lambda: train(command))


if __name__ == "__main__":
    sys.exit(main())
