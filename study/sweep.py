"""python -m study.sweep: tune every arm equally, at every size, and confirm what was chosen.

The run directory is the whole state: the same command again resumes after any interruption, and
extends the study where --trials or --confirm grew.

    python -m study.sweep --status RUN_DIR    # how a study stands; from any machine, without Ray
    python -m study.sweep --watch RUN_DIR     # its report in a browser, renewed while trials run

Exit status: 0 done, 1 some trials failed, 2 bad input, 130 interrupted; with --status 0 complete,
1 not complete and trials failed, 2 no study there, 3 not complete; with --watch that of
`python -m analysis --watch`, which it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from rich.console import Console

from study.cluster import address
from study.cluster.failures.patience import Patience
from study.commands import in_turn, machine, own_data, status
from study.commands.bill import (
    assumed_time,
    bill_lines,
    bill_memory,
    left_lines,
    plan_lines,
    price_lines,
    rate,
    speed_line,
)
from study.commands.common import DONE, FAILURE, exit_status, usable
from study.commands.devices import require_device_of_study
from study.commands.options import log_to
from study.commands.options.parsing import parsed
from study.commands.options.sweep import (
    Spend,
    Status,
    Sweep,
    Watch,
    design,
    proposes_sizes,
    require_finalists,
)
from study.commands.recorded import keep_truth, manifest
from study.config.printable import printable
from study.config.terminal import Terminal
from study.data.checks import check, require_objects_to_tune_on
from study.data.distribution.downloads import absent
from study.data.splits import Splits, open_splits
from study.models.weights import available
from study.planning.design import Design
from study.planning.ladder.growing import require_beyond
from study.planning.plan import Plan
from study.planning.pricing.bill import affordable, bill
from study.planning.pricing.price import price
from study.storage.run_dir import StudyDir
from study.storage.run_dir.mending import mend_all


def run(sweep: Sweep, command: list[str]) -> int:
    """Check the data, print the bill, then run what is left to do; `command` is recorded."""
    console = Terminal()
    asked = design(sweep)
    Patience.given()  # a wrong number is refused before anything starts
    if os.environ.get(address.VARIABLE) and not sweep.dry_run:
        address.to_join()
    if sweep.budget.max_images is None and sweep.budget.max_hours is None:
        require_finalists(asked)
    study = StudyDir(usable(sweep.run_dir, writing=not sweep.dry_run))
    if not sweep.dry_run:
        require_device_of_study(sweep.device)
    log_to.require(sweep.logs, study.store)
    if rate(sweep.price_per_hour) and not sweep.dry_run:
        raise ValueError("price_per_hour: is for the bill; add --dry-run, or leave it out")
    missing = absent(asked.space.fixed.data)
    if sweep.dry_run and missing:
        cost, speed = bill(asked), asked.space.assumed_speed
        known = assumed_time(cost, speed) if speed else []
        show(console, asked, [*bill_lines(cost, asked), *known])  # what to download comes next
    if not missing:
        check_weights(asked)  # before the data, at which it takes a while to look
    data, propose = asked.space.fixed.data, proposes_sizes(sweep)
    check(data, () if propose else asked.space.scientific.sizes)
    splits = open_splits(data)
    require_objects_to_tune_on(splits)
    note = own_data.found(data, splits)
    check_arms(asked, len(splits.train.category_id))
    if propose:
        asked, line = own_data.sized(asked, splits, study, partial(machine.gpu, asked))
        note.append(line)
    if sweep.finds_sizes:
        asked = in_turn.first(asked, study)
    asked = own_data.laddered(asked, study) if sweep.is_custom else asked
    asked = own_data.suited(asked, splits) if sweep.data.given else asked
    asked = afforded(asked, sweep.budget, study, sweep)
    require_finalists(asked)
    study.require_same(asked.question(splits.digests()), asked.unsaid())  # before it is locked
    require_beyond(asked, study)
    if sweep.dry_run:
        show(console, asked, [*note, *priced(asked, study, splits, sweep)])
        return DONE
    if study.store.folder is None and (owner := study.holder()):
        console.print(f"{owner} holds the study: waiting up to a minute to see if it still runs")

    evaluated = max(len(splits.images(name)[1]) for name in ("tune", "report"))

    def begin(asked: Design) -> tuple[int, Plan]:
        """With more sizes, perhaps, than at the last time."""
        known = study.manifest.get("chance")
        study.open(manifest(asked, splits, sweep, command, known), asked.unsaid())
        plan = Plan(asked, study)
        return start(plan, sweep, console, evaluated, held.close), plan

    with contextlib.ExitStack() as held:
        held.enter_context(study.lock())
        for line in mend_all(study):
            console.print(f"damaged     {line}", markup=False, highlight=False, soft_wrap=True)
        known = study.manifest.get("chance") if study.exists else None
        study.open(manifest(asked, splits, sweep, command, known), asked.unsaid())
        keep_truth(study, splits)
        own_data.keep_splits(study, splits)
        show(console, asked, [*note, *bill_lines(bill(asked), asked)])
        if sweep.finds_sizes:
            status = in_turn.run(
                asked, begin, partial(console.print, highlight=False, soft_wrap=True)
            )
        else:
            status, _ = begin(asked)
    if status == DONE:
        study.complete()
        console.print(f"done: python -m analysis {study.store}", markup=False, highlight=False)
    return status


def start(
    plan: Plan, sweep: Sweep, console: Console, images: int, release: Callable[[], None]
) -> int:
    """Run the plan on Ray; 0 when all is done, 1 when trials failed.

    Args:
        plan: of the study, whose lock is held.
        sweep: the options.
        console: to print to.
        images: that a trial evaluates on, at most.
        release: gives back the study's lock, where Ray ends and this process with it.
    """
    from study.cluster import launch  # here: a dry run and a bad input need no ray

    launch.run(
        plan,
        workers=sweep.workers,
        gpus=sweep.gpus_per_trial,
        max_concurrent=sweep.max_concurrent,
        images=images,
        log_to=sweep.logs,
        console=console,
        release=release,
    )
    if unended := plan.unended():
        names = ", ".join(unended)
        console.print(
            f"{len(unended)} trials failed: {names}. Run the same command to try them again.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return FAILURE
    return DONE


def priced(asked: Design, study: StudyDir, splits: Splits, sweep: Sweep) -> list[str]:
    """What the study costs, or what is left of it, as measured here; and what it can tell."""
    workers, at_once, gpus = machine_use(asked, sweep)
    found = machine.worker_speed(asked, workers, at_once, gpus)
    cost = price(Plan(asked, study), machine.pace(found, sweep.workers), at_once)
    begun = study.exists and bool(study.trials())
    return [
        *plan_lines(asked, len(splits.images("report")[1])),
        *(left_lines(cost) if begun else bill_lines(bill(asked), asked)),
        *price_lines(cost, at_once, rate(sweep.price_per_hour)),
        *(["sizes       further ones follow, which cost more: --sizes auto"] * sweep.finds_sizes),
        speed_line(found, at_once),
        bill_memory(found),
    ]


def machine_use(asked: Design, sweep: Sweep) -> tuple[int, int, float | None]:
    """Workers of a training, trainings at once on this machine, and GPUs that a worker takes."""
    workers, gpus = sweep.workers, sweep.gpus_per_trial
    return workers, machine.places(asked, workers, gpus, sweep.max_concurrent), gpus


def afforded(asked: Design, spend: Spend, study: StudyDir, sweep: Sweep | None = None) -> Design:
    """The design with as many trials as the budget pays for.

    Hours are turned into trials once: a study that is taken up with the same hours keeps its
    number of trials, however fast the machine is by then. `sweep` says how many train at once.
    """
    before = study.manifest["budget"] if study.exists else {}
    if spend.max_hours is not None and before.get("max_hours") == spend.max_hours:
        return replace(asked, budget=replace(asked.budget, trials=before["trials"]))
    if spend.max_images is not None:
        return at_least(affordable(asked, spend.max_images), before)
    if spend.max_hours is not None:
        given = sweep or Sweep(run_dir=str(study.store))
        speed = machine.worker_speed(asked, *machine_use(asked, given)).images_per_second
        try:
            paid = affordable(asked, spend.max_hours * 3600 * speed)
        except ValueError as error:
            raise ValueError(
                f"max_hours = {spend.max_hours:g}: at {speed:.1f} images/s that is a {error}"
            ) from error
        return at_least(paid, before)
    for name, option in (
        ("trials", f"--trials {before.get('trials')}"),
        ("extend", "--extend auto"),
    ):
        given = getattr(asked.budget, name)
        if given < before.get(name, 0):
            raise ValueError(
                f"{name} = {given}: the study in {study.store} has {before[name]} already, and a"
                f" budget may only grow; repeat {option}, or give more"
            )
    return asked


def at_least(asked: Design, before: dict[str, Any]) -> Design:
    """No fewer trials than the study has been given already."""
    trials = max(asked.budget.trials, before.get("trials", 0))
    return replace(asked, budget=replace(asked.budget, trials=trials))


def check_weights(asked: Design) -> None:
    """Raises ValueError where there are no weights for an arm of such a model; reads none."""
    fixed = asked.space.fixed
    for arm in asked.arms:
        available.require(replace(fixed, arm=arm.name, init=arm.init))


def check_arms(asked: Design, num_classes: int) -> None:
    """Raises ValueError where an arm's weights do not fit the network, or do not fill what is
    frozen.
    """
    fixed = asked.space.fixed
    for arm in asked.arms:
        # shipped weights fit, as `check_weights` has seen, and to import torch takes seconds
        if arm.init in (None, "pretext") and not fixed.model.body.freezes:
            continue
        from study.models.initialisation import build

        build(replace(fixed, arm=arm.name, init=arm.init), num_classes)


def show(console: Console, asked: Design, lines: list[str]) -> None:
    """Print the bill."""
    names = ", ".join(arm.name for arm in asked.arms)
    sizes = ", ".join(map(str, asked.space.scientific.sizes))
    console.print(f"study       {asked.space.name}: {names} at {sizes} images", highlight=False)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def show_status(asked: Status) -> int:
    """Print how a study stands; returns the exit status."""
    lines, found = status.report(StudyDir(usable(asked.status, writing=False)).snapshot())
    print(printable("\n".join(lines)))
    return found


def watch(asked: Watch) -> int:
    """Become the command that makes the report: the analysis knows the study, not the reverse."""
    given = {"--host": asked.host, "--port": asked.port}
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    command = ["-m", "analysis", str(asked.watch), "--watch", *options]
    os.execv(sys.executable, [sys.executable, *command])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = "python -m study.sweep"
    names = {argument.partition("=")[0] for argument in arguments}
    if "--status" in names:
        return exit_status(lambda: show_status(parsed(Status, arguments, prog)), arguments)
    if "--watch" in names:
        return exit_status(lambda: watch(parsed(Watch, arguments, prog)), arguments)
    act = partial(run, command=[*prog.split(), *arguments])
    return exit_status(lambda: act(parsed(Sweep, arguments, prog, __doc__)), arguments, True)


if __name__ == "__main__":
    sys.exit(main())
