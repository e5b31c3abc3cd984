"""python -m study.train: one run, one arm, one setting; one of the paper's, or of your own.

    python -m study.train --list                              # the paper's experiments: recipes
    python -m study.train table1/r50-gn-scratch --dry-run     # what it takes, what the paper got
    python -m study.train table1/r50-gn-scratch --run-dir runs/r50 --workers 8
    python -m study.train table1/r50-gn-scratch --run-dir runs/try --tiny    # seconds on a CPU
    python -m study.train --run-dir runs/mine --arm pretext --lengths 300
    python -m study.train --best runs/mine --out detector/    # the detector that a study prefers

Prints a line for each length of the schedule. The same command again goes on after a kill, with
any number of workers, and extends the run when --lengths grew. The weights of each length are
stored beside the records. One worker needs no Ray.

Exit status: 0 done, 1 a failure of ours or a diverged loss, 2 bad input, 130 interrupted;
with --dry-run 2 too where data or weights are not there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace

from rich.console import Console

from study import recipes
from study.commands import best, words
from study.commands.best import Best
from study.commands.common import BAD_INPUT, DONE, FAILURE, exit_status, usable
from study.commands.devices import require_device
from study.commands.options.parsing import parsed
from study.commands.options.train import Train
from study.commands.options.train_config import config, every_image, weights_lacking
from study.config import RunConfig, schedule
from study.config.terminal import Terminal
from study.data.checks import check
from study.data.distribution.downloads import absent
from study.data.splits import open_splits
from study.recipes import listing
from study.recipes.recipe import Published
from study.storage.run_dir import Record, State, TrialDir
from study.training.single_run import begin


def train(command: Train, console: Console) -> int:
    """Check weights and data, then train, or say what would be done; returns the exit status."""
    recipe = recipes.find(command.recipe) if command.recipe is not None else None
    run = config(command, recipe)
    if command.run_dir is None and not command.dry_run:
        raise ValueError("run-dir: not given; name the folder of the run, --run-dir DIR")
    if not command.dry_run and command.workers == 1:  # several are of a Ray cluster
        require_device(run.device)
    lacking = weights_lacking(run)
    if lacking and not command.dry_run:
        raise ValueError(lacking)  # before the data, which take a while to check
    missing = absent(run.data)
    if not (command.dry_run and missing):
        whole = every_image(command, recipe)
        check(run.data, () if whole else (run.size,))
        splits = open_splits(run.data)
        for note in splits.notes:
            console.print(f"data        {note}")
        if whole:
            run = replace(run, size=len(splits.pool))
    published = recipe.published_for(run) if recipe else ()
    if command.dry_run:
        for text in listing.described(run, recipe, published):
            console.print(text)
        if lacking:
            console.print(f"weights     NOT there: {lacking}")
        return BAD_INPUT if lacking or missing else DONE  # as the run itself would end
    assert command.run_dir is not None  # refused above
    trial = TrialDir(usable(command.run_dir, writing=True))
    run = begin(run, trial, recipe.name if recipe else None)
    return carry_out(run, trial, command.workers, published, console)


def train_best(command: Best, console: Console) -> int:
    """Train what a study prefers, and write the detector; returns the exit status."""
    begun = best.prepare(command, console)
    status = carry_out(begun.run, begun.trial, command.workers, (), console)
    if status == DONE:
        best.finish(command, begun, console)
    return status


def carry_out(
    run: RunConfig,
    trial: TrialDir,
    workers: int,
    published: Collection[Published],
    console: Console,
) -> int:
    """Train to the end, with a line for each record; returns the exit status."""
    total = schedule.iterations(run.schedule)
    console.print(f"{run.arm}, {run.size} images, {total} iterations of {run.optim.batch_size}")
    for record in trial.records():
        console.print(line(record) + listing.beside(record, published) + "  (before)")
    for record in records(run, trial, workers):
        console.print(line(record) + listing.beside(record, published))
    if trial.state is State.DIVERGED:
        console.print(f"diverged: {trial.events()[-1]['error']}. Try a lower --lr.")
        return FAILURE
    if trial.state is State.PREEMPTED:
        console.print("a worker's process died: the same command goes on from the checkpoint")
        return FAILURE
    # numbers of a length are printed beside its record
    for text in listing.published([row for row in published if row.length is None], run):
        console.print(text)
    return DONE


def records(run: RunConfig, trial: TrialDir, workers: int) -> Iterator[Record]:
    """The records still to come; a run that diverged or lost a worker ends, as its state says."""
    if workers > 1:
        from study.cluster import single  # here: one worker needs no Ray

        yield from single.run(run, trial, workers)
        return
    from study.training import engine  # here: a list and a dry run need no torch

    with contextlib.suppress(engine.Diverged):
        yield from engine.run(run, trial)


def line(record: Record) -> str:
    """A record as a line to read."""
    scores = ((name, "none" if ap is None else f"{ap:.1f}") for name, ap in words.scores(record))
    return (
        f"{record['iteration']:>8} iterations  {record['images_seen']:>9} images"
        + ("  (trunk)" if record["weights"] != "tail" else "")
        + "".join(f"  {name} {ap:>5}" for name, ap in scores)
        + f"  loss {record['loss']:6.3f}  {record['images_per_second']:6.1f} images/s"
    )


def list_recipes() -> int:
    """Print the table of recipes, each row on one line however narrow the console is."""
    console = Terminal(highlight=False, markup=False, width=1000)
    console.print(listing.table(recipes.all().values()))
    for text in (listing.STANDINGS, listing.ASSUMED):
        console.print(text)
    return DONE


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m study.train"
    if any(argument.partition("=")[0] == "--best" for argument in arguments):
        console = Terminal(highlight=False, markup=False, soft_wrap=True)
        return exit_status(
            lambda: train_best(parsed(Best, arguments, prog), console), arguments, True
        )
    return exit_status(lambda: act(parsed(Train, arguments, prog, __doc__)), arguments, True)


def act(command: Train) -> int:
    """List the recipes, or train."""
    if command.list:
        return list_recipes()
    return train(command, Terminal(highlight=False, markup=False, soft_wrap=True))


if __name__ == "__main__":
    sys.exit(main())
