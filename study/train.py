"""python -m study.train: one run, one arm, one setting; one of the paper's, or of your own.

    python -m study.train --list                              # the paper's experiments: recipes
    python -m study.train table1/r50-gn-scratch --dry-run     # what it takes, what the paper got
    python -m study.train table1/r50-gn-scratch --run-dir runs/r50 --workers 8
    python -m study.train table1/r50-gn-scratch --run-dir runs/try --tiny    # seconds on a CPU
    python -m study.train --run-dir runs/mine --arm pretext --lengths 300

Prints a line for each length of the schedule. The same command again goes on after a kill, with
any number of workers, and extends the run when --lengths grew. The weights of each length are kept
beside the records. One worker needs no Ray.

Exit status: 0 done, 1 a failure of ours or a diverged loss, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from study import recipes
from study.commands import words
from study.commands.common import DONE, FAILURE, Count, OwnData, RunDir, exit_status, unset, usable
from study.commands.models import BackboneName, DetectorSize, chosen
from study.config import DataConfig, RunConfig, from_dict, schedule, to_dict
from study.config.arms import parse
from study.data.checks import check
from study.data.distribution.downloads import absent
from study.data.splits import open_splits
from study.models import backbones
from study.models.weights import available
from study.recipes import Recipe, listing, scaling
from study.storage import opened
from study.storage.run_dir import DifferentQuestion, Record, State, TrialDir

ALONE = RunConfig(split="report", keep_weights=True)
"""A run without a recipe, before its options."""


def otherwise(metavar: str, text: str, default: object) -> Any:
    """For an option that a recipe answers unless it is given: its help, with the default alone."""
    help_text = f"{text} (default: {default}, or the recipe's)."
    return tyro.conf.arg(metavar=metavar, help=help_text, help_behavior_hint="")


def _words(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train one detector and evaluate it at each length."""

    recipe: tyro.conf.Positional[Annotated[str | None, unset("[RECIPE]")]] = None
    """One of the paper's experiments; all options that follow change it (default: none)."""
    list: bool = False
    """Print all recipes with their schedule, the paper's number and their cost, and stop."""
    dry_run: bool = False
    """Print what would be run, what it costs, what the paper got, which data are there; stop."""
    run_dir: RunDir | None = None
    """The run's folder, or s3://bucket/prefix: configuration, records, checkpoints, weights."""
    tiny: bool = False
    """The recipe reduced to seconds on a CPU: a few small images (the embedded ones, unless
    --data.* are given), six iterations. Other options go on from there."""
    arm: Annotated[
        str | None,
        otherwise("NAME", "scratch, pretext, imagenet, a weights file, or name=file", ALONE.arm),
    ] = None
    size: Annotated[
        int | None,
        otherwise("N", "Training images; with a recipe on own data, all", ALONE.size),
    ] = None
    draw: int = 0
    """Which random draw of that many images."""
    seed: int = 0
    lr: Annotated[
        float | None,
        otherwise("FLOAT", "Learning rate at the batch size given", ALONE.optim.lr),
    ] = None
    weight_decay: Annotated[
        float | None, otherwise("FLOAT", "Of weights only", ALONE.optim.weight_decay)
    ] = None
    batch_size: Annotated[
        int | None,
        otherwise(
            "N",
            "Images per iteration; a recipe's rate and iterations are converted to it",
            ALONE.optim.batch_size,
        ),
    ] = None
    short_px: Count = None
    """Shorter side of images; longer side, scales and anchors follow (default: the model's)."""
    lengths: Annotated[
        tuple[int, ...] | None,
        otherwise(
            "T ...",
            "Total iterations; several share one trunk and end in a tail each",
            _words(ALONE.schedule.lengths),
        ),
    ] = None
    tail: Annotated[
        tuple[int, int] | None,
        otherwise(
            "T T",
            "The rate drops so many iterations before the end of each length",
            _words(ALONE.schedule.tail),
        ),
    ] = None
    factor: Annotated[
        tuple[float, ...] | None,
        otherwise("FLOAT ...", "By how much it drops", _words(ALONE.schedule.factors)),
    ] = None
    split: Literal["tune", "report"] = "report"
    """Images to evaluate on."""
    model: BackboneName = None
    detector: DetectorSize = None
    """Sizes of images and heads: small for CPUs, full as in the paper (default: small). A recipe
    has its own model and detector."""
    crop_px: Count = None
    """Train on random square crops of this side, in px."""
    data: OwnData = field(default_factory=OwnData)
    workers: int = 1
    """Processes that train data-parallel, each on a GPU or CPU core of a Ray cluster."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    """CPU threads of each worker."""


def config(command: Train, recipe: Recipe | None = None) -> RunConfig:
    """The whole configuration that the command means; the data are not looked at.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    run = of_recipe(command, recipe) if recipe else alone(command)
    rates = {"lr": command.lr, "weight_decay": command.weight_decay}
    arm = parse(command.arm) if command.arm is not None else None
    plan = run.schedule
    if command.lengths or command.tail:
        wanted = command.lengths or plan.lengths, command.tail or plan.tail
        plan = scaling.at_lengths(plan, *wanted)
    if command.factor:
        plan = replace(plan, factors=command.factor)
    if command.workers < 1 or run.optim.batch_size % command.workers:
        size = run.optim.batch_size
        raise ValueError(f"workers = {command.workers}: must divide the batch of {size} images")
    run = replace(
        run,
        trial_id=opened(command.run_dir).absolute().name if command.run_dir else run.trial_id,
        arm=arm.name if arm else run.arm,
        init=arm.init if arm else run.init,
        size=run.size if command.size is None else command.size,
        draw=command.draw,
        seed=command.seed,
        split=command.split,
        model=replace(run.model, crop_px=command.crop_px) if command.crop_px else run.model,
        optim=replace(run.optim, **_given(rates)),
        schedule=plan,
        device=command.device,
        threads=command.threads,
    )
    backbones.require(run.model)
    return run


def alone(command: Train) -> RunConfig:
    """The run without a recipe: rate and iterations are meant for the batch that is given."""
    if command.tiny:
        raise ValueError("tiny: reduces a recipe; without one the run is small as it is")
    data = command.data.over(ALONE.data, "custom")
    run = replace(ALONE, data=data, model=chosen(ALONE.model, command.model, command.detector))
    if command.batch_size is not None:
        run = replace(run, optim=replace(run.optim, batch_size=command.batch_size))
    return scaling.at_scale(run, command.short_px) if command.short_px else run


def of_recipe(command: Train, recipe: Recipe) -> RunConfig:
    """The recipe's run at the scale that the command asks for."""
    for name in ("model", "detector"):
        if (value := getattr(command, name)) is not None:
            raise ValueError(f"{name} = {value!r}: {recipe.name} has its own; leave one out")
    data = recipe_data(command, recipe)
    if command.tiny:
        sizes = {"batch_size": command.batch_size, "short_px": command.short_px}
        return scaling.reduced(recipe.run, data=data, **_given(sizes))
    run = replace(recipe.run, data=data)
    if command.batch_size is not None:
        run = scaling.at_batch(run, command.batch_size)
    return scaling.at_scale(run, command.short_px) if command.short_px else run


def recipe_data(command: Train, recipe: Recipe) -> DataConfig:
    """The recipe's data, the command's, or the embedded ones; of own data none are held out."""
    own = command.data
    if command.tiny and not own.given and own.root is None:
        return own.over(scaling.EMBEDDED, "custom")
    data = own.over(recipe.run.data, "custom")
    if not own.given:
        return data
    held_out = 0 if data.tune is None and data.tune_size is None else data.tune_size
    annotated_only = recipe.run.data.annotated_only
    return replace(data, tune_size=held_out, annotated_only=annotated_only)


def every_image(command: Train, recipe: Recipe | None) -> bool:
    """Whether the run trains on as many images as there are."""
    if recipe is None or command.size is not None or command.tiny:
        return False
    return command.data.given or recipe.every_image


def begin(run: RunConfig, trial: TrialDir, recipe: Recipe | None = None) -> None:
    """Write the configuration; a folder that holds another run is refused.

    A run that was refused before it began, by the weights say, leaves no trace but its
    configuration, and is no run yet.

    Raises:
        DifferentQuestion: more differs than device, threads, or lengths added at the end.
        Busy: another process has begun a run there, and has not come to its first iteration.
    """
    written: dict[str, Any] = {"role": "single", "index": 0, "strategy": "given"}
    if recipe:
        written["recipe"] = recipe.name
    written["run"] = to_dict(run)
    if trial.state is None:
        with trial.lock(wait_s=0):
            trial.write_config(written)
        return
    there = from_dict(RunConfig, trial.config()["run"])
    before, now = there.schedule, run.schedule
    # a shorter one would lie behind the checkpoint
    longer = now.lengths[: len(before.lengths)] == before.lengths
    longer = longer and now.watch[: len(before.watch)] == before.watch
    grown = replace(before, lengths=now.lengths, watch=now.watch) if longer else before
    allowed = replace(there, schedule=grown, device=run.device, threads=run.threads)
    if allowed != run:
        raise DifferentQuestion(
            f"run directory {trial.store} holds another run (see its config.json): repeat that"
            " command to resume it, or choose another --run-dir"
        )
    trial.write_config(written)


def line(record: Record) -> str:
    """A record as a line to read."""
    scores = ((name, "none" if ap is None else f"{ap:.1f}") for name, ap in words.scores(record))
    return (
        f"{record['iteration']:>8} iterations  {record['images_seen']:>9} images"
        + ("  (trunk)" if record["weights"] != "tail" else "")
        + "".join(f"  {name} {ap:>5}" for name, ap in scores)
        + f"  loss {record['loss']:6.3f}  {record['images_per_second']:6.1f} images/s"
    )


def train(command: Train) -> int:
    """Check the data, then train."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if command.list:
        return show_all()
    recipe = recipes.find(command.recipe) if command.recipe is not None else None
    run = config(command, recipe)
    missing = command.dry_run and absent(run.data)
    lacking = weights_lacking(run)
    if lacking and not command.dry_run:
        raise ValueError(lacking)  # before the data, at which it takes a while to look
    if not missing:
        check(run.data, () if every_image(command, recipe) else (run.size,))
        if every_image(command, recipe):
            run = replace(run, size=len(open_splits(run.data).pool))
    published = recipe.published_for(run) if recipe else ()
    if command.dry_run:
        for text in listing.described(run, recipe, published):
            console.print(text)
        if lacking:
            console.print(f"weights     NOT there: {lacking}")
        return DONE
    if command.run_dir is None:
        raise ValueError("run-dir: not given: the folder of the run, --run-dir DIR")
    trial = TrialDir(usable(command.run_dir, writing=True))
    begin(run, trial, recipe)
    total = schedule.iterations(run.schedule)
    console.print(f"{run.arm}, {run.size} images, {total} iterations of {run.optim.batch_size}")
    for record in trial.records():
        console.print(line(record) + listing.beside(record, published) + "  (before)")
    for record in records(run, trial, command.workers):
        console.print(line(record) + listing.beside(record, published))
    if trial.state is State.DIVERGED:
        console.print(f"diverged: {trial.events()[-1]['error']}. Try a lower --lr.")
        return FAILURE
    if trial.state is State.PREEMPTED:
        console.print("a worker's process died: the same command goes on where it was saved")
        return FAILURE
    # those of a length stand beside it
    for text in listing.published([row for row in published if row.length is None], run):
        console.print(text)
    return DONE


def weights_lacking(run: RunConfig) -> str | None:
    """Why the run cannot have its initial weights, if that can be said without reading any."""
    try:
        available.require(run)
    except ValueError as error:
        return str(error)
    return None


def records(run: RunConfig, trial: TrialDir, workers: int) -> Iterator[Record]:
    """The records still to come; a run that diverged or lost a worker ends, as its state says."""
    if workers > 1:
        from study.cluster import single  # here: one worker needs no Ray

        yield from single.run(run, trial, workers)
        return
    from study.training import engine  # here: a list and a dry run need no torch

    with contextlib.suppress(engine.Diverged):
        yield from engine.run(run, trial)


def show_all() -> int:
    """Print the table of recipes; as wide as it is, for a narrow console would cut its columns."""
    console = Console(highlight=False, markup=False, width=1000)
    console.print(listing.table(recipes.all().values()))
    for text in (listing.STANDINGS, listing.ASSUMED):
        console.print(text)
    return DONE


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    command = tyro.cli(Train, prog="python -m study.train", args=arguments, description=__doc__)
    return exit_status(lambda: train(command))


if __name__ == "__main__":
    sys.exit(main())
