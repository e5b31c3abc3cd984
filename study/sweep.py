"""python -m study.sweep: tune every arm equally, at every size, and confirm what was chosen.

The run directory is the whole state: the same command again resumes after any interruption, and
extends the study where --trials or --confirm grew.

Exit status: 0 done, 1 some trials failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Literal

import tyro
from rich.console import Console

from study.arms import parse
from study.bill import bill
from study.config import DataConfig, Scientific, SearchSpace, model
from study.data.checks import check
from study.data.sources import Splits, open_splits
from study.plan import Plan
from study.rundir import Busy, State, StudyDir
from study.search import Strategy
from study.settings import Settings
from study.spaces import find

PACKAGES = ("ray", "optuna", "scipy", "torch", "torchvision", "hotcoco", "numpy")


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """A COCO-format data set of your own; all four of train and val, or none."""

    train: Path | None = None  # annotations of the training images (JSON)
    train_images: Path | None = None  # their folder
    val: Path | None = None  # annotations of the images to report on, never tuned on
    val_images: Path | None = None
    tune: Path | None = None  # images to tune on; else some of `train` are held out
    tune_images: Path | None = None
    tune_size: int | None = None  # how many are held out
    val_size: int | None = None  # report on the first so many of `val`


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Is a pre-trained backbone worth it? Tunes every arm equally, at every size."""

    space: tyro.conf.Positional[str | None] = None
    """A name in search_spaces/ or a .py file that defines SPACE (default: shapes, or custom with
    data of your own)."""
    run_dir: Path
    """The study's folder. The same command again resumes or extends what is in it."""
    arms: tuple[str, ...] | None = None
    """Initialisations: scratch, pretext, imagenet, a weights file, or name=file."""
    sizes: tuple[int, ...] | None = None
    """Numbers of training images."""
    trials: int = 4
    """Tuning trials for each arm and size."""
    confirm: int = 2
    """Runs of each chosen setting with fresh seeds, on the report split."""
    seed: int = 0
    """Of the search, the tuning trials, and (times 1000) the confirm runs."""
    search: Strategy = "sobol"
    """How settings are proposed, the same for every arm."""
    schedule: Literal["shared", "independent"] = "shared"
    """shared: one trunk, a tail at every length. independent: each trial is a run of one length."""
    stopping: bool = True
    """Stop the worse half at each length but the last, each arm and size judged alone."""
    model: str | None = None
    """tiny, r50-fpn or r101-fpn."""
    lengths: tuple[int, ...] | None = None
    """Iterations T to choose from."""
    data: OwnData = field(default_factory=OwnData)
    workers: int = 1
    """Processes per trial; more than one train data-parallel."""
    max_concurrent: int | None = None
    """Trials at once (default: as many as there is room for). What a cluster that grows by
    itself is asked for."""
    device: Literal["auto", "cpu", "cuda"] | None = None
    dry_run: bool = False
    """Check the data, print the bill, and stop."""


def settings(sweep: Sweep) -> Settings:
    """The study that the command asks for.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    own = any(value is not None for value in (sweep.data.train, sweep.data.val))
    space = find(sweep.space or ("custom" if own else "shapes"))
    scientific, nuisance, fixed = space.scientific, space.nuisance, space.fixed
    asked = tuple(parse(text) for text in sweep.arms or scientific.arms)
    scientific = Scientific(
        arms=tuple(arm.name for arm in asked), sizes=sweep.sizes or scientific.sizes
    )
    nuisance = replace(nuisance, lengths=sweep.lengths or nuisance.lengths)
    fixed = replace(fixed, data=data_config(space, sweep.data))
    if sweep.model:
        fixed = replace(fixed, model=model(sweep.model))
    if sweep.device:
        fixed = replace(fixed, device=sweep.device)
    return Settings(
        space=replace(space, scientific=scientific, nuisance=nuisance, fixed=fixed),
        arms=asked,
        trials=sweep.trials,
        confirm=sweep.confirm,
        seed=sweep.seed,
        search=sweep.search,
        schedule=sweep.schedule,
        eta=2 if sweep.stopping else None,
    )


def data_config(space: SearchSpace, own: OwnData) -> DataConfig:
    """The space's data, or the command's, with absolute paths."""
    given = {
        key: value if isinstance(value, int) else str(value.expanduser().resolve())
        for key, value in vars(own).items()
        if value is not None
    }
    if space.name == "custom" or (own.train and space.name != "shapes"):
        return DataConfig(name=space.name, **given)
    data = replace(space.fixed.data, **given)
    paths = {k: v for k, v in vars(data).items() if isinstance(v, str) and k != "name"}
    return replace(data, **{k: str(Path(v).expanduser().resolve()) for k, v in paths.items()})


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    sweep = tyro.cli(Sweep, args=arguments, description=__doc__)
    errors = Console(stderr=True)
    try:
        return run(sweep)
    except (ValueError, Busy) as error:
        errors.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        errors.print("interrupted: the same command goes on where this one ended", markup=False)
        return 130


def run(sweep: Sweep) -> int:
    """Check the data, print the bill, then run what is left to do."""
    console = Console()
    study, asked = StudyDir(sweep.run_dir), settings(sweep)
    check(asked.space.fixed.data, asked.space.scientific.sizes)
    splits = open_splits(asked.space.fixed.data)
    asked = fit_to_data(asked, splits)
    cost = bill(asked)
    if sweep.dry_run:
        show(console, asked, cost.lines(*measured_speed(asked, sweep.workers)))
        return 0
    with study.lock():
        study.open(manifest(asked, splits.digests(), sweep))
        show(console, asked, cost.lines())
        return start(Plan(asked, study), sweep, console)


def start(plan: Plan, sweep: Sweep, console: Console) -> int:
    """Run the plan on Ray; 0 when all is done, 1 when trials failed."""
    from study.cluster import launch  # here: a dry run and a bad input need no ray

    launch.run(plan, workers=sweep.workers, max_concurrent=sweep.max_concurrent, console=console)
    unfinished = [
        f"{trial.id} ({state})"
        for trial in plan.study.trials()
        if (state := trial.state) in (State.FAILED, State.PREEMPTED, State.RUNNING)
    ]
    if unfinished:
        console.print(
            f"{len(unfinished)} trials without an end: {', '.join(unfinished)}."
            " The same command tries them again."
        )
        return 1
    console.print(f"done: python -m analysis {plan.study.path}", markup=False, highlight=False)
    return 0


def fit_to_data(asked: Settings, splits: Splits) -> Settings:
    """The settings with anchors laid over the boxes of a data set of one's own."""
    return asked


def measured_speed(asked: Settings, workers: int) -> tuple[float, int]:
    """Images per second of a trial on this machine, and how many trials run at once."""
    from study.engine import images_per_second  # here: imports torch

    cell = asked.cells[-1]
    run = replace(asked.space.fixed, arm=cell.arm.name, init=cell.arm.init, size=cell.size)
    return images_per_second(run), 2


def manifest(asked: Settings, digests: dict[str, Any], sweep: Sweep) -> dict[str, Any]:
    """The contents of study.json."""
    return {
        "question": asked.question(digests),
        "budget": {"trials": asked.trials, "confirm": asked.confirm},
        "workers": sweep.workers,
        "versions": {"python": python_version()} | {name: version(name) for name in PACKAGES},
        "command": sys.argv,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def show(console: Console, asked: Settings, lines: list[str]) -> None:
    """Print the bill."""
    names = ", ".join(arm.name for arm in asked.arms)
    sizes = ", ".join(map(str, asked.space.scientific.sizes))
    console.print(f"study       {asked.space.name}: {names} at {sizes} images", highlight=False)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
