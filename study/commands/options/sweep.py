"""The command line of a sweep, and the study that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import tyro

from study.commands.common import OwnData, RunDir, data_config, unset
from study.commands.options.log_to import Kind
from study.commands.options.models import BackboneName, DetectorSize, chosen
from study.commands.options.spaces import find
from study.commands.options.spending import Spend, budget_of
from study.commands.options.unused import require_used
from study.config import Scientific
from study.config.arms import parse
from study.config.checks.require import (
    MOST_HOURS,
    MOST_SEEN,
    MOST_TRIALS,
    MOST_WORKERS,
    finite,
    require,
    whole,
)
from study.config.run import Compute
from study.models import backbones
from study.planning.design import Design
from study.planning.search.search import Search
from study.planning.search.strategies import named
from study.planning.stopping import Metric, Rules, Stopping

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How settings are searched, the same for every arm."""

    search: Annotated[str, tyro.conf.arg(metavar="{grid,random,sobol,tpe,gp}")] = "sobol"
    """What proposes the first settings; tpe and gp learn from the trials of each arm."""
    then: Annotated[str | None, unset("{tpe,gp,none}")] = None
    """What proposes the others (default: tpe after random and sobol)."""
    paired: int = 8
    """Settings of each arm and size before --then takes over; the same for every arm."""
    schedule: Literal["shared", "independent"] = "shared"
    """shared: one trunk for all lengths of a trial. independent: every length from the start."""
    stopping: Annotated[str, tyro.conf.arg(metavar="{halving,best,none}")] = "halving"
    """Which trials stop early, compared with others of their arm and size alone."""
    rules: Annotated[Rules, tyro.conf.arg(name="")] = field(default_factory=Rules)
    compare: Metric = "tail"
    """By which AP: after a length's tail, or of the trunk's averaged or own weights before it."""
    tails: Literal["every", "last"] = "every"
    """last: only the longest length that a trial reaches gets its tail; cheaper, fewer lengths."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Is a pre-trained backbone worth it? Tunes every arm equally, at every size."""

    space: tyro.conf.Positional[Annotated[str | None, unset("[SPACE]")]] = None
    """A name in search_spaces/ or a .py file that defines SPACE (default: shapes or custom)."""
    run_dir: RunDir
    """The study's folder, or s3://bucket/prefix. The same command again resumes or extends it."""
    arms: Annotated[tuple[str, ...] | None, unset("ARM ...")] = None
    """Initialisations: scratch, pretext, imagenet, coco, a weights file, or name=file."""
    sizes: Annotated[tuple[int, ...] | Literal["auto"] | None, unset("{N ...,auto}")] = None
    """Numbers of training images (default: the space's; with --data alone an eighth, a third and
    all of those there are, on CPUs at most 1,000). auto: the smallest and the largest of these,
    then up to three between them, one after another, to where an arm's lead ends."""
    seed: int = 0
    """Of the search and the tuning trials; those of confirm runs follow from it."""
    budget: tyro.conf.OmitArgPrefixes[Spend] = field(default_factory=Spend)
    tuning: Annotated[Tuning, tyro.conf.arg(name="")] = field(default_factory=Tuning)
    model: BackboneName = None
    detector: DetectorSize = None
    """Sizes of images and heads: small for CPUs, full as in the paper, or torchvision's with its
    body (default: the space's)."""
    lengths: Annotated[tuple[int, ...] | None, unset("T ...")] = None
    """Training lengths to choose from, in iterations, at every size. Longer ones may be added to a
    study that has begun."""
    data: OwnData = field(default_factory=OwnData)
    workers: int = 1
    """Processes per trial; more than one train data-parallel."""
    gpus_per_trial: Annotated[float | None, unset("G")] = None
    """0.5 lets two trials of one worker share a GPU (default: 1; on CPUs 0)."""
    max_concurrent: Annotated[int | None, unset("N")] = None
    """Trials at once (default: as many as fit; a cluster may grow to fit them)."""
    device: Annotated[Device | None, unset("{auto,cpu,cuda}")] = None
    """Where trials run; auto: on a GPU if there is one."""
    compute: Annotated[Compute | None, unset("{float32,tf32,bfloat16}")] = None
    """What products and norms are computed in; part of the question (default: the space's)."""
    log_to: Annotated[
        tuple[tuple[Kind, ...], ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="[{tensorboard,wandb,mlflow} ...]", help_behavior_hint=""),
    ] = ()
    """Log every trial there too, as a run of its own (needs pip install '.[log]')."""
    dry_run: bool = False
    """Check the data, measure the machine, print the bill and what it buys, and stop."""
    price_per_hour: Annotated[str | None, unset("PRICE")] = None
    """With --dry-run: what an hour of this machine costs, all its devices together: 2.5, or
    "2.5 EUR"."""

    @property
    def finds_sizes(self) -> bool:
        """Whether the study finds its sizes itself, one after another."""
        return self.sizes == "auto"

    @property
    def is_custom(self) -> bool:
        """Whether it is the space for data of one's own, which suits itself to them."""
        return self.data.given and self.space in (None, "custom")

    @property
    def logs(self) -> tuple[Kind, ...]:
        """Where to log, each once."""
        return tuple(dict.fromkeys(kind for given in self.log_to for kind in given))


@dataclass(frozen=True, kw_only=True)
class Status:
    """How a study stands: trials by state, best AP, cost so far, whether somebody works on it."""

    status: RunDir
    """The study's folder, or s3://bucket/prefix."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The report of a study in a browser, renewed while trials run, until Ctrl-C."""

    watch: RunDir
    """The study's folder, or s3://bucket/prefix."""
    host: Annotated[str | None, unset("ADDRESS")] = None
    """Where to serve it (default: 127.0.0.1, this machine alone). At another address everybody
    who reaches this machine can read it."""
    port: Annotated[int | None, unset("PORT")] = None
    """At which port (default: the first free one from 8765 on)."""


def design(sweep: Sweep) -> Design:
    """The study that the command asks for.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    limits(sweep)
    space = find(sweep.space or ("custom" if sweep.data.given else "shapes"))
    arms = tuple(parse(text) for text in _given(sweep.arms, space.scientific.arms))
    names = tuple(arm.name for arm in arms)
    sizes = space.scientific.sizes if sweep.sizes in (None, "auto") else sweep.sizes
    scientific = Scientific(arms=names, sizes=sizes)
    nuisance = space.nuisance
    if sweep.lengths is not None:
        nuisance = replace(nuisance, lengths=sweep.lengths, longer={})
    fixed = replace(space.fixed, data=data_config(space, sweep.data))
    fixed = replace(fixed, model=chosen(fixed.model, sweep.model, sweep.detector))
    backbones.require(fixed.model)
    if sweep.device:
        fixed = replace(fixed, device=sweep.device)
    if sweep.compute:
        fixed = replace(fixed, compute=sweep.compute)
    if sweep.workers < 1 or fixed.optim.batch_size % sweep.workers:
        size = fixed.optim.batch_size
        raise ValueError(f"workers = {sweep.workers}: must divide the batch of {size} images")
    if sweep.workers > 1 and "batch_size" in nuisance.ranges:
        raise ValueError(
            f"workers = {sweep.workers}: the space searches batch_size, and not every batch can be"
            " divided among several workers; use 1"
        )
    gpus = sweep.gpus_per_trial
    if gpus is not None and (sweep.workers > 1 or gpus < 0):
        raise ValueError(f"gpus_per_trial = {gpus}: at least 0, and only with one worker")
    if sweep.max_concurrent is not None and sweep.max_concurrent < 1:
        raise ValueError(f"max_concurrent = {sweep.max_concurrent}: at least 1")
    asked = Design(
        space=replace(space, scientific=scientific, nuisance=nuisance, fixed=fixed),
        arms=arms,
        budget=budget_of(sweep.budget, space.budget),
        seed=sweep.seed,
        search=search(sweep.tuning),
        schedule=sweep.tuning.schedule,
        tails=sweep.tuning.tails,
        stopping=stopping(sweep.tuning),
    )
    require_used(sweep, asked)
    return asked


def _given(arms: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """The arms that are named, or the space's.

    Raises:
        ValueError: the option is there, and no arm after it.
    """
    require(arms != (), "arms", arms, "none is named; name some, or leave --arms out")
    return default if arms is None else arms


def limits(sweep: Sweep) -> None:
    """Refuse numbers that nobody can mean, before anything is computed with them.

    Raises:
        ValueError: says which, and the limit.
    """
    spend = sweep.budget
    given = [name for name in ("max_images", "max_hours") if getattr(spend, name) is not None]
    if sweep.finds_sizes and given:
        raise ValueError(
            f"{given[0]} = {getattr(spend, given[0]):g}: cannot be kept with --sizes auto, which"
            " adds sizes by what it finds; give --trials, or the sizes"
        )
    for name, value, most in (
        ("max_images", spend.max_images, MOST_SEEN),
        ("max_hours", spend.max_hours, MOST_HOURS),
    ):
        if value is not None:
            rule = f"a number above 0, at most {most:,.0f}"
            finite(name, value, rule)
            require(0 < value <= most, name, value, rule)
    whole("workers", sweep.workers, 1, MOST_WORKERS)
    if sweep.max_concurrent is not None:
        whole("max_concurrent", sweep.max_concurrent, 1, MOST_TRIALS)
    if sweep.gpus_per_trial is not None:
        finite("gpus_per_trial", sweep.gpus_per_trial)


def require_finalists(asked: Design) -> None:
    """Raises ValueError where more settings are to be confirmed than are tried."""
    budget = asked.budget
    rule = (
        f"of {budget.trials} trials of each arm and size; at most so many can be confirmed: give"
        " fewer --finalists, or more trials"
    )
    require(budget.finalists <= budget.trials, "finalists", budget.finalists, rule)


def proposes_sizes(sweep: Sweep) -> bool:
    """Whether the sizes follow from the data, as nobody has said them."""
    return sweep.is_custom and sweep.sizes in (None, "auto")


def search(tuning: Tuning) -> Search:
    """What proposes settings."""
    complete = tuning.search == "grid" or named(tuning.search).learns
    usual = None if complete else "tpe"
    then = {None: usual, "none": None}.get(tuning.then, tuning.then)
    return Search(first=tuning.search, then=then, paired=tuning.paired)


def stopping(tuning: Tuning) -> Stopping | None:
    """What stops trials, if anything does."""
    rule = tuning.rules.named(tuning.stopping)
    return Stopping(rule, tuning.compare) if rule else None
