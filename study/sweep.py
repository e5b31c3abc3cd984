"""python -m study.sweep: tune every arm equally, at every size, and confirm what was chosen.

The run directory is the whole state: the same command again resumes after any interruption, and
extends the study where --trials or --confirm grew.

Exit status: 0 done, 1 some trials failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from study.anchors import anchor_px
from study.arms import parse
from study.bill import affordable, bill
from study.cli import DONE, FAILURE, OwnData, data_config, exit_status, unset
from study.config import Budget, Scientific, model
from study.data.checks import check
from study.data.downloads import absent
from study.data.index import Index
from study.data.sources import open_splits
from study.plan import Plan
from study.rundir import StudyDir
from study.search import Strategy
from study.settings import Settings
from study.spaces import find
from study.stopping import Halving, KeepBest, Metric

Device = Literal["auto", "cpu", "cuda"]
Count = Annotated[int | None, unset("N")]  # None: as the search space has it
PACKAGES = ("ray", "optuna", "scipy", "torch", "torchvision", "hotcoco", "numpy")


@dataclass(frozen=True, kw_only=True)
class Spend:
    """What every arm may spend at every size (default: as the search space says). May grow."""

    trials: Count = None
    """Tuning trials for each arm and size."""
    max_images: Annotated[float | None, unset("N")] = None
    """Instead of --trials: as many as so many training images pay for, confirmation included."""
    max_hours: Annotated[float | None, unset("H")] = None
    """Instead of --trials: device-hours (of GPUs or CPU cores) of training, as measured here."""
    finalists: Count = None
    """Best settings that are confirmed."""
    confirm: Count = None
    """Runs of each finalist with fresh seeds and draws, on the report split."""
    cross: Count = None
    """Such runs with the best setting of each other arm: what tuning one arm alone would do."""
    audit: Annotated[float | None, unset("SHARE")] = None
    """Share of the stopped trials that are continued, to see what stopping lost."""
    extend: Literal["auto", "never"] = "auto"
    """Extend a range, for every arm, when a best setting lies at its edge; never: only say so."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How settings are searched, the same for every arm."""

    search: Strategy = "sobol+tpe"
    """What proposes settings; grid and sobol give the same records whatever happens."""
    paired: int = 8
    """Of sobol+tpe: points per arm and size before TPE, the same for every arm."""
    schedule: Literal["shared", "independent"] = "shared"
    """shared: one trunk for all lengths of a trial. independent: every length from the start."""
    stopping: bool = True
    """Stop the worse trials at each length but the last, each arm and size judged alone."""
    eta: int = 2
    """The best 1/eta go on from a length to the next."""
    keep: Count = None
    """Instead: all but the best N stop at the first length, and the others go to the end."""
    rung: Metric = "tail"
    """What they are compared by: tails, or the trunk's averaged or own weights at the fork."""
    tails: Literal["every", "last"] = "every"
    """last: only the longest length that a trial reaches gets its tail; cheaper, fewer lengths."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Is a pre-trained backbone worth it? Tunes every arm equally, at every size."""

    space: tyro.conf.Positional[Annotated[str | None, unset("[SPACE]")]] = None
    """A name in search_spaces/ or a .py file that defines SPACE (default: shapes or custom)."""
    run_dir: Path
    """The study's folder. The same command again resumes or extends what is in it."""
    arms: Annotated[tuple[str, ...] | None, unset("ARM ...")] = None
    """Initialisations: scratch, pretext, imagenet, a weights file, or name=file."""
    sizes: Annotated[tuple[int, ...] | None, unset("N ...")] = None
    """Numbers of training images."""
    seed: int = 0
    """Of the search, the tuning trials, and (times 1000) the confirm runs."""
    budget: tyro.conf.OmitArgPrefixes[Spend] = field(default_factory=Spend)
    tuning: tyro.conf.OmitArgPrefixes[Tuning] = field(default_factory=Tuning)
    model: Annotated[str | None, unset("NAME")] = None
    """tiny, r50-fpn or r101-fpn."""
    lengths: Annotated[tuple[int, ...] | None, unset("T ...")] = None
    """Iterations T to choose from, at every size."""
    data: OwnData = field(default_factory=OwnData)
    workers: int = 1
    """Processes per trial; more than one train data-parallel."""
    max_concurrent: Annotated[int | None, unset("N")] = None
    """Trials at once (default: as many as fit); a cluster that grows is asked for so many."""
    device: Annotated[Device | None, unset("{auto,cpu,cuda}")] = None
    """Where trials run; auto: on a GPU if there is one (the space may say otherwise)."""
    dry_run: bool = False
    """Check the data, print the bill, and stop."""


def settings(sweep: Sweep) -> Settings:
    """The study that the command asks for.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    space = find(sweep.space or ("custom" if sweep.data.given else "shapes"))
    arms = tuple(parse(text) for text in sweep.arms or space.scientific.arms)
    names = tuple(arm.name for arm in arms)
    scientific = Scientific(arms=names, sizes=sweep.sizes or space.scientific.sizes)
    nuisance = space.nuisance
    if sweep.lengths:
        nuisance = replace(nuisance, lengths=sweep.lengths, longer={})
    fixed = replace(space.fixed, data=data_config(space, sweep.data))
    if sweep.model and sweep.model != fixed.model.name:  # a space may have its own variant
        fixed = replace(fixed, model=model(sweep.model))
    if sweep.device:
        fixed = replace(fixed, device=sweep.device)
    if sweep.workers < 1 or fixed.optim.batch_size % sweep.workers:
        size = fixed.optim.batch_size
        raise ValueError(f"workers = {sweep.workers}: must divide the batch of {size} images")
    if sweep.max_concurrent is not None and sweep.max_concurrent < 1:
        raise ValueError(f"max_concurrent = {sweep.max_concurrent}: at least 1")
    return Settings(
        space=replace(space, scientific=scientific, nuisance=nuisance, fixed=fixed),
        arms=arms,
        budget=budget_of(sweep.budget, space.budget),
        seed=sweep.seed,
        search=sweep.tuning.search,
        paired=sweep.tuning.paired,
        schedule=sweep.tuning.schedule,
        tails=sweep.tuning.tails,
        rule=rule(sweep.tuning),
        rung=sweep.tuning.rung,
    )


def budget_of(spend: Spend, default: Budget) -> Budget:
    """The space's budget with what the command says instead."""
    limits = {"trials": spend.trials, "max_images": spend.max_images, "max_hours": spend.max_hours}
    given = [name for name, value in limits.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)}: give one of them; each says how many trials")
    names = ("trials", "finalists", "confirm", "cross", "audit")
    changes = {n: getattr(spend, n) for n in names if getattr(spend, n) is not None}
    return replace(default, **changes, **({"extend": 0} if spend.extend == "never" else {}))


def rule(tuning: Tuning) -> Halving | KeepBest | None:
    """What stops trials, if anything does."""
    if not tuning.stopping:
        return None
    return Halving(tuning.eta) if tuning.keep is None else KeepBest(tuning.keep)


def afforded(asked: Settings, spend: Spend, study: StudyDir) -> Settings:
    """The settings with as many trials as the budget pays for.

    Hours are turned into trials once: a study that is taken up with the same hours keeps its
    number of trials, however fast the machine is by then.
    """
    if spend.max_images is not None:
        return affordable(asked, spend.max_images)
    if spend.max_hours is None:
        return asked
    before = study.manifest["budget"] if study.exists else {}
    if before.get("max_hours") == spend.max_hours:
        return replace(asked, budget=replace(asked.budget, trials=before["trials"]))
    return affordable(asked, spend.max_hours * 3600 * worker_speed(asked))


def run(sweep: Sweep, command: list[str]) -> int:
    """Check the data, print the bill, then run what is left to do; `command` is kept."""
    console = Console()
    study, asked = StudyDir(sweep.run_dir), settings(sweep)
    if sweep.dry_run and absent(asked.space.fixed.data):
        show(console, asked, bill(asked).lines())  # needs no data; what to download comes next
    check(asked.space.fixed.data, asked.space.scientific.sizes)
    splits = open_splits(asked.space.fixed.data)
    check_arms(asked, len(splits.train.category_id))
    if sweep.data.given:
        asked = with_anchors(asked, splits.train)
    asked = afforded(asked, sweep.budget, study)
    cost = bill(asked)
    if sweep.dry_run:
        show(console, asked, cost.lines(measured_speed(asked, sweep)))
        return DONE
    with study.lock():
        study.open(manifest(asked, splits.digests(), sweep, command))
        show(console, asked, cost.lines())
        return start(Plan(asked, study), sweep, console)


def start(plan: Plan, sweep: Sweep, console: Console) -> int:
    """Run the plan on Ray; 0 when all is done, 1 when trials failed."""
    from study.cluster import launch  # here: a dry run and a bad input need no ray

    launch.run(plan, workers=sweep.workers, max_concurrent=sweep.max_concurrent, console=console)
    if unended := plan.unended():
        console.print(
            f"{len(unended)} trials failed: {', '.join(unended)}. The same command tries again.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return FAILURE
    console.print(f"done: python -m analysis {plan.study.path}", markup=False, highlight=False)
    return DONE


def with_anchors(asked: Settings, index: Index) -> Settings:
    """The settings with anchors laid over the boxes of a data set of one's own."""
    network = asked.space.fixed.model
    network = replace(network, anchor_px=anchor_px(index, network))
    fixed = replace(asked.space.fixed, model=network)
    return replace(asked, space=replace(asked.space, fixed=fixed))


def check_arms(asked: Settings, num_classes: int) -> None:
    """Raises ValueError where an arm's weights do not fit the network."""
    fixed = asked.space.fixed
    for arm in asked.arms:
        if arm.init is None or (arm.init == "pretext" and fixed.model.backbone == "thin"):
            continue  # fit, and importing torch takes seconds
        from study.models.initialisation import build

        build(replace(fixed, arm=arm.name, init=arm.init), num_classes)


def worker_speed(asked: Settings) -> float:
    """Images per second of one worker on this machine."""
    from study.engine import images_per_second  # here: it imports torch, most sweeps need none

    cell, fixed = asked.cells[-1], asked.space.fixed
    return images_per_second(replace(fixed, arm=cell.arm.name, init=cell.arm.init, size=cell.size))


def measured_speed(asked: Settings, sweep: Sweep) -> float:
    """Images per second of all trials that run at once on this machine."""
    import torch  # here: only a dry run needs it in this process

    fixed = asked.space.fixed
    cuda = fixed.device != "cpu" and torch.cuda.is_available()
    places = torch.cuda.device_count() if cuda else len(os.sched_getaffinity(0))
    at_once = min(max(1, places // sweep.workers), sweep.max_concurrent or places)
    return worker_speed(asked) * at_once * sweep.workers


def manifest(
    asked: Settings, digests: dict[str, Any], sweep: Sweep, command: list[str]
) -> dict[str, Any]:
    """The contents of study.json; `command` as one would type it."""
    return {
        "question": asked.question(digests),
        "budget": asdict(asked.budget) | {"max_hours": sweep.budget.max_hours},
        "workers": sweep.workers,
        "versions": {"python": python_version()} | {name: version(name) for name in PACKAGES},
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def show(console: Console, asked: Settings, lines: list[str]) -> None:
    """Print the bill."""
    names = ", ".join(arm.name for arm in asked.arms)
    sizes = ", ".join(map(str, asked.space.scientific.sizes))
    console.print(f"study       {asked.space.name}: {names} at {sizes} images", highlight=False)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sweep = tyro.cli(Sweep, prog="python -m study.sweep", args=arguments, description=__doc__)
    return exit_status(lambda: run(sweep, ["python", "-m", "study.sweep", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
